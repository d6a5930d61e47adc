"""The vocabulary of faults: what can go wrong, with which settings, for whom and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide

FOREVER: Micros = 1 << 62
_DAY_MS = 86_400_000


class Kind(Enum):
    """What can be made to happen."""

    DROP_REQUEST = "drop_request"
    DROP_REPLY = "drop_reply"
    DELAY = "delay"
    STATUS = "status"
    GARBAGE_BODY = "garbage_body"
    RESET_MID_BODY = "reset_mid_body"
    FREEZE = "freeze"
    PARTIAL_FILL = "partial_fill"
    VISIBLE_AFTER = "visible_after"
    SKEW_SERVER_TIME = "skew_server_time"
    HALT_SYMBOL = "halt_symbol"
    FILTER_CHANGE = "filter_change"
    BALANCE_SET = "balance_set"
    EXTERNAL_TRADE = "external_trade"
    WS_DROP = "ws_drop"
    WS_STALL = "ws_stall"
    WS_GAP = "ws_gap"
    WS_DUP = "ws_dup"
    WS_REORDER = "ws_reorder"
    WS_FREEZE = "ws_freeze"
    WS_REJECT_SUBSCRIBE = "ws_reject_subscribe"

    @property
    def family(self) -> Family:
        """When it strikes."""
        return _VOCABULARY[self][0]


class Family(Enum):
    """When a fault strikes: at a request, at a placed order, for a span of time, or at once."""

    REQUEST = "request"
    ORDER = "order"
    STATE = "state"
    ACTION = "action"


Reader = Callable[[Any], Any]
_REQUIRED = object()


def _whole(low: int, high: int) -> Reader:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def _one_of(*words: str) -> Reader:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ValueError("a text of 1 to 200 characters")
    return value


def _amount(value: Any) -> Decimal:
    # A float has already lost what was written.
    number = Decimal("NaN")
    if type(value) is int or isinstance(value, str | Decimal):
        with suppress(InvalidOperation):
            number = Decimal(value)
    if not number.is_finite() or not 0 <= number <= 10**12 or number != round(number, 8):
        raise ValueError('a decimal of at most 8 places as text, such as "0.001"')
    return number


def _side(value: Any) -> OrderSide:
    if value not in OrderSide.__members__:
        raise ValueError("BUY or SELL")
    return OrderSide[value]


_MS = _whole(0, _DAY_MS)
_STREAM = ("", lambda value: "" if value == "" else _text(value))
_LINE = ("", _one_of("", "market", "api"))
_MESSAGES = (1, _whole(1, 1_000_000))
_Setting = tuple[Any, Reader]
_VOCABULARY: dict[Kind, tuple[Family, dict[str, _Setting]]] = {
    Kind.DROP_REQUEST: (Family.REQUEST, {}),
    Kind.DROP_REPLY: (Family.REQUEST, {}),
    Kind.DELAY: (Family.REQUEST, {"before_ms": (0, _MS), "after_ms": (0, _MS)}),
    Kind.STATUS: (
        Family.REQUEST,
        {
            "status": (_REQUIRED, _whole(400, 599)),
            "when": ("before", _one_of("before", "after")),
            "retry_after_s": (1, _whole(0, 86_400 * 3)),
            "code": (0, _whole(-9_999, 0)),
            "text": ("An unknown error occurred while processing the request.", _text),
        },
    ),
    Kind.GARBAGE_BODY: (
        Family.REQUEST,
        {"style": ("truncated", _one_of("truncated", "html", "binary", "empty"))},
    ),
    Kind.RESET_MID_BODY: (Family.REQUEST, {}),
    Kind.FREEZE: (Family.REQUEST, {"ms": (_DAY_MS, _MS)}),
    Kind.PARTIAL_FILL: (Family.ORDER, {"quantity": (_REQUIRED, _amount)}),
    Kind.VISIBLE_AFTER: (Family.ORDER, {"ms": (_REQUIRED, _MS)}),
    Kind.SKEW_SERVER_TIME: (Family.STATE, {"ms": (_REQUIRED, _whole(-_DAY_MS, _DAY_MS))}),
    Kind.HALT_SYMBOL: (
        Family.STATE,
        {"symbol": (_REQUIRED, _text), "status": ("HALT", _one_of("HALT", "BREAK"))},
    ),
    Kind.FILTER_CHANGE: (
        Family.STATE,
        {
            "symbol": (_REQUIRED, _text),
            "tick_size": (Decimal(0), _amount),
            "step_size": (Decimal(0), _amount),
            "min_notional": (Decimal(0), _amount),
        },
    ),
    Kind.BALANCE_SET: (
        Family.ACTION,
        {"account": (_REQUIRED, _text), "asset": (_REQUIRED, _text), "free": (_REQUIRED, _amount)},
    ),
    Kind.EXTERNAL_TRADE: (
        Family.ACTION,
        {
            "account": (_REQUIRED, _text),
            "symbol": (_REQUIRED, _text),
            "side": (_REQUIRED, _side),
            "quantity": (_REQUIRED, _amount),
            "price": (Decimal(0), _amount),
        },
    ),
    Kind.WS_DROP: (Family.ACTION, {"line": _LINE, "code": (0, _whole(0, 4_999))}),
    Kind.WS_STALL: (Family.ACTION, {"line": _LINE}),
    Kind.WS_FREEZE: (Family.STATE, {"line": _LINE}),
    Kind.WS_GAP: (Family.ACTION, {"stream": _STREAM, "messages": _MESSAGES}),
    Kind.WS_DUP: (Family.ACTION, {"stream": _STREAM, "messages": _MESSAGES}),
    Kind.WS_REORDER: (Family.ACTION, {"stream": _STREAM}),
    Kind.WS_REJECT_SUBSCRIBE: (Family.ACTION, {"subscriptions": _MESSAGES}),
}


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests or orders a fault is for; what is empty matches all.

    Attributes:
        method: HTTP method.
        path: exact path, such as `/api/v3/order`.
        symbol: of the request.
        account: the caller's name.
        every: only each such match in turn: 3 strikes the third, the sixth...
    """

    method: str = ""
    path: str = ""
    symbol: str = ""
    account: str = ""
    every: int = 1

    def holds(self, call: Call) -> bool:
        """Whether it is meant for such a call."""
        return (
            self.method in {"", call.method}
            and self.path in {"", call.path}
            and self.symbol in {"", call.symbol}
            and self.account in {"", call.account}
        )


@dataclass(frozen=True, slots=True)
class Call:
    """What a fault can be matched with: one request, or the order that it places."""

    method: str = ""
    path: str = ""
    symbol: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned misfortune.

    Attributes:
        kind: what happens.
        settings: how, by the names of the vocabulary; all of them, defaults included.
        match: for whom.
        count: how often at most; without end for what lasts (`until`, a state, a freeze).
        start: market time from which it may strike, or at which an action happens.
        until: market time at which it ends.
    """

    kind: Kind
    settings: Mapping[str, Any] = field(default_factory=dict)
    match: Match = Match()
    count: int = 1
    start: Micros = 0
    until: Micros = FOREVER

    def plain(self) -> dict[str, Any]:
        """Give it as it is written on the wire."""
        match = {name: getattr(self.match, name) for name in Match.__dataclass_fields__}
        default = {name: getattr(Match(), name) for name in match}
        times = {} if self.start == 0 else {"from": self.start // 1_000}
        if self.until != FOREVER:
            times["until"] = self.until // 1_000
        counts = self.kind.family in {Family.REQUEST, Family.ORDER}
        return {
            "kind": self.kind.value,
            **{name: _plain(value) for name, value in self.settings.items()},
            "match": {name: value for name, value in match.items() if value != default[name]},
            **({"count": self.count} if counts and self.count != FOREVER else {}),
            **times,
        }


def _plain(value: Any) -> Any:
    if isinstance(value, OrderSide):
        return value.name
    return str(value) if isinstance(value, Decimal) else value


def fault_from(wish: Any) -> Fault:
    """Read a fault from plain values.

    Args:
        wish: `kind`, the settings of that kind, and optionally `match`, `count`, and `at`, or
            `from` and `until` (market time, ms since 1970 or text such as 2024-04-01T12:00:00Z).

    Raises:
        ConfigurationError: for an unknown kind, name or value; says what was expected.
    """
    if not isinstance(wish, dict):
        raise _bad("an object with a kind", wish)
    rest = dict(wish)
    kind = _kind(rest.pop("kind", None))
    match = _match(rest.pop("match", {}), kind)
    start, until = _times(rest, kind)
    lasts = until != FOREVER or kind.family is Family.STATE or kind is Kind.FREEZE
    count = rest.pop("count", None)
    if count is not None and kind.family in {Family.STATE, Family.ACTION}:
        raise _bad(f"no count, for {kind.value} happens once", count)
    if count is None:
        count = FOREVER if lasts else 1
    count = _read("count", _whole(1, FOREVER), count)
    return Fault(kind, _settings(kind, rest), match, count, start, until)


def _kind(value: Any) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise _bad(f"kind: one of {', '.join(k.value for k in Kind)}", value) from None


def _settings(kind: Kind, rest: dict[str, Any]) -> dict[str, Any]:
    wanted = _VOCABULARY[kind][1]
    if strangers := rest.keys() - wanted.keys():
        names = [*wanted, "match", "count", "at", "from", "until"]
        raise _bad(f"{kind.value} with {', '.join(names)}", ", ".join(sorted(strangers)))
    values = {}
    for name, (default, reader) in wanted.items():
        if name in rest:
            values[name] = _read(name, reader, rest[name])
        elif default is _REQUIRED:
            raise _bad(f"{kind.value} with {name}", "none")
        else:
            values[name] = default
    return values


def _match(wish: Any, kind: Kind) -> Match:
    if not isinstance(wish, dict) or wish.keys() - set(Match.__dataclass_fields__):
        raise _bad(f"match: an object with {', '.join(Match.__dataclass_fields__)}", wish)
    if wish and kind.family not in {Family.REQUEST, Family.ORDER}:
        raise _bad(f"no match, for {kind.value} strikes by time", wish)
    values = {
        name: _read(f"match.{name}", _whole(1, 1_000_000) if name == "every" else _text, value)
        for name, value in wish.items()
    }
    return Match(**values)


def _times(rest: dict[str, Any], kind: Kind) -> tuple[Micros, Micros]:
    if "at" in rest and {"from", "until"} & rest.keys():
        raise _bad("either at, or from and until", "both")
    start = rest.pop("at") if "at" in rest else rest.pop("from", 0)
    until = rest.pop("until", None)
    if until is not None and kind.family is Family.ACTION:
        raise _bad(f"no until, for {kind.value} happens once", until)
    begin = _read("at or from", _instant, start)
    end = FOREVER if until is None else _read("until", _instant, until)
    if end <= begin:
        raise _bad("an until that is later than from", until)
    return begin, end


def _instant(value: Any) -> Micros:
    if type(value) is int and 0 <= value < FOREVER // 1_000:
        return value * 1_000
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    # YAML reads an unquoted instant by itself.
    if isinstance(value, datetime) and value.tzinfo is not None:
        return int(value.replace(microsecond=0).timestamp()) * 1_000_000 + value.microsecond
    raise ValueError


def _read(name: str, reader: Reader, value: Any) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        expected = str(error)
        if reader is _instant:
            expected = "market time in ms, or text such as 2024-04-01T12:00:00Z"
        raise _bad(f"{name}: {expected}", value) from None


def _bad(expected: str, found: Any) -> ConfigurationError:
    return ConfigurationError("Not a fault", expected=expected, found=str(found)[:200])


def vocabulary() -> dict[str, dict[str, Any]]:
    """Describe every kind: when it strikes, and its settings with their defaults."""
    return {
        kind.value: {
            "strikes": family.value,
            "settings": {
                name: "required" if default is _REQUIRED else _plain(default)
                for name, (default, _) in settings.items()
            },
        }
        for kind, (family, settings) in _VOCABULARY.items()
    }

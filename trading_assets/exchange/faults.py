"""Planned misfortune: delays, lost answers and error pages for the next matching requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from trading_assets.domain.errors import ConfigurationError

_FOREVER = 1 << 62
_REPLIES = (418, 429, 502, 503)
_NUMBERS = {"count", "delay_ms_before", "delay_ms_after", "reply", "retry_after_s"}
_WORDS = {"method", "path", "drop", "reply_when"}
_SHORT = {"order_delay_ms_before", "order_delay_ms_after", "drop_after"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a request that matches.

    Attributes:
        method: HTTP method, empty for any.
        path: exact path, empty for any.
        count: how many requests it is for.
        delay_ms_before: wait before the request is looked at.
        delay_ms_after: wait between execution and answer.
        drop: close the connection without an answer, `before` or `after` execution.
        reply: answer with this HTTP status instead (502 and 503 as HTML), 0 for none.
        reply_when: whether the request is executed first.
        retry_after_s: the header of 418 and 429.
    """

    method: str = "POST"
    path: str = "/api/v3/order"
    count: int = 1
    delay_ms_before: int = 0
    delay_ms_after: int = 0
    drop: Literal["", "before", "after"] = ""
    reply: int = 0
    reply_when: Literal["before", "after"] = "before"
    retry_after_s: int = 1

    def matches(self, method: str, path: str) -> bool:
        """Whether it is meant for such a request."""
        return self.method in {"", method} and self.path in {"", path}


class Faults:
    """Armed faults, first come first served; one request meets at most one."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """Add a fault behind those already armed."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Forget all."""
        self._armed.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Give the fault of this request and count it down."""
        for number, fault in enumerate(self._armed):
            if fault.matches(method, path):
                if fault.count > 1:
                    self._armed[number] = replace(fault, count=fault.count - 1)
                else:
                    del self._armed[number]
                return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """List what is armed."""
        return [
            {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
            for fault in self._armed
        ]

    def arm_from(self, wish: dict[str, Any]) -> None:
        """Arm what a control request asks for.

        Either the fields of `Fault`, or the short form for orders: `order_delay_ms_before` and
        `order_delay_ms_after` hold until changed, `drop_after` loses the answers of the next n
        placements; the short form replaces all that was armed.

        Raises:
            ConfigurationError: for an unknown field or value.
        """
        if wish.keys() & _SHORT:
            self._arm_short(wish)
        else:
            self.arm(_fault_from(wish))

    def _arm_short(self, wish: dict[str, Any]) -> None:
        _check(wish, numbers=_SHORT, words=set())
        delays = Fault(
            count=_FOREVER,
            delay_ms_before=wish.get("order_delay_ms_before", 0),
            delay_ms_after=wish.get("order_delay_ms_after", 0),
        )
        self.clear()
        if wish.get("drop_after"):
            self.arm(replace(delays, count=wish["drop_after"], drop="after"))
        if delays.delay_ms_before or delays.delay_ms_after:
            self.arm(delays)


def _fault_from(wish: dict[str, Any]) -> Fault:
    _check(wish, numbers=_NUMBERS, words=_WORDS)
    fault = Fault(**wish)
    if (
        fault.drop not in {"", "before", "after"}
        or fault.reply_when not in {"before", "after"}
        or fault.reply not in {0, *_REPLIES}
        or fault.count < 1
    ):
        raise _unusable(wish)
    return fault


def _check(wish: dict[str, Any], *, numbers: set[str], words: set[str]) -> None:
    for name, value in wish.items():
        is_number = name in numbers and type(value) is int and value >= 0
        if not is_number and not (name in words and isinstance(value, str)):
            raise _unusable({name: value})


def _unusable(wish: dict[str, Any]) -> ConfigurationError:
    return ConfigurationError(
        "Not a fault",
        expected=f"fields {', '.join(Fault.__dataclass_fields__)}, or {', '.join(sorted(_SHORT))}",
        found=str(wish)[:200],
    )

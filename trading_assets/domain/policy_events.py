"""What a live book journals by policy: about venue, bars and the data behind its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.bar import Bar
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.trading_rules import TradingRules


@dataclass(frozen=True, slots=True)
class FoundUpstream:
    """What a look at the data behind a release has found; () for nothing.

    Attributes:
        findings: one line per partition that was restated, is stale, missing or damaged.
        aged: one line per pin that later ones have followed. They come with each month and say
            nothing against the release, so they are told, and no policy answers them.
    """

    findings: tuple[str, ...] = ()
    aged: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """Give it as fields of a snapshot."""
        return {"upstream": list(self.findings), "aged": list(self.aged)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FoundUpstream:
        """Read a snapshot, also one from before there were ages."""
        return cls(tuple(values.get("upstream", ())), tuple(values.get("aged", ())))


@dataclass(frozen=True, slots=True)
class UpstreamStale:
    """What is found by now behind the release, when that has changed; see `FoundUpstream`."""

    ts: Micros
    release_id: str
    findings: tuple[str, ...]
    aged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BarRevised:
    """The venue tells a minute otherwise than before; what was decided on it stays decided."""

    ts: Micros
    old: Bar
    new: Bar


@dataclass(frozen=True, slots=True)
class BarRefused:
    """A minute of the venue was not let in: it cannot be one of `symbol`; nothing trades on it."""

    ts: Micros
    symbol: Symbol
    bar: Bar
    reason: str


@dataclass(frozen=True, slots=True)
class TradingRulesSeen:
    """The venue's rules of a symbol, when they are not what they were; decisions fit into them."""

    ts: Micros
    rules: TradingRules


@dataclass(frozen=True, slots=True)
class BreakerTripped:
    """A circuit breaker has measured what the book is halted for.

    `TradingHalted` follows, unless the book is halted so far already.

    Attributes:
        cause: `drawdown` or `volatility`.
        symbol: "" for the book as a whole.
        measured: fraction of the peak, or multiple of the usual volatility.
        limit: in the same unit.
    """

    ts: Micros
    cause: str
    symbol: Symbol
    measured: float
    limit: float

    @property
    def reason(self) -> str:
        """Say in a line what was measured."""
        if self.cause == "drawdown":
            told = f"{self.measured:.2%} below its peak, the limit is {self.limit:.2%}"
        else:
            told = f"{self.measured:.1f} times the usual, the limit is {self.limit:g}"
        return f"circuit breaker: {self.cause} of {self.symbol or 'the book'}: {told}"


@dataclass(frozen=True, slots=True)
class EntriesPaused:
    """Entries of a symbol stopped by a policy; exits go on.

    Attributes:
        symbol: "" for every symbol of the book.
        cause: which policy; each ends by its own `EntriesAllowed`.
        until: market time when it ends by itself, 0 when it does not.
    """

    ts: Micros
    symbol: Symbol
    cause: str
    reason: str
    until: Micros = 0


@dataclass(frozen=True, slots=True)
class EntriesAllowed:
    """What had paused entries is over, or a person has acknowledged it."""

    ts: Micros
    symbol: Symbol
    cause: str
    reason: str
    inbox_id: int = 0

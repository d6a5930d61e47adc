"""What a person must hear of: each rule is a pure function of the signs of one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_GIB = 1024**3
_ERROR_RATE = 0.10
_ERRORS_OF_AT_LEAST = 10
_IN_DOUBT_S = 60.0
_OFFSET_MS = 500.0
_GAP_BARS = 2.0
_LATENCY_MS = 1_000.0


@dataclass(frozen=True, slots=True)
class Signs:
    """A book at one moment.

    Attributes:
        bars_behind: bars that have closed since the latest one that was handled; 0 where the
            market's clock is not the world's.
        error_rate, outcomes: share of the latest orders that failed, and how many they are.
        latency_ms: from the close of a bar to the sending of its order, p95 of the latest; 0 while
            that is not known.
        in_doubt_s: how long the oldest order without an answer has waited; 0 for none.
        halt_source: of the halt in force, "" for none.
        breaker: what the latest circuit breaker was that no person has resumed from, "" for none.
        free_bytes: on the disk of the journal.
        offset_ms: how far the venue's clock is ahead of this machine's.
        budget: what the error budget has led to, "" while all is allowed.
    """

    bars_behind: float = 0.0
    error_rate: float = 0.0
    outcomes: int = 0
    latency_ms: float = 0.0
    in_doubt_s: float = 0.0
    halt_source: str = ""
    breaker: str = ""
    free_bytes: int = 1 << 62
    offset_ms: float = 0.0
    budget: str = ""


RULES: dict[str, Callable[[Signs], str]] = {
    "bar_gap": lambda s: (
        f"{s.bars_behind:.1f} bars have closed unseen" if s.bars_behind > _GAP_BARS else ""
    ),
    "order_errors": lambda s: (
        f"{s.error_rate:.0%} of the latest {s.outcomes} orders failed"
        if s.outcomes >= _ERRORS_OF_AT_LEAST and s.error_rate > _ERROR_RATE
        else ""
    ),
    "order_latency": lambda s: (
        f"orders leave {s.latency_ms:.0f} ms after the close of their bar (p95)"
        if s.latency_ms > _LATENCY_MS
        else ""
    ),
    "loss_halt": lambda s: "halted for a loss" if s.halt_source == "risk" else "",
    "circuit_breaker": lambda s: s.breaker,
    "drift": lambda s: "book and account differ" if s.halt_source == "reconcile" else "",
    "order_unresolved": lambda s: (
        f"an order is unresolved for {s.in_doubt_s:.0f} s" if s.in_doubt_s > _IN_DOUBT_S else ""
    ),
    "error_budget": lambda s: s.budget,
    "disk": lambda s: (
        f"{s.free_bytes / _GIB:.2f} GiB free for the journal" if s.free_bytes < _GIB else ""
    ),
    "clock": lambda s: (
        f"the clocks are {s.offset_ms:+.0f} ms apart" if abs(s.offset_ms) > _OFFSET_MS else ""
    ),
}
"""By name; each gives a text while it alerts, "" while all is well."""


def alerts(signs: Signs) -> dict[str, str]:
    """Give the rules that alert, each with its text."""
    found = {name: rule(signs) for name, rule in RULES.items()}
    return {name: text for name, text in found.items() if text}

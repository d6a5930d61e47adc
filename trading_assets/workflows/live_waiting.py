"""What a run that has not begun yet lets be seen: why it waits, and what it left at the venue."""

from __future__ import annotations

from collections.abc import Callable

from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock
from trading_assets.live.executor_terms import LiveSummary, Observation
from trading_assets.live.heartbeat import read_heartbeat, write_heartbeat
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.live_pulse import read_pulse


class Waiting:
    """Says why a run waits: in the heartbeat, to its observer and to who started the process."""

    def __init__(
        self,
        place: LiveBook,
        clock: Clock,
        *,
        observe: Callable[[Observation], None],
        told: Callable[[str, int], None],
    ) -> None:
        """Get ready.

        Args:
            place: the book.
            clock: the machine's.
            observe: as of `run_live`.
            told: as of `run_live`.
        """
        self._place = place
        self._clock = clock
        self._observe = observe
        self._told = told

    def tell(self, state: str, why: str, is_news: bool) -> None:
        """Give a sign of life; the observer hears of news only."""
        seq, ts = self._beat(state, why)
        if is_news:
            equity, drawdown, orders = self._figures()
            self._observe(Observation(state, ts, seq, 0, orders, equity, drawdown, why))
        self._told(state, seq)

    def stopped(self) -> LiveSummary:
        """Give the summary of a run that was stopped before it could begin."""
        equity, drawdown, orders = self._figures()
        seq, _ = self._beat("stopped", "")
        self._told("stopped", seq)
        return LiveSummary(
            reason="stopped before the venue could be asked",
            bars=0,
            late_bars=0,
            events={},
            open_orders=orders,
            equity=equity,
            drawdown=drawdown,
            seq=seq,
            stop_s=0.0,
            bar_ms_p50=0.0,
            bar_ms_p95=0.0,
        )

    def _beat(self, state: str, note: str) -> tuple[int, Micros]:
        """Write a heartbeat; row and market time of the last one still hold, and are given."""
        before = read_heartbeat(self._place.heartbeat)
        seq, ts = (before.seq, before.ts) if before else (0, 0)
        write_heartbeat(
            self._place.heartbeat,
            book=self._place.name,
            state=state,
            seq=seq,
            ts=ts,
            beat=self._clock.now(),
            note=note,
        )
        return seq, ts

    def _figures(self) -> tuple[float, float, int]:
        """Give equity, drawdown and the number of open orders as the life before left them."""
        found = read_pulse(self._place.folder) or {}
        orders = len(found.get("orders", ()))
        return float(found.get("equity", 0.0)), float(found.get("drawdown", 0.0)), orders

"""The trading machine as Python sees it: one object for backtest, paper, live and crash replay."""

from __future__ import annotations

import numpy as np

from trading_assets.domain.errors import DataError, InvariantError
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus
from trading_assets.domain.setup import AnySetup, SignalFamily
from trading_assets.engine import kernel
from trading_assets.engine.caller_desk import CallerDesk
from trading_assets.engine.on_bar import Asker, Parts
from trading_assets.engine.signals import (
    BarMatrix,
    Bars,
    Floats,
    SignalMatrix,
    bar_columns,
    columns_of,
    read_only,
)
from trading_assets.engine.views import EngineOrder, Position
from trading_assets.records.codes import OrderState
from trading_assets.records.state import State

__all__ = ["EngineOrder", "Machine", "Position"]


class Machine(CallerDesk):
    """State, logs and the compiled step.

    Running a loop, stepping bar by bar, and cutting anywhere with `snapshot` and `restore` give
    the same bytes in state and logs.
    """

    def __init__(self, setup: AnySetup) -> None:
        super().__init__(setup)
        first = setup.strategies[0]
        self._asker = None if first.decider is None else Asker(setup, first.decider)
        self._columns = max(
            len(columns_of(s.family, () if s.decider is None else s.decider.columns))
            for s in setup.strategies
        )
        families = {strategy.family for strategy in setup.strategies}
        self._family = families.pop() if len(families) == 1 else None

    # Running over matrices

    def run(
        self, bars: BarMatrix, signals: SignalMatrix, start: int = 0, stop: int | None = None
    ) -> None:
        """Step through the bars from index `start` to `stop` (exclusive; None: all).

        Raises:
            DataError: if bars and signals do not fit each other, the setup, or the time reached.
        """
        stop = len(bars) if stop is None else stop
        self._require_fit(bars, signals, start, stop)
        self._advance(bars.columns, signals.by_column, start, stop, live=False)

    def step(self, bars: BarMatrix, signals: SignalMatrix, t: int) -> None:
        """Do the one bar at index `t`."""
        self.run(bars, signals, t, t + 1)

    def end_segment(self, symbol_index: int) -> None:
        """End a symbol's data: cancel its orders, close its position at its last close.

        In every book of it, in the order of the strategies.
        """
        self._make_room(0)
        for place, (_, symbol, _) in enumerate(self.places):
            if symbol == symbol_index:
                kernel.end_segment(*self._parts, place)
                if self._asker is not None:
                    self._asker.forget(self._state, place)
        self._require_sound()

    # Live: the venue does the matching

    def on_close(self, ts: Micros, bars_row: Floats, signal_row: Floats) -> tuple[EngineOrder, ...]:
        """Mark and decide one bar close; give the orders to send.

        Args:
            ts: open time of the closed bar.
            bars_row: float64 (S, 5): open, high, low, close, volume; NaN for a missing bar.
            signal_row: float64 (B, F), one row per book with the columns of its family.
        """
        row = np.ascontiguousarray(bars_row, dtype=np.float64)
        symbols = len(self.setup.instruments)
        books, columns = len(self.places), self._columns
        if row.shape != (symbols, 5) or signal_row.shape != (books, columns):
            raise DataError(
                "A bar close does not fit the run",
                expected=f"bars ({symbols}, 5) and signals ({books}, {columns})",
                found=f"{row.shape} and {signal_row.shape}",
            )
        self._require_later(ts)
        columns_now = (np.ascontiguousarray(row[:, i : i + 1]) for i in range(5))
        bars = bar_columns(np.array([ts], np.int64), *columns_now)
        signals = np.ascontiguousarray(signal_row.T, dtype=np.float64)[:, :, None]
        first_new = int(self._state.account[0]["next_order_id"])
        self._advance(bars, read_only(signals), 0, 1, live=True)
        return tuple(o for o in self.active_orders() if o.order_id >= first_new)

    def on_fill(
        self, order_id: int, lots: int, price: float, fee_units: int, fee_in_base: bool, ts: Micros
    ) -> tuple[EngineOrder, ...]:
        """Book a venue's execution; give the orders that it woke, to be sent.

        Args:
            order_id: of an order that this machine gave out.
            lots: of this execution alone.
            price: quote per base.
            fee_units: 1e-8 of base or quote.
            fee_in_base: which of the two.
            ts: venue time of the execution.

        Raises:
            InvariantError: if no such order works, or it would be filled beyond its size.
        """
        symbol, k = self._find(order_id)
        order = self._state.books[symbol]["orders"][k]
        left = int(order["lots"] - order["filled"])
        if not 0 < lots <= left:
            raise InvariantError(
                f"Fill of order {order_id} does not fit it",
                expected=f"1 to {left} lots",
                found=str(lots),
            )
        before = {o.order_id for o in self.active_orders()}
        self._make_room(0)
        kernel.book_fill(*self._parts, symbol, k, lots, price, fee_units, int(fee_in_base), ts)
        self._require_sound()
        return tuple(o for o in self.active_orders() if o.order_id not in before)

    def on_closed(
        self, order_id: int, reason: OrderStatus | str, ts: Micros | None = None
    ) -> tuple[EngineOrder, ...]:
        """Book a venue's final word; what the order had left is dropped.

        Args:
            order_id: of an order that this machine gave out.
            reason: the final status: CANCELED, REJECTED, EXPIRED, ABSENT.
            ts: venue time; the latest bar's when None.

        Returns:
            The orders that it woke: the exits of an entry that had filled in part.
        """
        symbol, k = self._find(order_id)
        final = OrderState[OrderStatus(reason).value]
        before = {o.order_id for o in self.active_orders()}
        self._make_room(0)
        moment = int(self._state.account[0]["ts"]) if ts is None else ts
        kernel.close_order(*self._parts, symbol, k, int(final), moment)
        self._require_sound()
        return tuple(o for o in self.active_orders() if o.order_id not in before)

    # Inside

    def _advance(self, bars: Bars, signals: Floats, start: int, stop: int, *, live: bool) -> None:
        self._make_room(stop - start)
        if self._asker is not None:
            self._asker.advance(self._roomy_parts, bars, signals, start, stop, int(live))
            start = stop
        while start < stop:
            start = kernel.advance(*self._parts, bars, signals, start, stop, int(live))
            if start < stop:
                self._make_room(stop - start)
        self._require_sound()

    def _roomy_parts(self, bars: int) -> tuple[State, Parts]:
        self._make_room(bars)
        return self._state, self._parts

    def _require_fit(self, bars: BarMatrix, signals: SignalMatrix, start: int, stop: int) -> None:
        symbols = len(self.setup.instruments)
        if signals.family is not self._family:
            raise DataError(
                "Signals of another family than the setup",
                expected="several" if self._family is None else self._family.name,
                found="several" if signals.family is None else signals.family.name,
            )
        expected = (len(self.places), len(bars), self._columns)
        columns = signals.values.shape[2]
        if self._family is SignalFamily.TARGET and columns < self._columns:
            expected = (*expected[:2], columns)  # the others are NaN throughout
        if bars.symbols != symbols or signals.values.shape != expected:
            raise DataError(
                "Bars and signals do not fit",
                expected=f"{symbols} symbols on {len(bars)} instants, signals {expected}",
                found=f"bars {bars.open.shape}, signals {signals.values.shape}",
            )
        if not 0 <= start <= stop <= len(bars):
            raise DataError(
                "No such range of bars", expected=f"within 0 to {len(bars)}",
                found=f"{start} to {stop}",
            )  # fmt: skip
        if start < stop:
            self._require_later(int(bars.ts[start]))
            if self._state.account[0]["terms"]["needs_volume"]:
                bars.require_volumes(start, stop, "participation or impact")

    def _require_later(self, ts: Micros) -> None:
        if ts <= self.ts:
            raise DataError(
                "A bar that is not new", expected=f"an open time after {self.ts}", found=str(ts)
            )

"""The trading machine as Python sees it: one object for backtest, paper, live and crash replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from trading_assets.domain.errors import DataError, InvariantError
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide, OrderStatus, OrderType
from trading_assets.domain.setup import AnySetup, Costs, SignalFamily
from trading_assets.engine import inheritance, kernel
from trading_assets.engine.caller_desk import CallerDesk
from trading_assets.engine.fixed import Fixed
from trading_assets.engine.on_bar import Asker
from trading_assets.engine.signals import (
    BarMatrix,
    Bars,
    Floats,
    SignalMatrix,
    bar_columns,
    columns_of,
    read_only,
)
from trading_assets.engine.views import FILLED, FLAGS, ID, LOTS, EngineOrder, Position, Working
from trading_assets.records.codes import AT_VENUE, DORMANT, OrderState, Verdict
from trading_assets.records.state import State
from trading_assets.records.terms import cost_terms
from trading_assets.risk.pre_trade import Refusal

__all__ = ["EngineOrder", "Machine", "Position"]


class Machine(CallerDesk):
    """State, logs and the compiled step.

    Running a loop, stepping bar by bar, and cutting anywhere with `snapshot` and `restore` give
    the same bytes in state and logs.
    """

    def __init__(self, setup: AnySetup, fixed: Fixed | None = None) -> None:
        super().__init__(setup, fixed)
        asked = any(strategy.decider is not None for strategy in setup.strategies)
        self._asker = Asker(setup) if asked else None
        self._columns = max(
            len(columns_of(s.family, () if s.decider is None else s.decider.columns))
            for s in setup.strategies
        )
        families = {strategy.family for strategy in setup.strategies}
        self._family = families.pop() if len(families) == 1 else None
        self._needs_volume = bool(self._state.account[0]["terms"]["needs_volume"])
        self._stepped: _Stepped | None = None
        self._close = _Close(len(setup.instruments), len(self.places), self._columns)

    def inherit(self, former: Self, *, carry: bool) -> None:
        """Take over from the machine that was in charge of the same account; before any bar.

        Args:
            former: must hold nothing unless `carry`.
            carry: take its books as they are; needs `can_carry`.
        """
        if carry:
            self._hold(inheritance.carried(self.fixed, former._state), self._logs)
        else:
            inheritance.inherit_money(self._state, former._state)

    def can_carry(self, former: Self) -> bool:
        """Tell whether the books of another machine fit this one's."""
        return inheritance.can_carry(self.fixed, former.fixed)

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
        self._make_room(stop - start)  # for all of them: logs that grow on the way cost 7 percent
        self._advance(bars.columns, signals.by_column, start, stop, 0)

    def step(self, bars: BarMatrix, signals: SignalMatrix, t: int) -> None:
        """Do the one bar at index `t`.

        What is called for bar after bar looks at whole matrices once, and keeps hold of them.
        """
        stepped = self._stepped
        if stepped is None or stepped.signals is not signals or stepped.bars is not bars:
            self._require_fit(bars, signals, t, t + 1)
            stepped = self._stepped = _Stepped(bars, signals)
        elif not 0 <= t < stepped.length or stepped.times[t] <= self._latest[0]:
            self._require_fit(bars, signals, t, t + 1)
        elif self._needs_volume:
            self._require_volumes(bars, t, t + 1)
        self._advance(stepped.columns, stepped.by_column, t, t + 1, 0)

    def pass_bar(self, ts: Micros, bars_row: Floats, signal_row: Floats) -> None:
        """Do one bar that is not part of a matrix, as `step` does; rows as `on_close` takes them.

        Raises:
            DataError: if the rows have another shape, or the bar is not new.
        """
        close = self._close
        close.require_fit(bars_row, signal_row)
        self._require_later(ts)
        close.show(ts, bars_row, signal_row)
        self._advance(close.columns, close.by_column, 0, 1, 0)

    @property
    def signal_columns(self) -> int:
        """How many columns a row of signals has."""
        return self._columns

    def end_segment(self, symbol_index: int) -> None:
        """End a symbol's data: cancel its orders, close its position at its last close.

        In every book of it, in the order of the strategies.
        """
        self._make_room(0)
        for place, (_, symbol, _) in enumerate(self.places):
            if symbol == symbol_index:
                self._call(kernel.end_segment, place)
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
        close = self._close
        close.require_fit(bars_row, signal_row)
        if ts <= self._latest[0]:
            self._require_later(ts)
        close.show(ts, bars_row, signal_row)
        first_new = self._next_order_id.item(0)
        self._advance(close.columns, close.by_column, 0, 1, 1)
        if self._next_order_id[0] == first_new:
            return ()
        return self._awake_but(range(first_new))

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
        working = self._working()
        place, k, order = self._find(order_id, working)
        left = order[LOTS] - order[FILLED]
        if not 0 < lots <= left:
            raise InvariantError(
                f"Fill of order {order_id} does not fit it",
                expected=f"1 to {left} lots",
                found=str(lots),
            )
        self._book(kernel.book_fill, place, k, lots, price, fee_units, int(fee_in_base), ts)
        return self._woken(working)

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
        working = self._working()
        place, k, _ = self._find(order_id, working)
        final = OrderState[OrderStatus(reason).value]
        self._book(kernel.close_order, place, k, int(final), self.ts if ts is None else ts)
        return self._woken(working)

    def leave(self, place: int) -> EngineOrder | str:
        """Give an exit at market of all that a book holds, to be sent; or the rule against it.

        Args:
            place: of the book (`domain.setup.book_places`); it must hold something.
        """
        held = int(self._state.books[place]["position"])
        side = OrderSide.SELL if held > 0 else OrderSide.BUY
        found = self.submit(place, side, OrderType.MARKET, abs(held), reduce_only=True)
        if isinstance(found, Refusal):
            return found.rule
        _, k, _ = self._find(found, self._working())
        self._state.books[place]["orders"][k]["flags"] |= AT_VENUE
        return next(order for order in self.active_orders() if order.order_id == found)

    def scale(self, multipliers: Sequence[float], max_risks: Sequence[float]) -> None:
        """Give each strategy less of what the setup gives it, from now on.

        Everything that sizes by equity follows the allocation, a fixed size as well; sizing `risk`
        and `atr` follow the risk.

        Args:
            multipliers: of the allocations, each above 0 to 1, in the order of the strategies.
            max_risks: of the equity that each sizes on, at risk per trade, as a fraction; what the
                setup says holds where it is less.
        """
        own = self.fixed.terms.strategies
        for place, (tag, _, _) in enumerate(self.places):
            terms = self._state.books[place]["strategy"]
            terms["allocation"] = own[place]["allocation"] * multipliers[tag]
            terms["risk_fraction"] = min(own[place]["risk_fraction"], max_risks[tag])

    def charge(self, costs: Costs) -> None:
        """Charge other costs from the next bar on; the setup must name them in `later_costs`.

        What works on keeps its order; a fill after this pays by the new costs.
        """
        terms = self._state.account[0]["terms"]
        for name, value in cost_terms(costs, self.setup.rules.participation_pct).items():
            terms[name] = value

    @property
    def day_loss(self) -> float:
        """Fraction of the equity before the UTC day that its worst mark lies below it."""
        account = self._state.account[0]
        before = float(account["day_equity"])
        return max(1.0 - float(account["day_low"]) / before, 0.0) if before > 0.0 else 0.0

    @property
    def halting_rule(self) -> str:
        """Name the loss limit that stops entries, "" when none does; as `risk.limits` judges."""
        account = self._state.account[0]
        terms = account["terms"]
        if 0.0 < terms["max_drawdown"] <= account["max_drawdown"]:
            return Verdict.DRAWDOWN_HALT.name.lower()
        return (
            Verdict.DAILY_LOSS_HALT.name.lower()
            if 0.0 < terms["daily_loss"] <= self.day_loss
            else ""
        )

    # Inside

    def _book(self, function: Callable[..., bool], *arguments: object) -> None:
        """Book a venue's word, with more room where it needs some."""
        if not self._call(function, *arguments):
            self._make_room(0)
            if not self._call(function, *arguments):
                raise InvariantError("The logs have no room although it was made")
        if self._faults[0]:
            self._require_sound()

    def _woken(self, before: list[Working]) -> tuple[EngineOrder, ...]:
        """List the orders that slept among those that worked before, and do not any more."""
        if not any(row[FLAGS] & DORMANT for _, _, row in before):
            return ()
        return self._awake_but({row[ID] for _, _, row in before if not row[FLAGS] & DORMANT})

    def _advance(self, bars: Bars, signals: Floats, start: int, stop: int, live: int) -> None:
        if self._asker is not None:
            self._asker.advance(
                self._call, self._state, self._roomy_state, bars, signals, start, stop, live
            )
            start = stop
        while start < stop:
            start = self._call(kernel.advance, bars, signals, start, stop, live)
            if start < stop:  # the logs or the lots have no room for this bar
                self._make_room(stop - start)
        if self._faults[0]:
            self._require_sound()

    def _roomy_state(self, bars: int) -> State:
        self._make_room(bars)
        return self._state

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
            if self._needs_volume:
                self._require_volumes(bars, start, stop)

    def _require_volumes(self, bars: BarMatrix, start: int, stop: int) -> None:
        bars.require_volumes(start, stop, "participation or impact")

    def _require_later(self, ts: Micros) -> None:
        if ts <= self.ts:
            raise DataError(
                "A bar that is not new", expected=f"an open time after {self.ts}", found=str(ts)
            )


class _Stepped:
    """Matrices that are stepped through, as the compiled step takes them."""

    def __init__(self, bars: BarMatrix, signals: SignalMatrix) -> None:
        self.bars, self.signals = bars, signals
        self.columns, self.by_column = bars.columns, signals.by_column
        self.times, self.length = bars.ts, len(bars)


class _Close:
    """The arrays of a single bar: those that the compiled step reads at every live close."""

    def __init__(self, symbols: int, books: int, columns: int) -> None:
        self._ts = np.zeros(1, np.int64)
        self._bars = np.empty((5, symbols, 1))
        self._signals = np.empty((columns, books, 1))
        self.columns = bar_columns(self._ts, *self._bars)
        self.by_column = read_only(self._signals)
        self._by_symbol = self._bars[:, :, 0].T
        self._by_book = self._signals[:, :, 0].T

    def require_fit(self, bars: Floats, signals: Floats) -> None:
        """Refuse a close of another shape.

        Raises:
            DataError: naming the shapes.
        """
        if bars.shape != self._by_symbol.shape or signals.shape != self._by_book.shape:
            raise DataError(
                "A bar close does not fit the run",
                expected=f"bars {self._by_symbol.shape} and signals {self._by_book.shape}",
                found=f"{bars.shape} and {signals.shape}",
            )

    def show(self, ts: Micros, bars: Floats, signals: Floats) -> None:
        """Put a bar and its signals in the place of those before."""
        self._ts[0] = ts
        self._by_symbol[:] = bars
        self._by_book[:] = signals

"""What a strategy is shown at a close: the bars so far, what it holds, what works for it.

The bars are the engine's own memory of them. Later bars have not been written there yet, so there
is no future to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.intents import NONE, Decider, Intent, OrderIntent
from trading_assets.domain.order import OrderSide
from trading_assets.domain.setup import BookPlace
from trading_assets.engine.views import FLAGS, EngineOrder, Position, engine_order, position
from trading_assets.records.arrays import Record
from trading_assets.records.codes import DEAD, DORMANT
from trading_assets.records.memory import PLACES

if TYPE_CHECKING:
    from trading_assets.records.state import State

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(len(PLACES))
_UNITS = 100_000_000


class Seat(NamedTuple):
    """Where the memory of a book is (`records.memory`).

    Attributes:
        row: among the books that are asked.
        field: that holds what the strategy has declared.
        place: in that field.
    """

    row: int
    field: str
    place: int


class BarView:
    """One symbol at one close. It is the same object at every close: keep values, not views.

    All arrays are read-only, oldest first; the bar that has just closed is `[-1]`. A symbol without
    a bar at this instant shows its latest ones.

    Attributes:
        symbol: whose view it is.
        index: its place in the run: that of the strategy's book of it.
        instrument: its grid.
        ts: open time of the bar that has closed, microseconds UTC; the same for all symbols.
        n_bars: bars that the arrays hold; `lookback`, or fewer of another symbol than its own.
        own: what the strategy remembers of the symbol; the same record as `state`.
        decider: the strategy that is shown it.
        seat: where it remembers.
    """

    __slots__ = (
        "_account",
        "_book",
        "_columns",
        "_end",
        "_lookback",
        "_others",
        "_ring",
        "_seen",
        "_state",
        "_t",
        "_times",
        "_values",
        "_window",
        "decider",
        "index",
        "instrument",
        "n_bars",
        "own",
        "seat",
        "symbol",
        "ts",
    )

    def __init__(self, index: int, instrument: Instrument, decider: Decider, seat: Seat) -> None:
        self.decider = decider
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.ts: Micros = 0
        self.n_bars = 0
        self.index = index
        self._columns = {name: place for place, name in enumerate(decider.columns)}
        self._lookback = decider.lookback
        self.seat = seat
        self._others: Mapping[Symbol, BarView] = {}

    # Bars

    @property
    def times(self) -> NDArray[np.int64]:
        """Open times, int64 (n_bars,), microseconds UTC."""
        return self._times[self._end - self.n_bars : self._end]

    @property
    def open(self) -> NDArray[np.float64]:
        """Opens, float64 (n_bars,), quote per base."""
        return self._bars(_OPEN)

    @property
    def high(self) -> NDArray[np.float64]:
        """Highs, float64 (n_bars,), quote per base."""
        return self._bars(_HIGH)

    @property
    def low(self) -> NDArray[np.float64]:
        """Lows, float64 (n_bars,), quote per base."""
        return self._bars(_LOW)

    @property
    def close(self) -> NDArray[np.float64]:
        """Closes, float64 (n_bars,), quote per base."""
        return self._bars(_CLOSE)

    @property
    def volume(self) -> NDArray[np.float64]:
        """Volumes, float64 (n_bars,), base."""
        return self._bars(_VOLUME)

    def _bars(self, row: int) -> NDArray[np.float64]:
        return self._window[row, self._end - self.n_bars : self._end]

    def column(self, name: str) -> float:
        """Give a column of the strategy's own `signals` at this close; NaN is "none"."""
        return float(self._values[self._columns[name], self.index, self._t])

    def of(self, symbol: Symbol) -> BarView:
        """Give the view of another symbol of the run, at the same instant."""
        other = self._others[symbol]
        other.turn_to(self.ts, self._t, int(self._seen[other.seat.row]))
        return other

    # What is held

    @property
    def price(self) -> float:
        """The latest close."""
        return float(self._book["price"])

    @property
    def lots(self) -> int:
        """Whole lots held, negative when short."""
        return int(self._book["position"])

    @property
    def quantity(self) -> float:
        """The same in base."""
        return self.lots * float(self.instrument.lot)

    @property
    def position(self) -> Position:
        """All there is to say of what is held: average price, unrealised profit, dust."""
        return position(self.instrument, self._book, self._state.lots_of(self.index))

    @property
    def orders(self) -> tuple[EngineOrder, ...]:
        """Orders of the symbol that work; exits that wait for their entry are left out."""
        book = self._book
        place = BookPlace(int(book["tag"]), int(book["symbol"]), self.instrument)
        rows = book["orders"][: int(book["n_orders"])].tolist()
        return tuple(engine_order(row, place) for row in rows if not row[FLAGS] & (DORMANT | DEAD))

    @property
    def equity(self) -> float:
        """Value of the account at the latest closes, in quote."""
        return float(self._account["equity"])

    @property
    def drawdown(self) -> float:
        """Fraction of the peak that the equity lies below it."""
        return float(self._account["drawdown"])

    @property
    def cash(self) -> float:
        """Quote that no working order has set aside."""
        return float(self._account["cash"] - self._account["reserved"]) / _UNITS

    # The usual intents

    def buy(
        self,
        weight: float = 1.0,
        *,
        stop_loss: float = NONE,
        take_profit: float = NONE,
        stop_distance: float = NONE,
    ) -> list[Intent]:
        """Wish for a market buy."""
        return self._enter(OrderSide.BUY, weight, stop_loss, take_profit, stop_distance)

    def sell(
        self,
        weight: float = 1.0,
        *,
        stop_loss: float = NONE,
        take_profit: float = NONE,
        stop_distance: float = NONE,
    ) -> list[Intent]:
        """Wish for a market sale that opens or enlarges a short position."""
        return self._enter(OrderSide.SELL, weight, stop_loss, take_profit, stop_distance)

    def exit(self) -> list[Intent]:
        """Wish for the end of what is held, by a market order; nothing when flat."""
        lots = self.lots
        if lots == 0:
            return []
        return [OrderIntent(OrderSide.SELL if lots > 0 else OrderSide.BUY, reduce_only=True)]

    # Inside: kept up to date by `engine.on_bar`

    def bind(self, state: State, others: Mapping[Symbol, BarView]) -> None:
        """Look at the parts of a state, and at nothing else of it."""
        memory: Record = state.memory[0] if state.memory is not None else None
        self._account: Record = state.account[0]
        self._state = state
        self._book: Record = state.books[self.index]
        self.own: Record = memory[self.seat.field][self.seat.place]
        self._others = others
        self._ring = memory["times"].shape[1] // 2
        self._times: NDArray[np.int64] = _read_only(memory["times"][self.seat.row])
        self._window: NDArray[np.float64] = _read_only(memory["window"][self.seat.row])
        self._seen: NDArray[np.int64] = memory["seen"]

    def forget(self, state: State) -> None:
        """Let what is remembered of the symbol begin anew."""
        memory: Record = state.memory[0] if state.memory is not None else None
        for name in ("seen", "times", "window"):
            memory[name][self.seat.row] = 0
        own = memory[self.seat.field]
        own[self.seat.place] = np.zeros((), own.dtype)

    def show(self, values: NDArray[np.float64]) -> None:
        """Take the columns of a run, float64 (F, S, T)."""
        self._values = values

    def turn_to(self, ts: Micros, t: int, seen: int) -> None:
        """Show the close in column `t` of the run, when so many bars were seen."""
        ring = self._ring
        self.ts = ts
        self._t = t
        self.n_bars = min(seen, self._lookback)
        self._end = ring + 1 + (seen - 1) % ring if seen else 0

    def _enter(
        self, side: OrderSide, weight: float, stop_loss: float, take_profit: float, distance: float
    ) -> list[Intent]:
        return [
            OrderIntent(
                side,
                weight,
                stop_loss=stop_loss,
                take_profit=take_profit,
                stop_distance=distance,
            )
        ]


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view

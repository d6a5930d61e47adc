"""Strategies that are asked at every close: the step, then the question, then the risk door.

One path for a loop, a single step and a live close. What a strategy may remember lies in the
engine's state (`records.memory`), so a machine that is cut anywhere and restored asks on as if
nothing had happened.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core.types import WrapperAddressProtocol

from trading_assets.domain.errors import DataError, InvariantError, TradingAssetsError
from trading_assets.domain.intents import (
    CancelIntent,
    Decider,
    Intent,
    ModifyIntent,
    OrderIntent,
    TargetIntent,
)
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import AnySetup
from trading_assets.engine import intents
from trading_assets.engine.asking import SIGNATURE, advance_asking
from trading_assets.engine.bar_view import BarView, Seat
from trading_assets.engine.modifying import NO_SUCH_EXIT, take_change
from trading_assets.records.codes import MOST_WISHES, NEVER, Verdict
from trading_assets.records.memory import own_field
from trading_assets.records.state import State

if TYPE_CHECKING:
    from trading_assets.engine.signals import Bars, Floats

Call = Callable[..., Any]
"""Calls an entry of the machine, whose own arrays go before the arguments given."""
MakeRoom = Callable[[int], State]
"""Lets lots and logs take more bars; gives the state as it is then."""

_ACCEPTED, _NO_SIGNAL = int(Verdict.ACCEPTED), int(Verdict.NO_SIGNAL)
_MARKET = frozenset({OrderType.MARKET})
_QUESTION = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)


def views_of(setup: AnySetup) -> tuple[BarView, ...]:
    """Give a view of every book whose strategy is asked, in the order of the books."""
    views: list[BarView] = []
    first = 0
    for tag, strategy in enumerate(setup.strategies):
        for place, instrument in enumerate(strategy.instruments):
            if strategy.decider is not None:
                seat = Seat(len(views), own_field(setup, tag), place)
                views.append(BarView(first + place, instrument, strategy.decider, seat))
        first += len(strategy.instruments)
    return tuple(views)


class Asker:
    """Asks the strategies of one machine: at one instant in the order of their books.

    Those of signal columns have decided by then, whichever place they have.
    """

    def __init__(self, setup: AnySetup) -> None:
        self._views = views_of(setup)
        self._places = np.array([view.index for view in self._views], np.int64)
        self._least = np.array([view.decider.lookback for view in self._views], np.int64)
        self._question: Any = _Question(self._ask)
        self._bound: State | None = None
        self._wishes: list[Intent] = []
        self._error: BaseException | None = None

    def advance(
        self, call: Call, state: State, make_room: MakeRoom, bars: Bars, signals: Floats,
        start: int, stop: int, live: int,
    ) -> None:  # fmt: skip
        """Step through bars `start` to `stop` and ask at each close.

        Raises:
            DataError: if the strategy fails, or wishes for what it did not declare.
            InvariantError: after that: the machine stands between two closes.
        """
        if self._error is not None:
            raise InvariantError(
                "A strategy has failed before",
                found=repr(self._error)[:200],
                fix="Restore the machine from a snapshot.",
            )
        for view in self._views:
            view.show(signals)
        asked = len(self._views)
        question, end = start * asked, stop * asked
        memory = self._bind(state)
        while question < end:
            question = call(
                advance_asking, self._question, bars, signals, self._places, self._least, *memory,
                question, end, live,
            )  # fmt: skip
            if self._error is not None:
                raise self._failure(question, bars)
            if self._wishes:
                self._take(call, self._views[question % asked], live)
                question += 1
            elif question < end:
                memory = self._bind(make_room(stop - question // asked))

    def forget(self, state: State, place: int) -> None:
        """Let a book begin anew: bars on both sides of a hole are no neighbours."""
        for view in self._views:
            if view.index == place:
                view.forget(state)

    def _ask(self, row: int, t: int, ts: int, seen: int) -> int:
        """Ask for one book; give whether there is anything to be done.

        Called by compiled code, which no exception can pass.
        """
        view = self._views[row]
        try:
            view.turn_to(ts, t, seen)
            self._wishes = view.decider.on_bar(view, view.own)
        except BaseException as error:  # raised again by `advance`
            self._error = error
            return 1
        return 1 if self._wishes else 0

    def _failure(self, question: int, bars: Bars) -> BaseException:
        error = self._error
        if isinstance(error, TradingAssetsError) or not isinstance(error, Exception):
            return error or InvariantError("Nothing has failed")
        t, row = divmod(question, len(self._views))
        view = self._views[row]
        failure = DataError(
            f"Strategy {view.decider.name} failed",
            expected="a list of intents at every close",
            found=f"{error!r} for {view.symbol} at the bar of {bars.ts[t]}",
            fix="Mend its on_bar; the run ends here.",
        )
        failure.__cause__ = error
        return failure

    def _take(self, call: Call, view: BarView, live: int) -> None:
        """Bring wishes through the door, in their order; count the opportunity once."""
        wishes, self._wishes = self._wishes, []
        try:
            _require_few(wishes, view)
            verdicts = [_verdict(call, view, wish, live) for wish in wishes]
        except TradingAssetsError as error:
            self._error = error
            raise
        asked = [verdict for verdict in verdicts if verdict is not None]
        first = asked[0] if asked else _NO_SIGNAL  # withdrawals and changes only
        verdict = _ACCEPTED if _ACCEPTED in asked else first
        call(intents.end_decision, view.index, verdict, live)

    def _bind(self, state: State) -> tuple[Any, Any, Any]:
        """Let the views look at a state; give the bars that are remembered in it."""
        if state.memory is None:
            raise InvariantError("A strategy that is asked has no memory")
        memory = state.memory[0]
        if state is not self._bound:
            self._bound = state
            for view in self._views:
                own = (v for v in self._views if v.seat.field == view.seat.field)
                view.bind(state, {other.symbol: other for other in own})
        return memory["seen"], memory["times"], memory["window"]


def _verdict(call: Call, view: BarView, wish: Intent, live: int) -> int | None:
    if type(wish) is TargetIntent:
        _require_declared(view.decider, _MARKET)
        moved: int = call(intents.take_target, view.index, wish.weight, wish.stop_distance, live)
        return moved
    if type(wish) is OrderIntent:
        _require_declared(view.decider, wish.order_types)
        placed: int = call(
            intents.take_order, view.index, int(wish.side), int(wish.tif),
            NEVER if wish.valid_to is None else wish.valid_to, int(wish.reduce_only),
            wish.weight, wish.quantity, wish.limit, wish.stop, wish.stop_loss, wish.take_profit,
            wish.stop_distance, wish.trail, wish.trail_ratio, int(wish.trail_by),
            view.decider.working_orders, live,
        )  # fmt: skip
        return placed
    if type(wish) is CancelIntent and call(intents.take_cancel, view.index, wish.order_id):
        return None
    if type(wish) is ModifyIntent:
        prices = (wish.limit, wish.stop, wish.trail, wish.trail_ratio)
        verdict = call(take_change, view.index, wish.order_id, *prices)
        if verdict != NO_SUCH_EXIT:
            return None if verdict == _ACCEPTED else int(verdict)
    raise DataError(
        f"Strategy {view.decider.name} wishes for what cannot be",
        expected="OrderIntent, TargetIntent, CancelIntent of an order that works, or "
        "ModifyIntent of such an exit, with prices of its type",
        found=f"{wish!r} for {view.symbol} at {view.ts}"[:200],
    )


def _require_few(wishes: list[Intent], view: BarView) -> None:
    if len(wishes) > MOST_WISHES:
        raise DataError(
            f"Strategy {view.decider.name} wishes for too much at one close",
            expected=f"{MOST_WISHES} intents at most",
            found=f"{len(wishes)} for {view.symbol}",
        )


def _require_declared(decider: Decider, wanted: frozenset[OrderType]) -> None:
    if not wanted <= decider.order_types:
        raise DataError(
            f"Strategy {decider.name} uses an order type that it does not declare",
            expected=", ".join(sorted(t.name for t in decider.order_types)),
            found=", ".join(sorted(t.name for t in wanted)),
            fix="Add it to order_types: a venue that lacks one cannot trade the strategy.",
        )


class _Question(WrapperAddressProtocol):
    """A Python function as compiled code calls it; loading the caller from the cache works."""

    def __init__(self, function: Callable[[int, int, int, int], int]) -> None:
        self._function = _QUESTION(function)

    def __wrapper_address__(self) -> int:
        return ctypes.cast(self._function, ctypes.c_void_p).value or 0

    def signature(self) -> object:
        return SIGNATURE

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
from trading_assets.engine.bar_view import BarView
from trading_assets.engine.modifying import NO_SUCH_EXIT, take_change
from trading_assets.records.arrays import Records
from trading_assets.records.codes import MOST_WISHES, NEVER, Verdict
from trading_assets.records.results import Logs
from trading_assets.records.state import State

if TYPE_CHECKING:
    from trading_assets.engine.signals import Bars, Floats

Parts = tuple[Records, Records, Records, Logs]
MakeRoom = Callable[[int], tuple[State, Parts]]
"""Lets lots and logs take more bars; gives the state and the parts as they are then."""

_ACCEPTED, _NO_SIGNAL = int(Verdict.ACCEPTED), int(Verdict.NO_SIGNAL)
_MARKET = frozenset({OrderType.MARKET})
_QUESTION = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)


class Asker:
    """Asks the strategy of one machine."""

    def __init__(self, setup: AnySetup, decider: Decider) -> None:
        self._decider = decider
        self._views = tuple(
            BarView(index, instrument, decider.columns)
            for index, instrument in enumerate(setup.instruments)
        )
        self._by_symbol = {view.symbol: view for view in self._views}
        self._question: Any = _Question(self._ask)
        self._bound: State | None = None
        self._wishes: list[Intent] = []
        self._error: BaseException | None = None

    def advance(
        self, make_room: MakeRoom, bars: Bars, signals: Floats, start: int, stop: int, live: int
    ) -> None:
        """Step through bars `start` to `stop` and ask at each close.

        Raises:
            DataError: if the strategy fails, or wishes for what it did not declare.
            InvariantError: after that: the machine stands between two closes.
        """
        if self._error is not None:
            raise InvariantError(
                f"Strategy {self._decider.name} has failed before",
                found=repr(self._error)[:200],
                fix="Restore the machine from a snapshot.",
            )
        for view in self._views:
            view.show(signals)
        symbols = len(self._views)
        question, end = start * symbols, stop * symbols
        while question < end:
            state, parts = make_room(stop - question // symbols)
            memory = self._bind(state)
            has_room = True
            while question < end and has_room:
                question = advance_asking(
                    self._question, *parts, bars, signals, *memory, question, end, live
                )
                if self._error is not None:
                    raise self._failure(question, bars)
                has_room = bool(self._wishes) and self._take(parts, question % symbols, live)
                question += has_room

    def forget(self, state: State, symbol_index: int) -> None:
        """Let a symbol begin anew: bars on both sides of a hole are no neighbours."""
        if state.memory is not None:
            for name in state.memory.dtype.names or ():
                state.memory[0][name][symbol_index] = np.zeros((), state.memory[0][name].dtype)

    def _ask(self, index: int, t: int, ts: int, seen: int) -> int:
        """Ask for one symbol; give whether there is anything to be done.

        Called by compiled code, which no exception can pass.
        """
        view = self._views[index]
        try:
            view.turn_to(ts, t, seen)
            self._wishes = self._decider.on_bar(view, view.own)
        except BaseException as error:  # raised again by `advance`
            self._error = error
            return 1
        return 1 if self._wishes else 0

    def _failure(self, question: int, bars: Bars) -> BaseException:
        error = self._error
        if isinstance(error, TradingAssetsError) or not isinstance(error, Exception):
            return error or InvariantError("Nothing has failed")
        t, index = divmod(question, len(self._views))
        failure = DataError(
            f"Strategy {self._decider.name} failed",
            expected="a list of intents at every close",
            found=f"{error!r} for {self._views[index].symbol} at the bar of {bars.ts[t]}",
            fix="Mend its on_bar; the run ends here.",
        )
        failure.__cause__ = error
        return failure

    def _take(self, parts: Parts, index: int, live: int) -> bool:
        """Bring wishes through the door, in their order; count the opportunity once."""
        wishes, self._wishes = self._wishes, []
        try:
            self._require_few(wishes, index)
            verdicts = [self._verdict(parts, index, wish, live) for wish in wishes]
        except TradingAssetsError as error:
            self._error = error
            raise
        asked = [verdict for verdict in verdicts if verdict is not None]
        first = asked[0] if asked else _NO_SIGNAL  # withdrawals and changes only
        intents.end_decision(*parts, index, _ACCEPTED if _ACCEPTED in asked else first, live)
        return True

    def _verdict(self, parts: Parts, index: int, wish: Intent, live: int) -> int | None:
        if type(wish) is TargetIntent:
            self._require_declared(_MARKET)
            return intents.take_target(*parts, index, wish.weight, wish.stop_distance, live)
        if type(wish) is OrderIntent:
            self._require_declared(wish.order_types)
            return intents.take_order(
                *parts, index, int(wish.side), int(wish.tif),
                NEVER if wish.valid_to is None else wish.valid_to, int(wish.reduce_only),
                wish.weight, wish.quantity, wish.limit, wish.stop, wish.stop_loss, wish.take_profit,
                wish.stop_distance, wish.trail, wish.trail_ratio, int(wish.trail_by),
                self._decider.working_orders, live,
            )  # fmt: skip
        if type(wish) is CancelIntent and intents.take_cancel(*parts, index, wish.order_id):
            return None
        if type(wish) is ModifyIntent:
            account, books, _, logs = parts
            prices = (wish.limit, wish.stop, wish.trail, wish.trail_ratio)
            verdict = take_change(account, books, logs, index, wish.order_id, *prices)
            if verdict != NO_SUCH_EXIT:
                return None if verdict == _ACCEPTED else verdict
        raise DataError(
            f"Strategy {self._decider.name} wishes for what cannot be",
            expected="OrderIntent, TargetIntent, CancelIntent of an order that works, or "
            "ModifyIntent of such an exit, with prices of its type",
            found=f"{wish!r} for {self._views[index].symbol} at {self._views[index].ts}"[:200],
        )

    def _require_few(self, wishes: list[Intent], index: int) -> None:
        if len(wishes) > MOST_WISHES:
            raise DataError(
                f"Strategy {self._decider.name} wishes for too much at one close",
                expected=f"{MOST_WISHES} intents at most",
                found=f"{len(wishes)} for {self._views[index].symbol}",
            )

    def _require_declared(self, wanted: frozenset[OrderType]) -> None:
        if not wanted <= self._decider.order_types:
            raise DataError(
                f"Strategy {self._decider.name} uses an order type that it does not declare",
                expected=", ".join(sorted(t.name for t in self._decider.order_types)),
                found=", ".join(sorted(t.name for t in wanted)),
                fix="Add it to order_types: a venue that lacks one cannot trade the strategy.",
            )

    def _bind(self, state: State) -> tuple[Any, Any, Any]:
        """Let the views look at a state; give the bars that are remembered in it."""
        if state.memory is None:
            raise InvariantError("A strategy that is asked has no memory")
        memory = state.memory[0]
        if state is not self._bound:
            self._bound = state
            for view in self._views:
                view.bind(state, self._by_symbol)
        return memory["seen"], memory["times"], memory["window"]


class _Question(WrapperAddressProtocol):
    """A Python function as compiled code calls it; loading the caller from the cache works."""

    def __init__(self, function: Callable[[int, int, int, int], int]) -> None:
        self._function = _QUESTION(function)

    def __wrapper_address__(self) -> int:
        return ctypes.cast(self._function, ctypes.c_void_p).value or 0

    def signature(self) -> object:
        return SIGNATURE

"""The ledger of a book without a venue, beside a backtest's over the same bars and signals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    Event,
    LimitsTightened,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    ReleaseAwaited,
    ReleaseSwitched,
    TradingHalted,
)
from trading_assets.domain.order import OrderStatus
from trading_assets.domain.policy_events import EntriesPaused
from trading_assets.domain.strategy_events import StrategyStopped, StrategyTightened
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.ports import DecisionMachine
from trading_assets.live.translation import matrices_from_bar
from trading_assets.storage.release_store import Release

if TYPE_CHECKING:
    from trading_assets.engine.machine import Machine

_FILL = ("id", "order_id", "bar_ts", "ts", "lots", "units", "price", "notional", "fee", "position",
         "cash", "symbol", "tag", "side", "leg", "fee_in_base", "maker")  # fmt: skip
_DISTURBING = (
    DecisionDropped, EntriesPaused, LimitsTightened, OrderProvenAbsent, OrderRefused,
    ReleaseAwaited, StrategyStopped, StrategyTightened, TradingHalted,
)  # fmt: skip

EQUAL, DIFFERS, DISTURBED = "equal", "differs", "disturbed"


Parts = tuple[SessionSetup, Release]
"""Of a release: what a session knows of it, and itself."""


class LedgerAgain:
    """A backtest of the bars that a book has seen, which goes along with the book's replay.

    Where the book changes its release, the backtest goes on with the engine of the next one and
    the account of the last, as the book does.
    """

    def __init__(self, parts_of: Callable[[str], Parts], release_id: str) -> None:
        """Begin with a new engine of the book's first release.

        Args:
            parts_of: gives those of a release by its id.
            release_id: of the first one.
        """
        self._parts_of = parts_of
        self._disturbed = ""
        self._machine = self._begin(release_id)

    def _begin(self, release_id: str) -> Machine:
        from trading_assets.engine.machine import Machine

        self._setup, release = self._parts_of(release_id)
        self._index = {item.symbol: place for place, item in enumerate(self._setup.instruments)}
        return Machine(release.spec.engine_setup(release.instruments))

    def take(self, events: Iterable[Event]) -> None:
        """Go on by what has happened; after what no backtest has, the ledgers may part."""
        for event in events:
            if not self._disturbed:
                self._disturbed = _disturbance(event)
            if isinstance(event, BarReady):
                places, columns = self._setup.signal_places, self._setup.signal_columns
                bars, signals = matrices_from_bar(event, self._index, places, columns)
                self._machine.pass_bar(event.ts, bars, signals)
            elif isinstance(event, ReleaseSwitched):
                former = self._machine
                self._machine = self._begin(event.release_id)
                self._machine.inherit(former, carry=event.carried)

    def verdict(self, live: DecisionMachine) -> str:
        """Compare with the book's engine: `equal`, or `differs` or `disturbed` and by what."""
        ours, theirs = self._machine, cast("Machine", live)
        parts = {
            "fills": ours.fills[list(_FILL)].tolist() == theirs.fills[list(_FILL)].tolist(),
            "equity": ours.equity_curve.tobytes() == theirs.equity_curve.tobytes(),
            "balances": ours.balances() == theirs.balances(),
        }
        wrong = ", ".join(name for name, is_equal in parts.items() if not is_equal)
        if not wrong:
            return EQUAL
        return f"{DISTURBED}: {self._disturbed}" if self._disturbed else f"{DIFFERS}: {wrong}"


def _disturbance(event: Event) -> str:
    """Give what happened that a backtest does not know, "" for what it does."""
    is_withdrawn = isinstance(event, OrderReported) and event.report.status is OrderStatus.CANCELED
    if isinstance(event, _DISTURBING) or is_withdrawn:
        return f"{type(event).__name__} at {event.ts}"
    if isinstance(event, BarReady) and event.late:
        return f"a late bar at {event.ts}"
    return ""

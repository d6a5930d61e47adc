"""The releases of a simulated book, one after the other: the same strategies in other sizes."""

from __future__ import annotations

from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import columns_of
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.hand_over import CARRY, CLOSE, WHEN_FLAT, Examined, Releases, Terms
from trading_assets.live.hand_over import MachineFactory as Factory
from trading_assets.live.ports import JournalHistory
from trading_assets.live.recovery import last_release, recover
from trading_assets.live.session import Session
from trading_assets.simulation.market import INSTRUMENTS
from trading_assets.simulation.strategies import BookKind, engine_setup, fixed_of, members_of

POLICIES = (CARRY, WHEN_FLAT, CLOSE)
_WAITS_BARS = 3
_NAME = "release "


class SimulatedReleases:
    """What a book trades, and shall trade.

    Attributes:
        wanted: the release that the book shall trade, "" for the one it has.
        columns: numbers in a signal row.
    """

    def __init__(self, kind: BookKind, policy: str) -> None:
        self._kind = kind
        self._policy = policy
        self._number = 1
        self.wanted = ""
        first = engine_setup(kind).strategies[0]
        names = () if first.decider is None else first.decider.columns
        self.columns = len(columns_of(first.family, names))

    def publish(self) -> None:
        """Make another release the one that the book shall trade."""
        self._number += 1
        self.wanted = f"{_NAME}{self._number}"

    def terms_of(self, release_id: str) -> Terms:
        """Give what a release makes of the book."""
        is_even = int(release_id.removeprefix(_NAME)) % 2 == 0
        engine, fixed = engine_setup(self._kind, is_even), fixed_of(self._kind, is_even)
        setup = SessionSetup(
            "simulated", "simulated", "sim", release_id, INSTRUMENTS, self.columns,
            snapshot_bars=7, members=members_of(self._kind),
        )  # fmt: skip
        machines = Factory(
            lambda: Machine(engine, fixed), lambda blob: Machine.restore(engine, blob, fixed)
        )
        return Terms(setup, machines)

    def recover(self, journal: JournalHistory) -> Session:
        """Bring a book back from its journal, of whatever release that trades."""
        last = self.terms_of(last_release(journal) or f"{_NAME}1")
        return recover(journal, last.setup, last.machines, self.terms_of)

    def port(self) -> Releases:
        """Give how an executor learns of them; a look takes until it asks for the second time."""
        looked_at: set[str] = set()

        def examine(release_id: str) -> Examined | None:
            if release_id in looked_at:
                return Examined("", True)
            looked_at.add(release_id)
            return None

        return Releases(lambda: self.wanted, examine, self._policy, _WAITS_BARS)

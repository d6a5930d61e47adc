"""What each strategy of a book has earned, from the fills of its journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trading_assets.domain.account import Fill
from trading_assets.domain.events import (
    OrderFilled,
    OrderIntentCreated,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import ReleaseStore

_KINDS = tuple(
    kind.__name__ for kind in (SessionOpened, ReleaseSwitched, OrderIntentCreated, OrderFilled)
)


@dataclass(slots=True)
class StrategyCash:
    """Cash that the fills of each strategy have brought; `read` brings it up to date.

    A fee counts where the engine counts it: in quote here, in base as less that is held. One in an
    asset of its own, such as BNB, does not.

    Attributes:
        releases: those that the journal names.
        cash: quote by the names of strategies: sales less purchases less fees in quote.
    """

    releases: ReleaseStore
    cash: dict[str, Decimal] = field(default_factory=dict)
    _seq: int = 0
    _crc: int = 0
    _tags: dict[str, str] = field(default_factory=dict)
    _grids: dict[Symbol, Instrument] = field(default_factory=dict)

    def read(self, journal: JournalReader) -> StrategyCash:
        """Count the fills that are new since the last call; all of them where this journal is new.

        Raises:
            RecoveryError: if the journal cannot be read.
            MissingPartition, CorruptFile: if the store lacks a release of it, or it is damaged.
        """
        if not journal.goes_on(self._seq, self._crc):
            self.cash, self._tags, self._grids, self._seq = {}, {}, {}, 0
        for row in journal.of_kinds(_KINDS, since=self._seq):
            event = row.event
            if isinstance(event, OrderIntentCreated):
                self._tags[event.ticket.client_order_id] = event.ticket.tag
            elif isinstance(event, OrderFilled):
                self._add(event.fill)
            elif isinstance(event, SessionOpened | ReleaseSwitched):
                instruments = self.releases.get(event.release_id).instruments
                self._grids |= {item.symbol: item for item in instruments}
            self._seq, self._crc = row.seq, row.crc
        return self

    def earned(self, positions: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
        """Give what each strategy has earned since the book began, in quote, after fees.

        Args:
            positions: of `workflows.journal_at.BookView`, as plain values: what is held counts at
                its latest close.
        """
        found = dict(self.cash)
        for position in positions:
            tag, grid = position["strategy"], self._grids[position["symbol"]]
            value = Decimal(position["quantity"]) * Decimal(repr(position["price"]))
            found[tag] = found.get(tag, Decimal(0)) + value * grid.point_value
        return found

    def _add(self, fill: Fill) -> None:
        grid, tag = self._grids[fill.symbol], self._tags[fill.client_order_id]
        paid = int(fill.side) * fill.quantity * fill.price * grid.point_value
        fee = fill.fee if fill.fee_asset == grid.quote else Decimal(0)
        self.cash[tag] = self.cash.get(tag, Decimal(0)) - paid - fee

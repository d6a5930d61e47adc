"""What the machine wrote down in a run: logs, equity, final state, and one hash over all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trading_assets.backtest.segments import Hole
from trading_assets.domain.ids import canonical_json
from trading_assets.domain.setup import AnySetup
from trading_assets.engine.signals import BarMatrix
from trading_assets.engine.views import Position
from trading_assets.portfolio.compiled import ENGINE_VERSION
from trading_assets.records.arrays import Records
from trading_assets.records.codes import Verdict
from trading_assets.records.results import FACTOR, FINANCING
from trading_assets.risk.pre_trade import Refusal


@dataclass(frozen=True, eq=False)
class RunLog:
    """A finished run; arrays are the engine's own rows (`records.results`).

    Attributes:
        setup: what was run.
        bars: what it ran on.
        equity: float64 (T,), quote, at the close of each bar.
        fills: dtype FILL, in the order of execution.
        ended_orders: dtype CLOSED_ORDER, in the order of their ends.
        working_orders: dtype CLOSED_ORDER, those that no bar has ended.
        round_trips: dtype ROUND_TRIP, in the order of their exits.
        verdicts: how often each came.
        verdicts_by_tag: the same for each strategy of the setup, in its order.
        refusals: rule -> how often it said no first; zeros left out.
        refusal_log: the refusals one by one.
        positions: held at the end, one per book.
        balances: held at the end, per asset.
        fees: paid, in quote.
        max_drawdown: largest fraction below a peak.
        holes: where the data were split.
        final_state_hash: identity of the engine's state after the last bar.
        engine_version: SHA-256 of the engine's source.
        financing: dtype FINANCING, what holding positions over night has cost.
        factors: dtype FACTOR, changes of the risk factor.
    """

    setup: AnySetup
    bars: BarMatrix
    equity: NDArray[np.float64]
    fills: Records
    ended_orders: Records
    working_orders: Records
    round_trips: Records
    verdicts: Mapping[Verdict, int]
    refusals: Mapping[str, int]
    refusal_log: tuple[Refusal, ...]
    positions: tuple[Position, ...]
    balances: Mapping[str, Decimal]
    fees: Decimal
    max_drawdown: float
    holes: tuple[Hole, ...]
    final_state_hash: str
    engine_version: str = field(default=ENGINE_VERSION)
    financing: Records = field(default_factory=lambda: np.empty(0, FINANCING))
    verdicts_by_tag: tuple[Mapping[Verdict, int], ...] = ()
    factors: Records = field(default_factory=lambda: np.empty(0, FACTOR))

    @property
    def ts(self) -> NDArray[np.int64]:
        """Open times of the bars, microseconds UTC."""
        return self.bars.ts

    @property
    def opening_equity(self) -> float:
        """Equity before the first bar, in quote."""
        return float(self.setup.account.cash)

    @property
    def final_equity(self) -> float:
        """Equity after the last bar, in quote."""
        return float(self.equity[-1]) if len(self.equity) else self.opening_equity

    @cached_property
    def orders(self) -> Records:
        """All orders by id, dtype CLOSED_ORDER; those still working have state WORKING."""
        both = np.concatenate([self.ended_orders, self.working_orders])
        return both[np.argsort(both["id"], kind="stable")]

    @cached_property
    def drawdown(self) -> NDArray[np.float64]:
        """Fraction that each equity lies below the highest so far; same bits as the engine's."""
        peaks = np.maximum(np.maximum.accumulate(self.equity), self.opening_equity)
        return np.where(peaks > 0, 1.0 - self.equity / np.where(peaks > 0, peaks, 1.0), 0.0)

    @cached_property
    def log_hash(self) -> str:
        """SHA-256 over all that happened: logs, equity, verdicts, holes, final state.

        It depends neither on when, where or how often the run was made, nor on how it was cut.
        """
        digest = hashlib.sha256()
        rows_of = (self.fills, self.orders, self.round_trips, self.financing, self.factors)
        for rows in (*rows_of, self.equity):
            digest.update(f"{len(rows)}\0".encode())
            digest.update(np.ascontiguousarray(rows).tobytes())
        facts = {
            "verdicts": {verdict.name: count for verdict, count in self.verdicts.items()},
            "refusals": [
                [r.ts, r.symbol, r.rule, r.limit.hex(), r.was.hex()] for r in self.refusal_log
            ],
            "holes": [[h.symbol_index, h.row, h.start, h.end] for h in self.holes],
            "final_state": self.final_state_hash,
        }
        digest.update(canonical_json(facts))
        return digest.hexdigest()

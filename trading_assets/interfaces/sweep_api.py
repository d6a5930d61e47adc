"""The front door of sweeps from Python and notebooks: `Sweep(spec, bars, space).run()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trading_assets.backtest.prepared import DEFAULT_MAX_HOLE
from trading_assets.backtest.space import Method, space_of
from trading_assets.backtest.sweep import BATCH, Plan, SweepResult, TrialStore, run_sweep
from trading_assets.backtest.trials import Ground, ground_of
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, content_hash
from trading_assets.domain.instrument import Instrument
from trading_assets.interfaces.python_api import AnySpec, Backtest, Instant
from trading_assets.market.bar_frame import row_content_hash

if TYPE_CHECKING:
    import polars as pl


class Sweep:
    """One strategy spec over a space of parameters, on bars of yours.

    Every trial has the fills, the state and the metrics of `Backtest` with the same spec, to the
    bit; equal indicator columns are computed once (`features.memo`).

    Args:
        spec, bars, instruments, tick, lot, start, end, max_hole: as of `Backtest`.
        space: name to values: a list, or `{"low": 5, "high": 50, "step": 5}`. A name is a
            parameter of the strategy (`fast`), or a key of the spec (`sizing.qty`).
        method: `grid`, `random` or `optuna`.
        trials: how many; 0 for all of a grid.
        seed: of chance; the same seed proposes the same.
        metric: by which trials are compared.
        batch: trials that are run, and kept, together.
        store: has what was finished before, and takes what this sweep finishes.

    Raises:
        ConfigurationError: naming what does not fit.
    """

    def __init__(
        self,
        spec: AnySpec,
        bars: pl.DataFrame | Mapping[Any, pl.DataFrame],
        space: Mapping[str, Any],
        instruments: Iterable[Instrument] | None = None,
        *,
        tick: Decimal | str | None = None,
        lot: Decimal | str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        max_hole: Micros = DEFAULT_MAX_HOLE,
        method: Method = "grid",
        trials: int = 0,
        seed: int = 0,
        metric: str = "sharpe",
        batch: int = BATCH,
        store: TrialStore | None = None,
    ) -> None:
        self.plan = Plan(space_of(space), method, trials, seed, metric, batch)
        backtest = Backtest(
            spec, bars, instruments, tick=tick, lot=lot, start=start, end=end, max_hole=max_hole
        )
        self.spec = backtest.spec
        self._store = store
        if backtest.prepared is None:
            raise ConfigurationError("A sweep from Python needs bars", expected="a table of bars")
        self.ground: Ground = ground_of(backtest.prepared)

    def run(self, report: Callable[[int], None] = lambda _: None) -> SweepResult:
        """Run every trial that the store does not have; `report` is told as they finish.

        Raises:
            DataError: if a strategy's signals do not fit the bars.
        """
        return run_sweep(
            self.ground, self.plan, sweep_identity(self.ground), store=self._store, report=report
        )


def sweep_identity(ground: Ground) -> str:
    """Give the identity of all that the trials on these bars share: data, spec, grid, code."""
    from trading_assets.storage.release_store import instrument_to_plain
    from trading_assets.workflows.code_hash import code_hash, package_versions

    prepared = ground.prepared
    return content_hash(
        {
            "spec_hash": prepared.spec.spec_hash,
            "bars": {s: row_content_hash(frame) for s, frame in prepared.frames.items()},
            "span": list(prepared.span) if prepared.span else None,
            "holes": [[h.symbol_index, h.row] for h in prepared.holes],
            "instruments": [instrument_to_plain(one) for one in prepared.setup.instruments],
            "code_hash": code_hash(prepared.strategy),
            "packages": package_versions(),
        }
    )

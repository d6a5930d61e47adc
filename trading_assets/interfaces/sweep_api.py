"""The front door of sweeps from Python and notebooks: `Sweep(spec, bars, space).run()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_assets.backtest.kept_trials import KeptTrials
from trading_assets.backtest.plan import BATCH, Folds, Plan
from trading_assets.backtest.prepared import DEFAULT_MAX_HOLE
from trading_assets.backtest.space import Method, space_of
from trading_assets.backtest.sweep import SweepResult, TrialStore, run_sweep
from trading_assets.backtest.sweep_processes import batches_of
from trading_assets.backtest.trials import Ground, alone, ground_of
from trading_assets.backtest.walk_forward import WalkForwardResult, walk_forward
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import Instrument
from trading_assets.interfaces.python_api import AnySpec, Backtest, Instant
from trading_assets.workflows.sweep_identity import sweep_identity

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.settings import Settings


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
        store: folder in which finished trials are kept: a sweep that was interrupted goes on
            where it stopped, and one with other data, code or spec begins anew.
        processes: how many run trials; the table is the same for any number. With more than one,
            the strategy has to be in a file (another process cannot import a notebook's cell), and
            a script has to guard its start by `if __name__ == "__main__"`.
        settings: of the desk whose ledger counts the trials; by default those that the command
            line would use. Where no desk has written anything yet, the result alone has the count
            (`num_trials`).

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
        store: Path | str | None = None,
        processes: int = 1,
        settings: Settings | None = None,
    ) -> None:
        self.plan = Plan(space_of(space), method, trials, seed, metric, batch)
        backtest = Backtest(
            spec, bars, instruments, tick=tick, lot=lot, start=start, end=end, max_hole=max_hole
        )
        self.spec = backtest.spec
        self._store, self._processes, self._max_hole = store, processes, max_hole
        self._settings = settings
        if backtest.prepared is None:
            raise ConfigurationError("A sweep from Python needs bars", expected="a table of bars")
        self.ground: Ground = ground_of(backtest.prepared)

    def run(self, report: Callable[[int], None] = lambda _: None) -> SweepResult:
        """Run every trial that the store does not have; `report` is told as they finish.

        Raises:
            DataError: if a strategy's signals do not fit the bars.
        """
        identity = sweep_identity(self.ground)
        store: TrialStore | None = None
        if self._store is not None:
            from trading_assets.storage.trial_store import TrialBatches

            store = KeptTrials(TrialBatches(Path(self._store) / identity[:16]))
        store = self._counted(store, "sweep")
        with batches_of(self.ground, self.plan, self._processes) as run_batch:
            return run_sweep(
                self.ground, self.plan, identity, store=store, run_batch=run_batch, report=report
            )

    def walk_forward(
        self, folds: Folds, report: Callable[[int], None] = lambda _: None
    ) -> WalkForwardResult:
        """Choose the best trial of each fold's training, and try it on the time after it.

        The span of the sweep does not count here: folds cut all of its bars.

        Raises:
            ConfigurationError: if no fold fits into the bars.
        """
        prepared = self.ground.prepared
        return walk_forward(
            alone(prepared)[0],
            prepared.frames,
            prepared.setup.instruments,
            self.plan,
            folds,
            max_hole=self._max_hole,
            identity=sweep_identity(self.ground),
            store=self._counted(None, "walk_forward"),
            report=report,
        )

    def _counted(self, kept: TrialStore | None, purpose: str) -> TrialStore | None:
        """Enter trials in the ledger of the desk, when there is one."""
        from trading_assets import bootstrap
        from trading_assets.settings import load_settings
        from trading_assets.workflows.enter_trials import CountedTrials
        from trading_assets.workflows.trial_ledger import has_desk

        settings = self._settings or load_settings().settings
        if not has_desk(settings):
            return kept
        now = bootstrap.desk(settings).clock.now
        return CountedTrials(
            settings, self.ground.prepared, kept, now=now, purpose=purpose, facts={"sweep": ""}
        )

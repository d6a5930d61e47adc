"""How a sweep and a walk-forward go; light, since Dagster reads every sweep file when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.backtest.space import Method, Space
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.features.memo import DEFAULT_BYTES

BATCH = 100
"""Trials of one step: between 50 and 500, so that an interruption costs little."""

NAMES = (
    "final_equity",
    "net_pnl",
    "net_return_pct",
    "cagr_pct",
    "volatility_pct",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown_pct",
    "num_days",
    "num_fills",
    "num_trades",
    "win_rate",
    "avg_trade",
    "profit_factor",
    "fees",
)
"""What a trial is measured by; `evaluation.glossary` says what each one means."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sweep goes.

    Attributes:
        space: what is varied.
        method: grid, random or optuna.
        trials: how many; 0 for all of a grid.
        seed: of chance.
        metric: by which trials are compared; one of `NAMES`.
        batch: trials that are run, and kept, together.
        memo_bytes: most memory for shared columns.
    """

    space: Space
    method: Method = "grid"
    trials: int = 0
    seed: int = 0
    metric: str = "sharpe"
    batch: int = BATCH
    memo_bytes: int = DEFAULT_BYTES

    def __post_init__(self) -> None:
        """Refuse what cannot be gone through.

        Raises:
            ConfigurationError: naming the key.
        """
        if self.metric not in NAMES:
            raise ConfigurationError(
                "sweep.metric", expected=f"one of {', '.join(NAMES)}", found=repr(self.metric)
            )
        if self.method != "grid" and self.trials < 1:
            raise ConfigurationError(
                "sweep.trials", expected=f"1 or more, since method is {self.method}",
                found=str(self.trials),
            )  # fmt: skip
        if not 1 <= self.batch <= 500:
            raise ConfigurationError("sweep.batch", expected="1 to 500", found=str(self.batch))

    @property
    def num_batches(self) -> int:
        """How many batches the trials make; the last may be smaller."""
        of_grid = len(self.space.grid()) if self.method == "grid" else self.trials
        trials = min(of_grid, self.trials) if self.trials else of_grid
        return -(-trials // self.batch)


@dataclass(frozen=True, slots=True)
class Fold:
    """One choice and its trial: [train_start, train_end) chooses, [test_start, test_end) judges."""

    train_start: Micros
    train_end: Micros
    test_start: Micros
    test_end: Micros


@dataclass(frozen=True, slots=True)
class Folds:
    """How time is cut, in UTC days.

    Attributes:
        train_days: length of the training; with `anchored` that of the first.
        test_days: length of a test.
        step_days: from one test to the next; 0 is `test_days`, so that tests touch.
        purge_days: left out between training and test, as long as a position may be held.
        anchored: whether every training begins with the first bar.
    """

    train_days: int
    test_days: int
    step_days: int = 0
    purge_days: int = 0
    anchored: bool = False

    def __post_init__(self) -> None:
        """Refuse tests that overlap.

        Raises:
            ConfigurationError: naming the key.
        """
        if self.step_days and self.step_days < self.test_days:
            raise ConfigurationError(
                "walk_forward.step_days lets tests overlap",
                expected=f"0, or at least test_days ({self.test_days})",
                found=str(self.step_days),
            )

    def over(self, first: Micros, end: Micros) -> list[Fold]:
        """List the folds inside [first, end); a last test may be shorter.

        Raises:
            ConfigurationError: if there is none.
        """
        origin = first // DAY * DAY
        step, found = (self.step_days or self.test_days) * DAY, []
        train_end = origin + self.train_days * DAY
        while (start := train_end + self.purge_days * DAY) < end:
            begin = origin if self.anchored else train_end - self.train_days * DAY
            found.append(Fold(begin, train_end, start, min(start + self.test_days * DAY, end)))
            train_end += step
        if not found:
            raise ConfigurationError(
                "The bars are too few for a fold",
                expected=f"more than {self.train_days + self.purge_days} days",
                found=f"{(end - first) / DAY:.1f} days",
            )
        return found

"""A desk that has decided five times: on more bars, specs and trials, with a champion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from trading_assets.backtest.sweep_file import SweepFile, SweepSection
from trading_assets.domain.ids import Month
from trading_assets.evaluation.decision import Decision
from trading_assets.workflows.decide import decide
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_sweep import run_sweep
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets_tests.stand_ins.lenient_gate import VARIABLES
from trading_assets_tests.stand_ins.promoted import promote
from trading_assets_tests.stand_ins.trending_bars import (
    lay_instruments,
    lay_month,
    trending_bars,
)

BOOK = "paper"
SYMBOLS = ("BTCUSDT", "SOLUSDT")
_JANUARY, _FEBRUARY, _MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)
_FIRST, _LAST = datetime(2024, 1, 27, tzinfo=UTC), datetime(2024, 3, 20, tzinfo=UTC)
_TREND = 2e-4
_SPECS = {
    "quick": {"fast": 6, "slow": 36, "band_bps": 2.0},
    "calm": {"fast": 24, "slow": 200, "band_bps": 10.0},
    "late": {"fast": 12, "slow": 120, "band_bps": 5.0},
}
_CHAMPION = "calm"

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


@dataclass
class Past:
    """Tells the story on a desk, with specs as a test changes them.

    Attributes:
        decisions: in order; the first is before any release of the book.
    """

    desk: Desk
    change: Change = dict
    decisions: list[Decision] | None = None

    def tell(self) -> Past:
        """Live through all of it."""
        self.decisions = []
        self._write("quick", "calm")
        lay_instruments(self.desk, "BTC", "SOL")
        self._lay(_JANUARY, _FEBRUARY)
        self._run("quick", "calm")
        first = self._decide()
        spec = find_spec(self.desk.settings, _CHAMPION)
        run = self.desk.runs.current(_CHAMPION)
        assert run is not None
        promote(self.desk, BOOK, spec, run, first)
        self._decide()
        self._lay(_MARCH)
        self._run("quick", "calm")
        self._decide()
        self._write("late")
        self._run("late")
        space = {"fast": [6, 12], "slow": [60, 90]}
        run_sweep(self.desk, SweepFile(name="spans", spec="late", sweep=SweepSection(space=space)))
        self._decide()
        self._lay(_MARCH, seed=9)
        self._decide()
        return self

    def _write(self, *names: str) -> None:
        folder = self.desk.settings.specs_dir
        assert folder is not None
        folder.mkdir(exist_ok=True)
        for name in names:
            spec = self.change(
                {
                    "name": name,
                    "strategy": "ema_trend",
                    "params": _SPECS[name],
                    "symbols": list(SYMBOLS),
                    "cash": 100_000,
                    "sizing": {"mode": "pct_of_equity", "pos_pct": 30, "cash_buffer_pct": 2},
                    "costs": {"fees_bps": 2, "slippage_bps": 1},
                }
            )
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(dict(spec)))

    def _lay(self, *months: Month, seed: int = 0) -> None:
        for n, symbol in enumerate(self.desk.settings.symbols):
            frame = trending_bars(symbol, seed + n, _FIRST, _LAST, trend=_TREND)
            for month in months:
                lay_month(self.desk, symbol, month, frame)

    def _run(self, *names: str) -> None:
        for name in names:
            run_backtest(self.desk, find_spec(self.desk.settings, name))

    def _decide(self) -> Decision:
        assert self.decisions is not None
        self.decisions.append(decide(self.desk, BOOK))
        return self.decisions[-1]


def past_of(
    make_desk: Callable[..., Desk],
    home: Path,
    experiments: Any,
    change: Change = dict,
    gate: Mapping[str, float] | None = None,
) -> Past:
    """Give the story of a desk in a folder of its own, not told yet."""
    home.mkdir()
    others = {f"TA_GATE__{key.upper()}": str(value) for key, value in (gate or {}).items()}
    thresholds = VARIABLES | others
    desk = make_desk(
        TA_HOME=str(home),
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]',
        TA_SPECS_DIR="specs",
        **thresholds,
    )
    (home / "specs").mkdir()
    return Past(replace(desk, experiments=experiments), change)

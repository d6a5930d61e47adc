"""A desk with ten days of bars, and MLflow's place taken by a notebook in memory."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.ids import Month
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA
from trading_assets.storage.experiments import LoggedRun, RegisteredVersion
from trading_assets.workflows.list_instruments import instruments_basis
from trading_assets.workflows.market_tables import INSTRUMENTS_CODE_VERSION

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
FIRST, LAST = datetime(2024, 1, 27, tzinfo=UTC), datetime(2024, 2, 7, tzinfo=UTC)


class Notebook:
    """The part of `Experiments` that workflows use, kept in memory."""

    def __init__(self):
        self.runs, self.versions, self.aliases = [], [], {}
        self.newest, self.views = {}, {}

    def log_run(self, experiment, run_name, *, tags, **values):
        logged = LoggedRun(f"m{len(self.runs)}", f"http://127.0.0.1:5000/#/runs/{len(self.runs)}")
        self.runs.append((experiment, run_name, dict(tags), values, logged))
        return logged

    def find_run(self, experiment, tags):
        for known, _, found, _, logged in self.runs:
            if known == experiment and tags.items() <= found.items():
                return logged
        return None

    def add_to_run(self, run, *, at, metrics=None, tags=None, artifacts=None):
        for _, _, known, values, logged in self.runs:
            if logged == run:
                known.update(tags or {})
                values.setdefault("metrics", {}).update(metrics or {})

    def mark_newest(self, experiment, run, strategy_id):
        self.newest[strategy_id] = run

    def keep_trials_view(self, experiment, parent, params, metrics):
        self.views[parent.run_id] = (experiment, list(params), list(metrics))
        return f"{parent.url}/trials"

    def register(self, name, run, *, source, tags):
        numbers = [v for v in self.versions if v.name == name]
        version = RegisteredVersion(name, str(len(numbers) + 1), run.run_id, tags)
        self.versions.append(version)
        return version

    def find_version(self, name, tags):
        found = [v for v in self.versions if v.name == name and tags.items() <= v.tags.items()]
        return found[-1] if found else None

    def move_alias(self, name, alias, version):
        self.aliases[name, alias] = version

    def alias(self, name, alias):
        version = self.aliases.get((name, alias))
        found = [v for v in self.versions if (v.name, v.version) == (name, version)]
        return found[0] if found else None


def bars_of(symbol, seed):
    """Bars of five minutes that trend up and down over hours."""
    n = int((LAST - FIRST) / timedelta(minutes=5))
    rng = np.random.default_rng(seed)
    drift = 6e-4 * np.sign(np.sin(np.arange(n) / 60 + seed))
    close = (100 * np.exp(np.cumsum(drift + rng.normal(0, 1e-3, n)))).round(2)
    opens = np.concatenate(([100.0], close[:-1]))
    wick = np.abs(rng.normal(0, 1e-3, (2, n)))
    return pl.DataFrame(
        {
            "ts": [FIRST + timedelta(minutes=5 * i) for i in range(n)],
            "symbol": [symbol] * n,
            "open": opens,
            "high": (np.maximum(opens, close) * (1 + wick[0]) + 0.01).round(2),
            "low": (np.minimum(opens, close) * (1 - wick[1]) - 0.01).round(2),
            "close": close,
            "volume": np.full(n, 10.0),
            "quote_volume": np.full(n, 1000.0),
            "n_trades": [3] * n,
            "source": ["embedded"] * n,
            "n_minutes": [5] * n,
            "complete": [True] * n,
        },
        schema=RESAMPLED_SCHEMA,
    )


def publish_bars(desk, symbol, seed, months=(JANUARY, FEBRUARY), *, gaps=()):
    frame = bars_of(symbol, seed)
    for month in months:
        part = frame.filter(pl.col("ts").dt.month() == month.month)
        desk.tables.publish(
            "bars_5m",
            symbol,
            month,
            part,
            code_version="1",
            parents={},
            gaps=gaps,
            extra={"source": "embedded"},
        )


@pytest.fixture
def lay_bars():
    return publish_bars


@pytest.fixture
def desk(make_desk):
    """Two symbols, ten days, instruments known, thresholds that ten days can meet."""
    made = make_desk(
        TA_SYMBOLS='["BTCUSDT","SOLUSDT"]', TA_GATE__MIN_TRADES="5", TA_GATE__MIN_OOS_TRADES="2"
    )
    rows = [
        {
            "symbol": f"{base}USDT",
            "base": base,
            "quote": "USDT",
            "calendar": "24/7",
            "asset_class": "crypto_spot",
            "tick": "0.01",
            "lot": "0.001",
            "min_notional": "5",
            "point_value": "1",
        }
        for base in ("BTC", "SOL")
    ]
    made.tables.publish(
        "instruments",
        None,
        None,
        pl.DataFrame(rows),
        code_version=INSTRUMENTS_CODE_VERSION,
        parents={},
        extra=instruments_basis(made.settings),
    )
    for seed, symbol in enumerate(made.settings.symbols):
        publish_bars(made, symbol, seed)
    return dataclasses.replace(made, experiments=Notebook())

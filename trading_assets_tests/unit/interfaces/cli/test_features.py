import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features import registry
from trading_assets.features.core import CORE
from trading_assets.interfaces.cli import features
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA
from trading_assets.storage.partition_store import PartitionStore


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project folder with a month of bars."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    n = 4 * 288
    close = 100 + np.cumsum(np.random.default_rng(0).normal(0, 0.1, n))
    values = {
        "ts": Month(2024, 2).start + np.arange(n) * 5 * MINUTE,
        "symbol": ["SOLUSDT"] * n,
        "open": close,
        "high": close + 0.1,
        "low": close - 0.1,
        "close": close,
        "volume": np.ones(n),
        "quote_volume": close,
        "n_trades": np.ones(n),
        "source": ["embedded"] * n,
        "n_minutes": [5] * n,
        "complete": [True] * n,
    }
    frame = pl.DataFrame(values).select(
        pl.col(name).cast(dtype) for name, dtype in RESAMPLED_SCHEMA.items()
    )
    PartitionStore(tmp_path / "data" / "tables").publish(
        "bars_5m",
        Symbol("SOLUSDT"),
        Month(2024, 2),
        frame,
        code_version="1",
        parents={},
        extra={"source": "embedded"},
    )
    return tmp_path


def _run(*arguments: str):
    return CliRunner().invoke(features.app, arguments)


def test_the_catalogue_lists_every_feature():
    core, momentum = json.loads(_run("catalogue", "--json").stdout)
    assert [row["name"] for row in core["features"]] == list(CORE.columns)
    assert core["code_version"] == CORE.code_version
    assert all(row["source"] for row in (*core["features"], *momentum["features"]))
    shown = _run("catalogue").stdout
    assert "rsi_14" in shown
    assert f"{len(CORE.columns)} features" in shown
    (alone,) = json.loads(_run("catalogue", "--set", "momentum", "--json").stdout)
    assert alone == momentum


def test_a_month_is_built_and_proven(home):
    told = _run("build", "SOLUSDT", "2024-02")
    assert told.exit_code == 0, told.output
    assert "features_5m SOLUSDT 2024-02: 1152 rows, 863 of them not warm, new" in told.stdout
    assert "look-ahead: none at 12 cuts" in told.stdout
    assert "unchanged" in _run("build", "SOLUSDT", "2024-02").stdout


def test_drift_of_a_first_month_says_that_there_is_nothing_before_it(home):
    _run("build", "SOLUSDT", "2024-02")
    told = _run("drift", "SOLUSDT", "2024-02")
    assert told.exit_code == 0, told.output
    assert "no earlier month" in told.stdout


def test_drift_of_a_month_without_rows_says_so(home):
    tables = PartitionStore(home / "data" / "tables")
    _run("build", "SOLUSDT", "2024-02")
    built = tables.require("features_5m", Symbol("SOLUSDT"), Month(2024, 2))
    tables.publish(
        "features_5m",
        Symbol("SOLUSDT"),
        Month(2024, 3),
        tables.read_manifest(built).clear(),
        code_version=built.code_version,
        parents={},
        extra=built.extra,
    )
    assert "SOLUSDT 2024-03: no rows yet" in _run("drift", "SOLUSDT", "2024-03").stdout


def test_drift_names_what_matters_and_moved(home):
    tables = PartitionStore(home / "data" / "tables")
    _run("build", "SOLUSDT", "2024-02")
    built = tables.require("features_5m", Symbol("SOLUSDT"), Month(2024, 2))
    rows = tables.read_manifest(built)
    later = pl.col("ts") + (Month(2024, 3).start - Month(2024, 2).start) * pl.duration(
        microseconds=1
    )
    tables.publish(
        "features_5m",
        Symbol("SOLUSDT"),
        Month(2024, 3),
        rows.with_columns(later, pl.col("rsi_14") + 50.0),
        code_version=built.code_version,
        parents={},
        extra=built.extra,
    )
    told = _run("drift", "SOLUSDT", "2024-03")
    assert told.exit_code == 1, told.output
    assert "Against 1 months: 1 that matter beyond 0.25" in told.stdout


def test_look_ahead_is_searched_on_demand(home, monkeypatch):
    told = _run("look-ahead", "SOLUSDT", "2024-02", "--cuts", "12")
    assert told.exit_code == 0, told.output
    assert "no look-ahead at 12 cuts" in told.stdout

    leaking = replace(CORE.features[0], make=lambda col: col.close.shift(-1))
    planted = replace(CORE, features=(leaking, *CORE.features[1:]))
    monkeypatch.setattr(registry, "SHIPPED", {"core": planted})
    told = _run("look-ahead", "SOLUSDT", "2024-02", "--cuts", "12")
    assert told.exit_code == 1
    assert "return_5m" in told.output

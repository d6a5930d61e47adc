"""A spec of another bar size stands on the tables of its size, which the graph then has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json
from trading_assets.definitions import defs
graph = defs.resolve_asset_graph()
daily = defs.resolve_job_def("daily_tables").asset_layer.selected_asset_keys
print(json.dumps({
    key.to_user_string(): {
        "deps": sorted(k.to_user_string() for k in graph.get(key).parent_keys),
        "description": graph.get(key).description,
        "daily": key in daily,
    }
    for key in graph.get_all_asset_keys()
}))
"""
SPEC = {
    "strategy": "ema_trend",
    "symbols": ["BTCUSDT"],
    "cash": 10_000,
    "sizing": {"mode": "pct_of_equity", "pos_pct": 50},
}
SIZES = ("1m", "15m", "1h", "1d")


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """Load the graph of a desk with a spec of each size, a portfolio and a sweep, once."""
    folder = tmp_path_factory.mktemp("specs")
    for size in SIZES:
        text = yaml.safe_dump({**SPEC, "name": f"of_{size}", "bar_size": size})
        (folder / f"of_{size}.yaml").write_text(text)
    members = [{"spec": "of_1h", "allocation_pct": 50}]
    portfolio = {"name": "hours", "cash": 10_000, "members": members}
    (folder / "hours.yaml").write_text(yaml.safe_dump(portfolio))
    sweep = {
        "name": "spans",
        "spec": "of_1h",
        "sweep": {"space": {"fast": [2, 3]}},
        "walk_forward": {"train_days": 4, "test_days": 3},
    }
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "spans.yaml").write_text(yaml.safe_dump(sweep))
    environment = {**os.environ, "TA_SPECS_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(found.stdout)


@pytest.mark.parametrize("size", SIZES)
def test_a_backtest_depends_on_the_data_set_of_its_size(graph, size):
    node = graph[f"backtest/of_{size}"]
    assert node["deps"] == [f"dataset/bars_{size}", "instruments"]
    assert f"bars of {size}" in node["description"]


@pytest.mark.parametrize("size", SIZES)
def test_the_daily_chain_brings_the_tables_of_all_sizes_that_are_traded(graph, size):
    assert graph[f"dataset/bars_{size}"]["deps"] == [f"bars_{size}"]
    assert graph[f"dataset/bars_{size}"]["daily"]
    assert graph[f"bars_{size}"]["daily"]


def test_quarters_are_made_of_minutes_like_the_other_sizes(graph):
    assert graph["bars_15m"]["deps"] == graph["bars_1h"]["deps"]


@pytest.mark.parametrize("name", ["backtest/hours", "sweep/spans", "walk_forward/spans"])
def test_portfolios_sweeps_and_folds_follow_the_size_of_their_spec(graph, name):
    assert graph[name]["deps"] == ["dataset/bars_1h", "instruments"]


def test_shipped_specs_stay_on_five_minutes(graph):
    assert "dataset/bars_5m" in graph["backtest/ema_trend"]["deps"]

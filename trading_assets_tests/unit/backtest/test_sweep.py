"""Sweeps as a whole: how they search, go on after a kill, run in processes, and are judged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from trading_assets import Sweep
from trading_assets.backtest.space import search, space_of
from trading_assets.domain.errors import ConfigurationError
from trading_assets.evaluation.heat_map import heat_map, plateau
from trading_assets_tests.unit.backtest.swept import SPEC, bars, sweep

GRID = {"tick": "0.01", "lot": "0.001"}
WIDE = {"fast": {"low": 2, "high": 10, "step": 1}, "slow": {"low": 12, "high": 40, "step": 2}}


@pytest.fixture(scope="module")
def whole():
    return sweep().run()


def test_a_grid_has_every_combination_the_last_axis_fastest(whole):
    assert whole.table.height == 32
    assert whole.table.select("fast", "slow", "band_bps").row(1) == (2, 12, 3.0)
    assert whole.table["key"].n_unique() == 32


def test_a_killed_sweep_goes_on_where_it_stopped(whole, tmp_path):
    program = Path(__file__).with_name("swept.py")
    root = str(Path(__file__).parents[3])
    child = subprocess.Popen(
        [sys.executable, program, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    with child:
        while child.stdout.readline().strip() != "12":
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL

    ran = []
    rest = sweep(tmp_path).run(ran.append)

    assert rest.resumed == 12
    assert rest.result_hash == whole.result_hash
    assert rest.daily_returns.equals(whole.daily_returns)
    assert sweep(tmp_path).run().resumed == 32


def test_what_another_spec_finished_is_not_taken(tmp_path):
    sweep(tmp_path).run()
    other = {**SPEC, "cash": 20_000}

    result = Sweep(other, bars(), {"fast": [2], "slow": [12]}, **GRID, store=tmp_path).run()

    assert result.resumed == 0


@pytest.mark.slow
def test_two_processes_give_the_table_of_one(whole):
    assert sweep(processes=2).run().result_hash == whole.result_hash


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_a_seed_proposes_the_same_trials_again(method):
    hashes = [
        Sweep(SPEC, bars(), WIDE, **GRID, method=method, trials=12, batch=4, seed=seed)
        .run()
        .result_hash
        for seed in (1, 1, 2)
    ]

    assert hashes[0] == hashes[1] != hashes[2]


def test_optuna_finds_the_better_half():
    def worth(params):
        return -abs(params["params.x"] - 7.0)

    space = space_of({"x": {"low": 0, "high": 100}})
    asked = list(search(space, "optuna", trials=60, seed=3, batch=10, value_of=worth))

    late = [params["params.x"] for batch in asked[-2:] for params in batch]
    assert sum(abs(x - 7.0) for x in late) / len(late) < 20


def test_memory_and_time_of_each_trial_are_told_and_bounded(whole):
    costs = whole.costs

    assert costs.height == 32
    assert (costs["cpu_seconds"] > 0).all()
    assert costs["rss_growth_bytes"].tail(16).sum() < 64 * 1024 * 1024


def test_daily_returns_are_a_column_for_each_trial(whole):
    matrix = whole.daily_returns

    assert matrix.columns == ["day", *(str(n) for n in range(32))]
    grown = (matrix["5"] + 1.0).product() * 10_000
    assert grown == pytest.approx(whole.table["final_equity"][5], rel=1e-12)


def test_the_best_is_shown_beside_its_neighbours(whole):
    best = whole.trials.index(whole.best)
    table = whole.table

    found = plateau(table, ["fast", "slow", "band_bps"], best, "sharpe")

    assert found["best"]["sharpe"] == table["sharpe"].max()
    assert 3 <= found["count"] <= 5
    assert found["worst"] <= found["median"] <= table["sharpe"].max()


def test_a_heat_map_is_a_picture_with_the_same_bytes_again(whole):
    picture = heat_map(whole.table, "fast", "slow", "sharpe")

    assert picture.startswith(b"\x89PNG")
    assert picture == heat_map(whole.table, "fast", "slow", "sharpe")


@pytest.mark.parametrize(
    ("axes", "named"),
    [
        ({}, "varies nothing"),
        ({"fast": []}, "names no values"),
        ({"fast": {"low": 9, "high": 2}}, "low not above high"),
    ],
)
def test_a_space_that_is_none_is_refused(axes, named):
    with pytest.raises(ConfigurationError, match=named):
        space_of(axes)


def test_a_grid_over_a_range_without_steps_is_refused():
    with pytest.raises(ConfigurationError, match="has no step"):
        space_of({"x": {"low": 0, "high": 1}}).grid()


def test_keys_of_sizing_and_costs_are_varied_too():
    space = {"sizing.qty": ["0.1", "0.2"], "costs.fees_bps": [0, 20]}

    result = Sweep(SPEC, bars(), space, **GRID).run()

    free = result.table.filter(pl.col("costs.fees_bps") == 0)
    assert free["fees"].to_list() == [0.0, 0.0]
    assert result.table["net_pnl"].n_unique() == 4

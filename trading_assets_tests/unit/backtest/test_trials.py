"""Trials of a sweep have the results of single runs, to the bit."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets import Backtest, Events, EventStrategy, Sweep
from trading_assets.backtest.sweep import SweepResult
from trading_assets.backtest.trials import run_sweep_machine
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.features.indicators import ema
from trading_assets.features.memo import column, values
from trading_assets.strategies.columns import TargetStrategy

GRID = {"tick": "0.01", "lot": "0.001"}
FIXED = {"mode": "fixed", "qty": "0.5"}
PART = {"mode": "pct_of_equity", "pos_pct": 40}


@dataclass(frozen=True)
class Pullback(TargetStrategy):
    """A user's own: buys below a shared average, sells above it, says nothing between."""

    span: int = 20
    depth_bps: float = 10.0

    name: ClassVar[str] = "pullback"

    @property
    def warm_up(self):
        return timedelta(minutes=5 * 3 * self.span)

    def signals(self, frame):
        level = column(frame, ema, "close", span=self.span)
        away = (frame["close"] / level - 1.0) * 10_000
        target = pl.when(away < -self.depth_bps).then(1.0).when(away > self.depth_bps).then(0.0)
        return frame.select("ts", target=target)


@dataclass(frozen=True)
class Crossing(EventStrategy):
    """A user's own that speaks where the close crosses its average, and there alone."""

    span: int = 20
    scale: float = 1.0

    name: ClassVar[str] = "crossing"

    @property
    def warm_up(self):
        return timedelta(minutes=5 * 3 * self.span)

    def events(self, frame):
        level = values(frame, rolling_mean, "close", span=self.span)
        above = frame["close"].to_numpy() > level
        rows = np.flatnonzero(above[1:] != above[:-1]) + 1
        return Events(rows, np.where(above[rows], self.scale, 0.0))


def rolling_mean(close, span):
    return np.convolve(close, np.ones(span) / span)[: len(close)]


def bars_of(seed, days=4, missing=0.0):
    """Five-minute bars of a random walk, some of them missing."""
    dice = np.random.default_rng(seed)
    n = days * 288
    close = 100 * np.exp(np.cumsum(dice.normal(0, 0.002, n))).round(4)
    open_ = np.concatenate(([100.0], close[:-1]))
    ts = 1_704_067_200_000_000 + np.arange(n) * 300_000_000
    frame = pl.DataFrame(
        {
            "ts": pl.Series(ts).cast(pl.Datetime("us", "UTC")),
            "open": open_.round(2),
            "high": (np.maximum(open_, close) + dice.uniform(0.01, 0.6, n)).round(2),
            "low": (np.minimum(open_, close) - dice.uniform(0.01, 0.6, n)).round(2),
            "close": close.round(2),
            "volume": np.full(n, 50.0),
        }
    )
    return frame.filter(pl.Series(dice.random(n) >= missing))


def spec_of(strategy, sizing=FIXED, **more):
    keys = {"name": "swept", "strategy": strategy, "symbols": ["AAAUSDT"], "cash": 10_000}
    return {**keys, "sizing": sizing, "costs": {"fees_bps": 5, "slippage_bps": 1}, **more}


def require_equal(sweep, spec, bars, **where):
    """Compare every trial with the single run of its spec, and give how many traded."""
    result: SweepResult = sweep.run()
    traded = 0
    for trial in result.trials:
        assert trial.refusal == ""
        own = {**spec, "params": dict(spec.get("params", {}))}
        for name, value in trial.params.items():
            section, _, key = name.partition(".")
            own[section] = {**own.get(section, {}), key: value}
        single = Backtest(own, bars, **GRID, **where).run()
        log = single.log
        assert trial.fills_hash == hashlib.sha256(log.fills.tobytes()).hexdigest()
        assert trial.state_hash == log.final_state_hash
        assert trial.daily.tolist() == single.daily["equity"].to_list()
        same = {name: single.metrics[name] for name in trial.metrics if name != "fees"}
        assert {name: trial.metrics[name] for name in same} == same
        assert trial.metrics["fees"] == pytest.approx(single.metrics["fees"])
        traded += len(log.round_trips) > 0
    return traded


@pytest.mark.parametrize("sizing", [FIXED, PART])
def test_trials_of_averages_are_single_runs(sizing):
    bars, spec = bars_of(1), spec_of("ema_trend", sizing)
    space = {"fast": [3, 8], "slow": [12, 20], "band_bps": [0.0, 6.0]}

    assert require_equal(Sweep(spec, bars, space, **GRID), spec, bars) == 8


def test_trials_of_inside_bars_are_single_runs():
    bars, spec = bars_of(2), spec_of("inside_bar", params={"min_range_bps": 0.0})
    space = {"reward_risk": [1.0, 2.0], "trend_bars": [0, 12], "costs.slippage_bps": [0, 3]}

    assert require_equal(Sweep(spec, bars, space, **GRID), spec, bars) == 8


def test_trials_of_a_strategy_of_ones_own_are_single_runs():
    bars, spec = bars_of(3), spec_of(f"{__name__}:Pullback")
    space = {"span": [5, 15], "depth_bps": [5.0, 12.0], "sizing.qty": ["0.25", "1"]}

    assert require_equal(Sweep(spec, bars, space, **GRID), spec, bars) == 8


def test_trials_of_events_are_single_runs():
    both = {"AAAUSDT": bars_of(5), "BBBUSDT": bars_of(6, missing=0.05)}
    spec = spec_of(f"{__name__}:Crossing", symbols=["AAAUSDT", "BBBUSDT"])

    sweep = Sweep(spec, both, {"span": [4, 15], "scale": [0.5, 1.0]}, **GRID)

    assert require_equal(sweep, spec, both) == 4


def test_trials_of_events_over_holes_and_a_span_are_single_runs():
    bars = bars_of(4, days=5, missing=0.02)
    bars = bars.filter(~pl.col("ts").dt.day().is_in([3]) | (pl.col("ts").dt.hour() < 4))
    spec = spec_of(f"{__name__}:Crossing")
    where = {"start": "2024-01-01T10:00Z", "end": "2024-01-05T20:00Z"}

    sweep = Sweep(spec, bars, {"span": [5, 60], "sizing.qty": ["0.25", "1"]}, **GRID, **where)

    assert len(sweep.ground.prepared.holes) == 1
    assert require_equal(sweep, spec, bars, **where) == 4


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [
        ([3, 3], [1.0, 0.0], "ascending"),
        ([-1, 3], [1.0, 0.0], "ascending"),
        ([3, 288], [1.0, 0.0], "ascending from 0 to 287"),
        ([3, 5], [1.0], "a float64 for each"),
        ([3.0, 5.0], [1.0, 0.0], "int64"),
        ([3, 5], [1.0, np.nan], "target at 2024-01-01 00:25:00"),
        ([3, 5], [np.inf, 1.0], "target at 2024-01-01 00:15:00"),
    ],
)
def test_events_that_are_none_are_refused_by_sweeps_and_single_runs(rows, target, message):
    @dataclass(frozen=True)
    class Wrong(EventStrategy):
        span: int = 5
        name: ClassVar[str] = "wrong"

        def events(self, frame):
            return Events(np.array(rows), np.array(target))

    globals()["Wrong"] = Wrong
    spec, bars = spec_of(f"{__name__}:Wrong"), bars_of(9, days=1)

    with pytest.raises(DataError, match=message):
        Sweep(spec, bars, {"span": [5]}, **GRID).run()
    with pytest.raises(DataError, match=message):
        Backtest(spec, bars, **GRID).run()


def test_trials_over_holes_missing_bars_and_a_span_are_single_runs():
    bars = bars_of(4, days=5, missing=0.02)
    bars = bars.filter(~pl.col("ts").dt.day().is_in([3]) | (pl.col("ts").dt.hour() < 4))
    spec = spec_of(f"{__name__}:Pullback")
    where = {"start": "2024-01-01T10:00Z", "end": "2024-01-05T20:00Z"}

    sweep = Sweep(spec, bars, {"span": [5, 9], "depth_bps": [4.0, 8.0]}, **GRID, **where)

    assert len(sweep.ground.prepared.holes) == 1
    assert require_equal(sweep, spec, bars, **where) == 4


def test_trials_of_two_symbols_are_single_runs():
    both = {"AAAUSDT": bars_of(5), "BBBUSDT": bars_of(6, missing=0.05)}
    spec = spec_of("ema_trend", symbols=["AAAUSDT", "BBBUSDT"])

    sweep = Sweep(spec, both, {"fast": [3, 6], "slow": [15, 25]}, **GRID)

    assert require_equal(sweep, spec, both) == 4


def test_trials_that_go_short_under_limits_and_nights_are_single_runs():
    limits = {"max_drawdown_pct": 3, "daily_loss_bps": 80, "max_orders_per_day": 6}
    costs = {"fees_bps": 2, "swap_long_bps": 3, "swap_short_bps": 1}
    spec = spec_of("ema_trend", limits=limits, profile="margin", params={"short": True})
    spec |= {"costs": costs, "sizing": {"mode": "fixed", "qty": "30"}}
    bars = bars_of(7, days=6)

    sweep = Sweep(spec, bars, {"fast": [2, 5, 9], "slow": [14, 30]}, **GRID)

    assert require_equal(sweep, spec, bars) == 6


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    span=st.integers(2, 40),
    depth=st.floats(0.5, 40.0),
    qty=st.sampled_from(["0.001", "0.4", "20"]),
)
def test_any_parameters_give_the_logs_of_their_single_run(seed, span, depth, qty):
    bars = bars_of(seed, days=3, missing=0.03 * (seed % 2))
    spec = spec_of(f"{__name__}:Pullback", {"mode": "fixed", "qty": qty})
    spec["params"] = {"span": span, "depth_bps": depth}
    sweep = Sweep(spec, bars, {"span": [span]}, **GRID)

    machine = run_sweep_machine(sweep.ground, sweep.ground.prepared, None)
    log = sweep.ground.prepared.run()

    assert machine.fills.tobytes() == log.fills.tobytes()
    assert machine.round_trips.tobytes() == log.round_trips.tobytes()
    assert machine.orders.tobytes() == log.orders.tobytes()
    assert machine.verdicts == log.verdicts
    assert machine.equity.hex() == log.final_equity.hex()
    assert machine.state_hash() == log.final_state_hash


def test_equal_columns_are_computed_once():
    calls = []

    def counted(close, span):
        calls.append(span)
        return ema(close, span)

    @dataclass(frozen=True)
    class Counted(TargetStrategy):
        span: int = 5
        depth: float = 0.0
        name: ClassVar[str] = "counted"

        def signals(self, frame):
            level = column(frame, counted, "close", span=self.span)
            return frame.select("ts", target=(frame["close"] > level + self.depth).cast(pl.Float64))

    globals()["Counted"] = Counted
    space = {"span": [5, 9], "depth": [0.0, 0.5, 1.0]}

    result = Sweep(spec_of(f"{__name__}:Counted"), bars_of(8), space, **GRID).run()

    assert sorted(calls) == [5, 9]
    assert len({trial.fills_hash for trial in result.trials}) > 2


def test_parameters_that_make_no_run_are_rows_with_their_reason():
    space = {"fast": [5, 20], "slow": [10]}

    result = Sweep(spec_of("ema_trend"), bars_of(9), space, **GRID).run()

    assert "less than slow" in result.table["refusal"][1]
    assert result.table["sharpe"].null_count() == 1
    assert result.best.params == {"params.fast": 5, "params.slow": 10}


def test_a_key_that_no_strategy_has_is_refused_before_anything_runs():
    with pytest.raises(ConfigurationError, match="fastt"):
        Sweep(spec_of("ema_trend"), bars_of(9), {"fastt": [1]}, **GRID).run()


def test_an_infinite_signal_is_refused_as_in_a_single_run():
    @dataclass(frozen=True)
    class Endless(TargetStrategy):
        span: int = 5
        name: ClassVar[str] = "endless"

        def signals(self, frame):
            return frame.select("ts", target=1.0 / (pl.col("ts").dt.minute() - 5.0 * self.span))

    globals()["Endless"] = Endless

    with pytest.raises(DataError, match="target of AAAUSDT at 2024-01-01 00:25:00"):
        Sweep(spec_of(f"{__name__}:Endless"), bars_of(9), {"span": [5]}, **GRID).run()

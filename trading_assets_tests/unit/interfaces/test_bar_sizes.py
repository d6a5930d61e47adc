"""Specs of other bar sizes on bars in memory: runs, sweeps and walk-forwards."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from trading_assets import Backtest, Instrument, Sweep
from trading_assets.backtest.plan import Folds
from trading_assets.backtest.prepared import DEFAULT_MAX_HOLE
from trading_assets.backtest.runner import run
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.strategies.evaluate import bar_matrix, evaluate, signal_matrix

SOL = symbol_from_text("SOLUSDT")
INSTRUMENT = Instrument(SOL, "SOL", "USDT", Decimal("0.01"), Decimal("0.001"))
GRID = {"tick": "0.01", "lot": "0.001"}
KEYS = {
    "name": "trend",
    "strategy": "ema_trend",
    "params": {"fast": 2, "slow": 4},
    "symbols": [SOL],
    "bar_size": "1h",
    "cash": 10_000,
    "sizing": {"mode": "pct_of_equity", "pos_pct": 50, "rebalance_pct": 10},
    "costs": {"fees_bps": 2, "slippage_bps": 1},
}


def by_hand(minutes, every):
    """Resample without the desk's own function."""
    bars = minutes.group_by_dynamic("ts", every=every, closed="left", label="left").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    return bars.with_columns(symbol=pl.lit(SOL))


@pytest.mark.parametrize("size", ["1m", "15m", "1h"])
def test_a_run_is_the_engine_over_bars_resampled_by_hand(minutes, size):
    result = Backtest({**KEYS, "bar_size": size}, minutes, **GRID).run()

    spec, frame = result.spec, by_hand(minutes, size)
    strategy = spec.build_strategy()
    bars = bar_matrix({SOL: frame}, [SOL])
    signals = {SOL: evaluate(strategy, frame)}
    matrix = signal_matrix(strategy.family, signals, [SOL], bars.ts)
    same = run(spec.engine_setup([INSTRUMENT]), bars, matrix, max_hole=DEFAULT_MAX_HOLE)
    assert result.log.log_hash == same.log_hash
    assert result.num_trades > 3
    assert result.equity.height == frame.height
    assert result.why_not.opportunities == frame.height


def test_days_trade_at_their_opens(minutes):
    keys = {**KEYS, "bar_size": "1d", "strategy": "mean_reversion"}
    keys["params"] = {"bars": 3, "entry_z": 0.1, "exit_z": 0.0}

    result = Backtest(keys, minutes, **GRID).run()

    assert result.equity.height == 5
    assert result.fills.height > 0
    opened = {row["ts"]: row["open"] for row in by_hand(minutes, "1d").iter_rows(named=True)}
    for fill in result.fills.iter_rows(named=True):
        worse = 1 + 1e-4 if fill["side"] == "BUY" else 1 - 1e-4
        assert fill["price"] == pytest.approx(opened[fill["ts_utc"]] * worse, abs=0.011)


def test_no_signal_comes_before_its_warm_up_in_bars_of_its_size(minutes):
    keys = {**KEYS, "strategy": "channel_breakout", "params": {"entry_bars": 6, "exit_bars": 3}}
    backtest = Backtest(keys, minutes, **GRID)
    frame = backtest.prepared.frames[SOL]

    signals = evaluate(backtest.spec.build_strategy(), frame)

    known = signals.filter(pl.col("target").is_not_null())
    assert known["ts"].min() >= frame["ts"][0] + timedelta(hours=6)
    rising = frame.with_columns(
        pl.col(name) + 100 * pl.int_range(pl.len()) for name in ("open", "high", "low", "close")
    )
    first = evaluate(backtest.spec.build_strategy(), rising).filter(pl.col("target").is_not_null())
    assert first["ts"].min() == frame["ts"][0] + timedelta(hours=6)


@pytest.mark.parametrize("size", ["5m", "15m"])
def test_smaller_bars_than_the_specs_make_the_same_ones(minutes, size):
    of_minutes = Backtest(KEYS, minutes, **GRID).run()

    result = Backtest(KEYS, by_hand(minutes, size), **GRID).run()

    assert result.log.log_hash == of_minutes.log.log_hash


def test_larger_bars_than_the_specs_are_refused_with_what_would_do(minutes):
    with pytest.raises(DataError, match="of another size") as caught:
        Backtest({**KEYS, "bar_size": "15m"}, by_hand(minutes, "1h"), **GRID)
    assert caught.value.expected == "15m or 1m or 5m"


def test_a_sweep_over_hours_has_the_results_of_single_runs(minutes):
    sweep = Sweep(KEYS, minutes, {"fast": [1, 2], "slow": [4, 6]}, **GRID)

    result = sweep.run()

    assert len(result.trials) == 4
    for trial in result.trials:
        params = {name.removeprefix("params."): value for name, value in trial.params.items()}
        single = Backtest({**KEYS, "params": params}, minutes, **GRID).run()
        assert trial.state_hash == single.log.final_state_hash
        assert trial.metrics["final_equity"] == single.final_equity
    assert len({trial.state_hash for trial in result.trials}) > 1


def test_a_walk_forward_over_hours_tests_each_fold_on_hours(minutes):
    sweep = Sweep(KEYS, minutes, {"fast": [1, 2], "slow": [4, 6]}, metric="net_pnl", **GRID)

    result = sweep.walk_forward(Folds(train_days=2, test_days=1))

    assert result.table.height == 3
    assert result.equity.height == 3


def test_volatility_is_annualised_by_the_bars_of_a_year(minutes):
    """The same prices at a clock twelve times slower: hourly, a year has a twelfth of the bars."""
    quick = by_hand(minutes, "5m")
    first = quick["ts"][0]
    slow = quick.with_columns(ts=first + (pl.col("ts") - first) * 12)
    sizing = {"mode": "vol_target", "target_vol_pct": 5, "half_life_bars": 10}
    keys = {**KEYS, "sizing": sizing, "costs": {}}

    five = Backtest({**keys, "bar_size": "5m"}, quick, **GRID).run()
    hour = Backtest(keys, slow, **GRID).run()

    ratio = float(hour.fills["qty"][0]) / float(five.fills["qty"][0])
    assert ratio == pytest.approx(np.sqrt(12), rel=1e-3)


def test_a_portfolio_trades_the_bars_of_its_members(minutes):
    members = [
        {"spec": {**KEYS, "name": name, "params": {"fast": fast, "slow": 6}}, "allocation_pct": 50}
        for name, fast in (("one", 1), ("two", 3))
    ]
    result = Backtest({"name": "both", "cash": 10_000, "members": members}, minutes, **GRID).run()

    assert result.equity.height == 5 * 24
    assert result.trades["strategy"].unique().sort().to_list() == ["one", "two"]


def test_members_of_two_sizes_are_refused(minutes):
    members = [
        {"spec": {**KEYS, "name": size, "bar_size": size}, "allocation_pct": 50}
        for size in ("1h", "5m")
    ]
    with pytest.raises(ConfigurationError) as caught:
        Backtest({"name": "both", "cash": 10_000, "members": members}, minutes, **GRID)
    assert "bars of one size" in caught.value.expected

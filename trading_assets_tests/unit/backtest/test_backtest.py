"""A spec on frames in memory."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.backtest import DEFAULT_MAX_HOLE, Backtest
from trading_assets.backtest.runner import run
from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.strategies.evaluate import bar_matrix, evaluate, signal_matrix
from trading_assets.strategies.spec import parse_spec

SOL = symbol_from_text("SOLUSDT")
INSTRUMENT = Instrument(SOL, "SOL", "USDT", Decimal("0.01"), Decimal("0.001"))
SPEC = """
name: trend
strategy: ema_trend
params: {fast: 3, slow: 9}
symbols: [SOLUSDT]
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 50, rebalance_pct: 10}
costs: {fees_bps: 2.0, slippage_bps: 1.0}
"""


@pytest.fixture
def spec():
    return parse_spec(SPEC, where="test")


@pytest.fixture
def minutes():
    n = 5 * 24 * 60
    close = np.round(100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.002, n))), 2)
    start = datetime(2024, 3, 1, tzinfo=UTC)
    opened = np.concatenate([[100.0], close[:-1]])
    return pl.DataFrame(
        {
            "ts": pl.Series([start + timedelta(minutes=i) for i in range(n)]).cast(
                pl.Datetime("us", "UTC")
            ),
            "symbol": [SOL] * n,
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": np.ones(n),
            "quote_volume": close,
            "n_trades": np.ones(n, np.int64),
            "source": ["test"] * n,
        }
    )


def test_it_is_signals_and_the_runner(spec, minutes):
    backtest = Backtest(spec, {SOL: minutes}, [INSTRUMENT])
    result = backtest.run()

    strategy = spec.build_strategy()
    frame = backtest.frames[SOL]
    bars = bar_matrix({SOL: frame}, [SOL])
    signals = {SOL: evaluate(strategy, frame)}
    matrix = signal_matrix(strategy.family, signals, [SOL], bars.ts)
    same = run(spec.engine_setup([INSTRUMENT]), bars, matrix, max_hole=DEFAULT_MAX_HOLE)
    assert frame.height == minutes.height // 5
    assert len(result.round_trips) > 10
    assert result.result_hash == same.result_hash


def test_bars_of_the_specs_own_size_are_taken_as_they_are(spec, minutes):
    first = Backtest(spec, {SOL: minutes}, [INSTRUMENT])

    second = Backtest(spec, first.frames, [INSTRUMENT])

    assert second.run().result_hash == first.run().result_hash


def test_bars_of_another_size_are_refused(spec, minutes):
    with pytest.raises(DataError, match="another size"):
        Backtest(spec, {SOL: minutes.gather_every(15)}, [INSTRUMENT])


def test_a_symbol_without_bars_is_named(spec):
    with pytest.raises(UnknownSymbol, match="SOLUSDT"):
        Backtest(spec, {}, [INSTRUMENT])

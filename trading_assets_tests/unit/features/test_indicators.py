import math

import numpy as np
import polars as pl
import pytest

from trading_assets.features.indicators import (
    FORGOTTEN,
    efficiency_ratio,
    ema,
    ema_warm_up,
    parkinson_volatility,
    range_position,
    rate_of_change,
    realised_volatility,
    rsi,
    share,
    smoothing_warm_up,
    true_range,
    wilder,
    wilder_warm_up,
    z_score,
)

_X = pl.col("x")


def _series(values, expression: pl.Expr) -> list[float | None]:
    return pl.DataFrame({"x": values}).cast(pl.Float64).select(y=expression)["y"].to_list()


def test_an_ema_starts_as_the_plain_mean():
    assert _series([1, 2, 3, 4, 10], ema(_X, 3)) == [None, None, 2.0, 3.0, 6.5]


def test_wilders_smoothing_starts_as_the_plain_mean_after_leading_nulls():
    values = _series([None, 1, 2, 3, 6], wilder(_X, 3))
    assert values[:3] == [None] * 3
    assert values[3:] == pytest.approx([2.0, 10 / 3])


def test_a_smoothing_equals_the_plain_loop():
    values = np.random.default_rng(0).normal(size=300)
    expected = values[:20].mean()
    for value in values[20:]:
        expected += 2 / 21 * (value - expected)
    assert _series(values, ema(_X, 20))[-1] == pytest.approx(expected, rel=1e-12)


def test_a_seed_is_forgotten_after_the_stated_rows():
    for alpha in (0.01, 1 / 14, 0.5):
        rows = smoothing_warm_up(alpha)
        assert (1 - alpha) ** rows <= FORGOTTEN < (1 - alpha) ** (rows - 1)
    assert ema_warm_up(48) == 48 + smoothing_warm_up(2 / 49)
    assert wilder_warm_up(14) == 14 + smoothing_warm_up(1 / 14)


def test_rsi_at_its_bounds():
    assert _series(range(1, 9), rsi(_X, 3))[3:] == [100.0] * 5
    assert _series(range(9, 1, -1), rsi(_X, 3))[3:] == [0.0] * 5
    assert _series([5] * 6, rsi(_X, 3)) == [None] * 3 + [100.0] * 3


def test_the_true_range_counts_the_gap_from_the_close_before():
    bars = pl.DataFrame({"h": [10.0, 15.0, 9.0], "l": [9.0, 14.0, 8.0], "c": [9.5, 14.5, 8.5]})
    ranges = bars.select(r=true_range(pl.col("h"), pl.col("l"), pl.col("c")))["r"]
    assert ranges.to_list() == [None, 5.5, 6.5]


def test_volatility_of_a_known_walk():
    closes = 100 * np.exp(0.01 * np.array([0, 1, 0, 1, 0, 1, 0]))
    assert _series(closes, realised_volatility(_X, 6))[-1] == pytest.approx(0.01)
    bars = pl.DataFrame({"h": [math.e, math.e], "l": [1.0, 1.0]})
    value = bars.select(p=parkinson_volatility(pl.col("h"), pl.col("l"), 2))["p"][-1]
    assert value == pytest.approx(1 / math.sqrt(4 * math.log(2)))


def test_a_z_score_is_zero_where_nothing_moves():
    assert _series([1, 2, 3], z_score(_X, 3)) == [None, None, 1.0]
    noise = [0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2, 0.3]
    assert _series(noise, z_score(_X, 3))[2:] == [0.0, 0.0, 0.0]


def test_positions_and_efficiency_have_a_neutral_value_when_flat():
    position = range_position(_X, _X, _X, 2)
    assert _series([1, 2, 1, 1], position) == [None, 1.0, 0.0, 0.5]
    assert _series([1, 2, 3, 3, 3, 3], efficiency_ratio(_X, 2)) == [None, None, 1, 1, 0, 0]
    assert _series([1, 2, 1], efficiency_ratio(_X, 2))[-1] == 0.0


def test_a_market_that_stands_still_after_wild_hours_moves_by_nothing():
    """As BTCUSDT did in the quarter before the outage of 2023-03-24."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        close = (28_000 * np.exp(0.001 * rng.standard_t(2, 300).cumsum())).round(2)
        volume = rng.gamma(2.0, 100.0, 300).round(5)
        close[200:], volume[201:] = close[200], 0.0
        found = pl.DataFrame({"x": close, "v": volume}).select(
            realised=realised_volatility(_X, 12),
            parkinson=parkinson_volatility(pl.max_horizontal(_X, _X.shift(1)), _X, 12),
            share=share(pl.col("v") * _X.diff().sign(), pl.col("v"), 12),
            z=z_score(pl.col("v"), 12),
        )
        assert found[220:].sum_horizontal().to_list() == [0.0] * 80
        assert found[20:].null_count().sum_horizontal().item() == 0
        assert found["share"][20:].abs().max() <= 1.0 + 1e-9


def test_rate_of_change_is_a_fraction():
    assert _series([100, 101, 110], rate_of_change(_X, 2)) == [None, None, pytest.approx(0.1)]

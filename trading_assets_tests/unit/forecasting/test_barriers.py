"""Which barrier is met first, said bar by bar; compared with a plain loop on random walks."""

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.forecasting.barriers import Barriers, triple_barrier
from trading_assets.market.bar_frame import TS

_STEP = 5 * MINUTE


def _bars(rows: list[tuple[float, float, float, float]]) -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=["open", "high", "low", "close"], orient="row")
    return table.with_columns(ts=pl.int_range(pl.len()) * _STEP).with_columns(pl.col("ts").cast(TS))


def _first(*later: tuple[float, float, float, float], upper=1.0, lower=1.0):
    """Label a bar that closes at 100 with a scale of one percent, the rest of the hour flat."""
    flat = [(100.0, 100.2, 99.8, 100.0)]
    rows = [*flat, *later, *flat * (12 - len(later))]
    bars = _bars(rows)
    labels = triple_barrier(bars, np.full(13, 0.01), "1h", Barriers(upper, lower))
    assert labels["ts"].equals(bars["ts"])
    assert labels["barrier"].null_count() == 12
    ts, side, change, known = labels.row(0)
    return side, change, (known - ts).total_seconds() / 60


def test_the_barrier_that_is_met_first_is_the_label():
    assert _first((100, 101.0, 99.5, 100.5)) == (1, pytest.approx(0.01), 10)
    assert _first((100, 100.5, 99.0, 100.0)) == (-1, pytest.approx(-0.01), 10)
    quiet = (100, 100.9, 99.1, 100.0)
    assert _first(quiet, quiet, (100, 100.5, 98, 99), (99, 105, 99, 104))[::2] == (-1, 20)


def test_neither_is_known_at_the_horizon_and_keeps_its_return():
    flat = (100.0, 100.9, 99.1, 100.3)
    side, change, minutes = _first(*[flat] * 12)
    assert (side, minutes) == (0, 65)
    assert change == pytest.approx(0.003)


def test_both_inside_one_bar_is_the_worse_one():
    assert _first((100, 103, 97, 102)) == (-1, pytest.approx(-0.01), 10)


def test_an_open_beyond_a_barrier_decides_and_its_price_is_the_one_that_is_paid():
    assert _first((102, 103, 97, 99)) == (1, pytest.approx(0.02), 10)
    assert _first((97, 103, 97, 99)) == (-1, pytest.approx(-0.03), 10)


def test_barriers_may_lie_apart():
    assert _first((100, 101.5, 99.5, 100), upper=2.0)[0] == 0
    assert _first((100, 101.5, 99.4, 100), upper=2.0, lower=0.5)[0] == -1


def test_the_label_agrees_with_a_plain_loop():
    draw = np.random.default_rng(3)
    n = 600
    close = 100 * np.exp(np.cumsum(draw.normal(0, 2e-3, n)))
    opens = np.r_[100.0, close[:-1]] * np.exp(draw.normal(0, 5e-4, n))
    high = np.maximum(opens, close) * (1 + draw.exponential(1e-3, n))
    low = np.minimum(opens, close) * (1 - draw.exponential(1e-3, n))
    scale = np.where(draw.random(n) < 0.05, np.nan, draw.uniform(3e-3, 9e-3, n))
    bars = _bars(list(zip(opens, high, low, close, strict=True)))
    bars = bars.filter(~pl.int_range(pl.len()).is_in([200, 201, 350]))
    keep = np.setdiff1d(np.arange(n), [200, 201, 350])
    labels = triple_barrier(bars, scale[keep], "1h", Barriers(1.5, 1.0))
    seen = set()
    for row, (ts, side, change, known) in enumerate(labels.iter_rows()):
        i = keep[row]
        window = [i + k for k in range(1, 13)]
        if window[-1] >= n or not set(window) <= set(keep.tolist()) or np.isnan(scale[i]):
            assert side is None
            continue
        up, down = close[i] * (1 + 1.5 * scale[i]), close[i] * (1 - scale[i])
        expected = (0, close[window[-1]], window[-1])
        for j in window:
            if opens[j] >= up:
                expected = (1, opens[j], j)
            elif low[j] <= down:
                expected = (-1, min(opens[j], down), j)
            elif high[j] >= up:
                expected = (1, up, j)
            if expected[0]:
                break
        assert side == expected[0]
        assert change == pytest.approx(expected[1] / close[i] - 1, abs=1e-14)
        assert (known - ts).total_seconds() == (expected[2] - i + 1) * 300
        seen.add(side)
    assert seen == {-1, 0, 1}


def test_what_cannot_be_labelled_is_refused():
    bars = _bars([(1.0, 1.0, 1.0, 1.0)] * 3)
    assert triple_barrier(bars, np.full(3, 0.1), "1h", Barriers(1, 1))["barrier"].null_count() == 3
    with pytest.raises(DataError, match="a scale for each bar"):
        triple_barrier(bars, np.full(2, 0.1), "1h", Barriers(1, 1))
    with pytest.raises(ConfigurationError, match="positive multiples"):
        Barriers(1.0, 0.0)

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.forecasting.labels import forward_returns
from trading_assets.forecasting.past_returns import PAST_COLUMNS, past_returns
from trading_assets.market.bar_frame import TS


def _bars(minutes: list[int]) -> pl.DataFrame:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 1e-3, len(minutes))))
    ts = pl.Series("ts", [m * MINUTE for m in minutes]).cast(TS)
    return pl.DataFrame({"ts": ts, "close": close})


def test_a_past_return_was_a_label_once():
    bars = _bars([m for m in range(0, 600, 5) if m != 200])
    past = past_returns(bars, "1h")
    label = forward_returns(bars, ["1h"]).rename({"ts": "then"})
    for k, name in enumerate(PAST_COLUMNS, start=1):
        then = past.with_columns(then=pl.col("ts") - pl.duration(hours=k))
        known = then.join(label, on="then").drop_nulls(name)
        assert known[name].to_list() == pytest.approx(known["forward_return_1h"].to_list())
        assert known.height > 0


def test_nothing_before_the_data_and_across_a_hole():
    minutes = [m for m in range(0, 600, 5) if m != 200]
    past = past_returns(_bars(minutes), "1h")
    first = past.filter(pl.col("past_return_1").is_not_null())["ts"].dt.epoch("us") // MINUTE
    assert first.to_list() == [m for m in minutes if 60 <= m < 200 or m >= 265]


def test_later_bars_change_no_past_return():
    bars = _bars(list(range(0, 900, 5)))
    assert past_returns(bars, "1h")[:100].equals(past_returns(bars[:100], "1h"))

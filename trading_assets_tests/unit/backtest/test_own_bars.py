"""Bars of one's own are proven before anything is computed; the first bad one is named."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.own_bars import frames_by_symbol, proven_bars, symbols_of
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import symbol_from_text
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA

SOL = symbol_from_text("SOLUSDT")
START = datetime(2024, 3, 1, tzinfo=UTC)
BAD_ROW = 7
BAD_TIME = "2024-03-01 00:35:00+00:00"


@pytest.fixture
def bars():
    n = 20
    close = 100.0 + np.arange(n)
    return pl.DataFrame(
        {
            "ts": [START + timedelta(minutes=5 * i) for i in range(n)],
            "open": close, "high": close + 1, "low": close - 1, "close": close,
            "volume": np.full(n, 2.0),
        }
    )  # fmt: skip


def with_value(frame, column, value):
    at = pl.int_range(pl.len()) == BAD_ROW
    return frame.with_columns(
        pl.when(at).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )


def prove(frame, timeframe=Timeframe.M5):
    return proven_bars(frame, SOL, timeframe)


def test_what_is_not_given_is_null_and_columns_of_ones_own_stay(bars):
    proven = prove(bars.with_columns(prediction=pl.lit(0.5)))

    assert proven.columns == [*RESAMPLED_SCHEMA, "prediction"]
    assert proven.drop("prediction").schema == RESAMPLED_SCHEMA
    assert proven["quote_volume"].null_count() == bars.height
    assert proven["symbol"].unique().to_list() == [SOL]
    assert proven["n_minutes"].unique().to_list() == [5]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("close", float("nan"), "missing or not finite"),
        ("open", None, "missing or not finite"),
        ("high", float("inf"), "missing or not finite"),
        ("low", -3.0, "not positive"),
        ("low", 0.0, "not positive"),
        ("high", 90.0, "high is below its low"),
        ("close", 150.0, "do not enclose"),
        ("volume", -1.0, "volume is negative"),
        ("volume", float("nan"), "volume is negative or not finite"),
    ],
)
def test_a_bad_value_is_refused_with_symbol_time_and_row(bars, column, value, rule):
    with pytest.raises(DataError, match=rule) as caught:
        prove(with_value(bars, column, value))
    assert caught.value.what.startswith(f"Bar of SOLUSDT at {BAD_TIME}")
    assert f"row {BAD_ROW}: ts {BAD_TIME}" in caught.value.found


def test_a_time_that_comes_twice_is_refused(bars):
    doubled = pl.concat([bars.head(BAD_ROW + 1), bars.slice(BAD_ROW)])
    with pytest.raises(DataError, match=f"SOLUSDT at {BAD_TIME.replace('+', '.')}: its time comes"):
        prove(doubled)


def test_rows_out_of_order_are_refused_with_a_way_out(bars):
    with pytest.raises(DataError, match="its time goes back") as caught:
        prove(bars.reverse())
    assert "2024-03-01 01:30:00+00:00" in caught.value.what
    assert caught.value.fix == "Sort the rows by ts."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop("close"), "lack close"),
        (lambda f: f.with_columns(Close=pl.col("close")), "have a column twice"),
        (lambda f: f.with_columns(pl.col("ts").dt.replace_time_zone(None)), "ts is no instant"),
        (lambda f: f.with_columns(pl.col("ts").dt.epoch("s")), "ts is no instant"),
        (lambda f: f.with_columns(pl.col("close").cast(pl.String)), "close is not a number"),
        (lambda f: with_value(f, "ts", None), "it has no time"),
        (lambda f: f.with_columns(symbol=pl.lit("BTCUSDT")), "it is of another symbol"),
        (lambda f: f.gather_every(3), "are of another size"),
    ],
)
def test_tables_that_are_no_bars_are_refused(bars, change, message):
    with pytest.raises(DataError, match=message) as caught:
        prove(change(bars))
    assert "SOLUSDT" in caught.value.what


def test_minutes_are_resampled_but_not_with_columns_that_nobody_can_add_up(bars):
    minutes = bars.with_columns(ts=pl.lit(START) + pl.duration(minutes=pl.int_range(pl.len())))
    assert prove(minutes).height == 4
    with pytest.raises(DataError, match="cannot be resampled"):
        prove(minutes.with_columns(mine=pl.lit(1.0)))


def test_tables_of_pandas_are_refused_with_a_way_out(bars):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"polars\.from_pandas"):
        frames_by_symbol(pandas.DataFrame({"a": [1]}), (SOL,))


def test_a_name_that_is_no_symbol_is_refused(bars):
    with pytest.raises(UnknownSymbol):
        frames_by_symbol({"no symbol!": bars}, (SOL,))


def test_a_lazy_table_is_collected(bars):
    assert frames_by_symbol(bars.lazy(), (SOL,))[SOL].equals(bars)


def test_one_table_of_several_symbols_is_sorted_by_them(bars):
    both = pl.concat([bars.with_columns(symbol=pl.lit(name)) for name in ("SOLUSDT", "ETHUSDT")])

    assert symbols_of(both) == symbols_of(both.lazy()) == (SOL, symbol_from_text("ETHUSDT"))
    assert frames_by_symbol(both, (SOL,))[SOL].height == bars.height
    assert symbols_of(both.head(5)) == symbols_of({"SOLUSDT": bars}) == (SOL,)
    assert symbols_of(bars) == ()


def test_a_row_that_does_not_say_whose_it_is_is_refused(bars):
    named = with_value(bars.with_columns(symbol=pl.lit("SOLUSDT")), "symbol", None)

    with pytest.raises(UnknownSymbol):
        symbols_of(named)
    with pytest.raises(DataError, match="it is of another symbol"):
        prove(named)

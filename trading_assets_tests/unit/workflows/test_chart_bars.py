"""Bars of a chart against the plain way to put bars together."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.workflows.chart_bars import chart_bars
from trading_assets_tests.stand_ins.trending_bars import lay_month, trending_bars

BTC = Symbol("BTCUSDT")
JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)


@pytest.fixture
def bars():
    """A week over the end of a month, of which an afternoon is missing."""
    frame = trending_bars(
        BTC, 3, datetime(2024, 1, 29, tzinfo=UTC), datetime(2024, 2, 5, tzinfo=UTC)
    )
    hole = datetime(2024, 2, 1, 12, tzinfo=UTC), datetime(2024, 2, 1, 18, tzinfo=UTC)
    return frame.filter(~pl.col("ts").is_between(*hole, closed="left"))


@pytest.fixture
def desk(make_desk, bars):
    made = make_desk(TA_SYMBOLS='["BTCUSDT"]')
    for month in (JANUARY, FEBRUARY):
        lay_month(made, BTC, month, bars)
    return made


@pytest.mark.parametrize(
    ("points", "width"),
    [(5000, "5m"), (1000, "10m"), (200, "1h"), (60, "3h"), (3, "3d"), (2, "7d")],
)
def test_a_span_is_put_together_until_it_fits(desk, bars, points, width):
    found = chart_bars(
        desk, BTC, Timeframe.M5, since=JANUARY.start, until=FEBRUARY.end, points=points
    )

    assert found["aggregated_to"] == width
    assert len(found["t"]) <= points
    wanted = bars.group_by(
        pl.col("ts").dt.epoch("s") // _seconds(width) * _seconds(width), maintain_order=True
    ).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    assert found["t"] == wanted["ts"].to_list()
    for name in ("open", "high", "low", "close"):
        assert found[name] == wanted[name].to_list()
    assert found["volume"] == pytest.approx(wanted["volume"].to_list())
    assert (found["first"], found["last"]) == (
        bars["ts"].dt.epoch("s")[0],
        bars["ts"].dt.epoch("s")[-1],
    )


def test_a_size_that_is_not_published_is_made_of_a_smaller_one(desk, bars):
    found = chart_bars(desk, BTC, Timeframe.H1, points=500)

    assert (found["timeframe"], found["aggregated_to"]) == ("1h", "1h")
    assert len(found["t"]) == 7 * 24 - 6
    assert max(found["high"]) == bars["high"].max()


def test_an_unknown_volume_is_null_and_never_nan(desk):
    minutes = pl.DataFrame(
        {
            "ts": [FEBRUARY.end + n * MINUTE for n in range(4)],
            "symbol": BTC,
            **dict.fromkeys(("open", "high", "low", "close"), 100.0),
            "volume": [1.0, None, 1.0, 2.0],
            "quote_volume": None,
            "n_trades": None,
            "source": "embedded",
        },
        schema=BAR_SCHEMA,
    )
    desk.tables.publish("bars_1m", BTC, Month(2024, 3), minutes, code_version="2", parents={})
    march = {"since": FEBRUARY.end, "until": Month(2024, 3).end}
    found = chart_bars(desk, BTC, Timeframe.M1, **march, points=2)
    assert found["volume"] == [None, 3.0]
    json.dumps(found, allow_nan=False)
    assert chart_bars(desk, BTC, Timeframe.M1, since=0, until=1, points=9)["t"] == []


def test_what_is_not_there_is_said(desk):
    with pytest.raises(UnknownSymbol):
        chart_bars(desk, Symbol("NOPE"), Timeframe.M5, points=9)
    with pytest.raises(MissingPartition, match="no bars of BTCUSDT that 1m"):
        chart_bars(desk, BTC, Timeframe.M1, points=9)


def _seconds(width):
    return int(width[:-1]) * {"m": 60, "h": 3600, "d": 86_400}[width[-1]]

"""Real minutes lie in the sessions of their markets; real trades become their bars."""

import datetime as dt
import gzip
import json
import os
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Bar, Timeframe
from trading_assets.domain.ids import Symbol
from trading_assets.domain.tick import Tick
from trading_assets.market.bar_builder import (
    TRADES_SCHEMA,
    BarBuilder,
    bars_frame,
    bars_from_trades,
)
from trading_assets.market.bar_frame import BAR_SCHEMA, TS, row_content_hash, validate_bars
from trading_assets.market.calendars import build_sessions
from trading_assets.market.gaps import gaps
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_DATA = _SHARED / "data"
_CLOSE_STAMPED = -MINUTE  # NinjaTrader and others stamp a bar with its end


@pytest.fixture(autouse=True)
def _needs_the_data() -> None:
    if not (_DATA / "equity").is_dir():
        pytest.skip(f"no data at {_DATA}")


def sessions_about(calendar: str, frame: pl.DataFrame) -> Sessions:
    first, last = frame["ts"].dt.date()[0], frame["ts"].dt.date()[-1]
    margin = dt.timedelta(days=5)
    return build_sessions(calendar, first - margin, last + margin)


def minutes(name: str, symbol: str, time: str, *, shift: int = 0) -> pl.DataFrame:
    """Give a file of minutes as bars, stamped with their open."""
    raw = pl.read_parquet(_DATA / name)
    micros = pl.col(time).dt.epoch("us") + shift
    unknown = [pl.lit(None).alias(name) for name in BAR_SCHEMA if name not in raw.columns]
    frame = raw.with_columns(*unknown).with_columns(
        micros.cast(TS).alias("ts"), pl.lit(symbol).alias("symbol"), pl.lit("file").alias("source")
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in BAR_SCHEMA.items())


def spy() -> pl.DataFrame:
    name = "equity/nt-spy-minute-2011-03.parquet"
    return minutes(name, "SPY", "time", shift=_CLOSE_STAMPED)


def test_the_open_of_new_york_moves_with_the_clocks_where_the_volume_does() -> None:
    frame = spy()
    sessions = sessions_about("XNYS", frame)
    opens = sessions.frame["open"].to_list()
    for day, hour in ((11, 14), (14, 13)):
        opened = dt.datetime(2011, 3, day, hour, 30, tzinfo=dt.UTC)
        assert opened in opens
        at = frame.with_row_index().filter(pl.col("ts") == opened)
        before = frame["volume"][int(at["index"][0]) - 1]
        assert at["volume"][0] > 4 * before
    busiest = frame.group_by(pl.col("ts").dt.date(), maintain_order=True).agg(
        pl.col("ts").sort_by("volume").last().alias("at")
    )
    first_or_last = pl.concat([sessions.frame["open"], sessions.frame["close"]])
    inside_or_beside = busiest.filter(
        pl.col("at").is_in(first_or_last.implode())
        | (pl.col("at") + pl.duration(minutes=1)).is_in(first_or_last.implode())
    )
    assert inside_or_beside.height >= 15  # of 23 days: auctions at the open and the close


def test_every_minute_of_23_regular_sessions_is_there_and_the_rest_is_left_out() -> None:
    frame = spy()
    sessions = sessions_about("XNYS", frame)
    start, end = frame["ts"].to_physical()[0], frame["ts"].to_physical()[-1] + MINUTE
    assert (frame.height, sessions.inside(frame).height) == (17_577, 23 * 390)
    assert gaps(frame, start, end, sessions=sessions) == ()
    days = resample(frame, Timeframe.D1, sessions=sessions)
    assert days.select("n_minutes", "complete").unique().rows() == [(390, True)]
    hours = resample(frame, Timeframe.H1, sessions=sessions)
    assert hours["n_minutes"].to_list() == ([60] * 6 + [30]) * 23
    assert sorted({f"{ts:%H:%M}" for ts in hours["ts"]})[0] == "13:30"
    assert days["n_trades"].null_count() == days.height
    assert days["volume"].sum() == sessions.inside(frame)["volume"].sum()


def test_the_euro_future_follows_the_currencies_of_cme_not_the_stocks() -> None:
    name = "futures/6EH4_1m_2024-01.parquet"
    stamped_open = minutes(name, "6EH4", "timestamp_utc")
    frame = minutes(name, "6EH4", "timestamp_utc", shift=_CLOSE_STAMPED)
    currencies, stocks = (sessions_about(c, frame) for c in ("CME_FX", "CME"))
    # Its stamps are ends: as opens, the last minute of each session would lie in the break.
    assert stamped_open.height - currencies.inside(stamped_open).height == 22
    assert currencies.inside(frame).height == frame.height == 29_996
    left_out = frame.join(stocks.inside(frame), on="ts", how="anti")
    assert left_out["ts"].dt.date().unique().to_list() == [dt.date(2024, 1, 15)]
    days = resample(frame, Timeframe.D1, sessions=currencies)
    assert [f"{ts:%m-%d}" for ts in days["ts"]][:2] == ["01-02", "01-03"]
    assert days["ts"][-1] == dt.datetime(2024, 2, 1, tzinfo=dt.UTC)  # opened on the evening before
    start, end = (currencies.frame[side].to_physical() for side in ("open", "close"))
    span = start.filter(start >= frame["ts"].to_physical()[0])[0], end.max()
    assert isinstance(span[1], int)
    silent = gaps(frame, span[0], frame["ts"].to_physical()[-1], sessions=currencies)
    assert max(gap.minutes for gap in silent) < 30  # none of its 375 gaps over a close is one


def test_every_quote_of_currencies_lies_in_the_week_of_new_york() -> None:
    for side in ("bid", "ask"):
        frame = minutes(f"fx/gbpusd-m1-{side}-2012.parquet", "GBPUSD", "timestamp")
        sessions = sessions_about("24x5", frame)
        assert sessions.inside(frame).height == frame.height == 30_117
        start, end = frame["ts"].to_physical()[0], frame["ts"].to_physical()[-1] + MINUTE
        found = gaps(frame, start, end, sessions=sessions)
        expected = sessions.expected_minutes(start, end)
        assert sum(gap.minutes for gap in found) == expected - frame.height
        assert max(gap.minutes for gap in found) < 60  # no weekend among them


@pytest.mark.parametrize(("name", "seconds"), [("1m", 60), ("5m", 300)])
def test_trades_become_exactly_the_bars_beside_them(name: str, seconds: int) -> None:
    folder = _DATA / "binance/spot/trades_to_bars"
    trades = pl.read_parquet(folder / "XRP_ETH-trades.parquet")
    frame = trades.select(
        (pl.col("timestamp") * 1000).cast(TS).alias("ts"),
        pl.lit("XRPETH").alias("symbol"),
        "price",
        pl.col("amount").alias("size"),
    )
    bars = bars_from_trades(frame, "trades", bar_seconds=seconds)
    expected = pl.read_parquet(folder / f"XRP_ETH-{name}.parquet")
    values = ["open", "high", "low", "close", "volume"]
    assert bars.select(pl.col("ts").alias("open_time"), *values).equals(expected)
    one_by_one = built(frame, seconds)
    assert row_content_hash(one_by_one) == row_content_hash(bars)
    if name == "5m":
        from_minutes = resample(bars_from_trades(frame, "trades"), Timeframe.M5)
        assert from_minutes.select(bars.columns).equals(bars)


def built(trades: pl.DataFrame, seconds: int) -> pl.DataFrame:
    builder = BarBuilder(seconds)
    bars: list[Bar] = []
    for ts, symbol, price, size in trades.with_columns(pl.col("ts").to_physical()).iter_rows():
        bars += builder.on_tick(Tick(ts, Symbol(symbol), "binance", last=price, size=size))
    bars += builder.flush(force=True)
    assert builder.late == 0
    return bars_frame(bars, "trades")


def test_a_recorded_stream_gives_bars_by_the_same_rules() -> None:
    rows, quotes = [], BarBuilder(method="mid")
    mids: list[Bar] = []
    with gzip.open(_DATA / "binance/spot/ws/btcusdt_20240808.gz", "rt") as lines:
        for line in lines:
            received_ns, message = line.split(" ", 1)
            said = json.loads(message)
            data = said.get("data", {})
            if said.get("stream") == "btcusdt@trade":
                rows.append((data["T"] * 1000, data["s"], float(data["p"]), float(data["q"])))
            elif said.get("stream") == "btcusdt@bookTicker":
                bid, ask = float(data["b"]), float(data["a"])
                ts = int(received_ns) // 1000
                mids += quotes.on_tick(Tick(ts, Symbol("BTCUSDT"), "binance", bid=bid, ask=ask))
    mids += quotes.flush(force=True)
    assert len(rows) == 9757
    trades = pl.DataFrame(rows, schema={**TRADES_SCHEMA, "ts": pl.Int64()}, orient="row")
    trades = trades.with_columns(pl.col("ts").cast(TS))
    bars = bars_from_trades(trades, "trades")
    assert row_content_hash(built(trades, 60)) == row_content_hash(bars)
    validate_bars(bars, Symbol("BTCUSDT"))
    # The recorder's clock is a second behind the venue's: the last trades are of the next day.
    assert [f"{ts:%H:%M}" for ts in bars["ts"]] == [*(f"23:5{n}" for n in range(4, 10)), "00:00"]
    assert bars["n_trades"].sum() == 9757
    for bar, mid in zip(bars[:-1].iter_rows(named=True), mids, strict=True):
        # Trades happen around the middle of the book that was seen at the time.
        assert abs(bar["close"] / mid.close - 1) < 1e-3
        assert mid.volume == 0

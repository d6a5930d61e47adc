"""Replayed archives: the market is what the files say, at every instant."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
from websockets.sync.client import connect

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.archive_files import Market, Span
from trading_assets.exchange.config import ExchangeConfig
from trading_assets.exchange.market.intervals import INTERVALS
from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import MarketModel
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.market.replay import ReplayMarket, ReplayOutages, load_replay
from trading_assets.exchange.market.replay_files import archives_in, read_archives
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.market_sources import open_market, replayed_span, replayed_symbols

FIRST = 1_735_603_200_000  # 2024-12-31T00:00Z: ms; the next day's file has us
DAY_MS = 86_400_000
SOL = {"symbol": "SOLUSDT"}


def rows_of_day(day, *, hole=()):
    """Give a day's rows as the archive writes them, made of random trades."""
    rng = np.random.default_rng(day)
    start, unit = FIRST + day * DAY_MS, 1_000 if day else 1
    price, rows = 10_000, []
    for minute in range(1_440):
        count = int(rng.integers(0, 40))
        prices = price + np.cumsum(rng.integers(-3, 4, max(count, 1)))
        lots = rng.integers(1, 5_000, len(prices)) * (count > 0)
        bought = lots * rng.integers(0, 2, len(prices))
        if minute not in hole:
            figures = [prices[0], prices.max(), prices.min(), prices[-1]]
            text = [f"{int(p) / 100:.8f}" for p in figures]
            value, taken = int((lots * prices).sum()), int((bought * prices).sum())
            opened = (start + minute * 60_000) * unit
            rows.append([
                str(opened), *text, f"{int(lots.sum()) / 1_000:.8f}",
                str(opened + 60_000 * unit - 1), f"{Decimal(value) / 100_000:.8f}", str(count),
                f"{int(bought.sum()) / 1_000:.8f}", f"{Decimal(taken) / 100_000:.8f}", "0",
            ])  # fmt: skip
        price = int(prices[-1])
    return rows


def write_zip(folder, day, rows, symbol="SOLUSDT"):
    name = f"{symbol}-1m-{('2024-12-31', '2025-01-01')[day]}"
    with ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.writestr(f"{name}.csv", "\n".join(",".join(row) for row in rows) + "\n")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two days of SOLUSDT with 10 minutes missing on the second."""
    folder = tmp_path_factory.mktemp("archive")
    days = [rows_of_day(0), rows_of_day(1, hole=range(100, 110))]
    for day, rows in enumerate(days):
        write_zip(folder, day, rows)
    return folder, [row for rows in days for row in rows]


def replaying(wired, folder, offset_ms, **settings):
    start = (FIRST + offset_ms) * 1_000
    return wired(symbols=("SOLUSDT",), replay=folder, start=start, **settings)


def test_every_bar_of_the_files_comes_back(wired, archive):
    folder, rows = archive
    with replaying(wired, folder, 2 * DAY_MS - 1_000) as wire:
        served, start = [], FIRST
        while page := wire.get("klines", **SOL, interval="1m", startTime=start, limit=1_000).json():
            served += page
            start = page[-1][0] + 60_000
    assert len(served) == len(rows)
    for bar, row in zip(served[:-1], rows, strict=False):
        unit = 1 if len(row[0]) == 13 else 1_000
        assert bar[0] == int(row[0]) // unit
        assert bar[1:6] == row[1:6]
        assert bar[8] == int(row[8])
        if bar[8] >= 12:
            assert [bar[column] for column in (7, 9, 10)] == [row[7], *row[9:11]]


def test_trades_build_the_replayed_minute(wired, archive):
    folder, rows = archive
    minute, row = next((i, r) for i, r in enumerate(rows) if int(r[8]) >= 20)
    with replaying(wired, folder, minute * 60_000 + 59_999) as wire:
        trades = wire.get("trades", **SOL, limit=int(row[8])).json()
    assert sum(Decimal(t["qty"]) for t in trades) == Decimal(row[5])
    assert sum(Decimal(t["quoteQty"]) for t in trades) == Decimal(row[7])
    assert trades[0]["price"] == row[1]
    assert trades[-1]["price"] == row[4]
    assert trades[-1]["id"] == sum(int(r[8]) for r in rows[: minute + 1])


def test_missing_minutes_are_an_outage_and_the_end_is_the_end(wired, archive):
    folder, _ = archive
    with replaying(wired, folder, DAY_MS + 104 * 60_000) as wire:
        assert wire.get("exchangeInfo", **SOL).json()["symbols"][0]["status"] == "BREAK"
        last = wire.get("klines", **SOL, interval="1m", limit=1).json()[0]
        assert last[0] == FIRST + DAY_MS + 99 * 60_000
        assert wire.get("ticker/price", **SOL).json()["price"] == last[4]
        refused = wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="1")
        assert wire.refusal(refused)[1:] == (-2010, "Market is closed.")
        wire.sim("step", seconds=6 * 60)
        assert wire.get("exchangeInfo", **SOL).json()["symbols"][0]["status"] == "TRADING"
        wire.sim("step", seconds=86_400)
        assert wire.get("exchangeInfo", **SOL).json()["symbols"][0]["status"] == "BREAK"


def test_orders_fill_at_replayed_prices(wired, archive):
    folder, rows = archive
    with replaying(wired, folder, 3_600_000) as wire:
        answer = wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="1").json()
        assert answer["status"] == "FILLED"
        assert abs(Decimal(answer["fills"][0]["price"]) / Decimal(rows[60][1]) - 1) < Decimal(
            "0.01"
        )


def test_a_ledger_knows_its_files(archive, tmp_path):
    folder, rows = archive
    other = tmp_path / "other"
    other.mkdir()
    write_zip(other, 0, rows[:1_440])

    def identity(path):
        config = ExchangeConfig(symbols=("SOLUSDT",), replay=path, start=(FIRST + 1) * 1_000)
        return open_market(config).identity

    assert identity(folder) == identity(folder)
    assert identity(folder) != identity(other)
    assert json.dumps(identity(folder))


def test_symbols_and_span_are_read_from_the_folder(archive):
    folder, _ = archive
    assert replayed_symbols(folder) == ("SOLUSDT",)
    assert replayed_span(folder) == (FIRST * 1_000, (FIRST + 2 * DAY_MS - 60_000) * 1_000)


def test_parquet_and_headers_are_read_and_daily_files_win(tmp_path):
    rows = rows_of_day(0)
    names = ["open_time", "open", "high", "low", "close", "volume"]
    floats = pl.DataFrame(
        [[int(r[0]), *map(float, r[1:6])] for r in rows], schema=names, orient="row"
    )
    floats.with_columns(pl.col("close") + 1, pl.col("high") + 1).write_parquet(
        tmp_path / "SOLUSDT_1m_2024.parquet"
    )
    header = [*names, "close_time", "quote_volume", "count", "taker_buy_volume",
              "taker_buy_quote_volume", "ignore"]  # fmt: skip
    write_zip(tmp_path, 0, [header, *rows])
    bars = read_archives(archives_in(tmp_path)["SOLUSDT"])
    assert len(bars.minute) == 1_440
    assert bars.prices[3].tolist() == [int(Decimal(r[4]) * 10**8) for r in rows]
    (tmp_path / "SOLUSDT-1m-2024-12-31.zip").unlink()
    alone = read_archives(archives_in(tmp_path)["SOLUSDT"])
    assert alone.count is None
    assert alone.prices[3].tolist() == [int(Decimal(r[4]) * 10**8) + 10**8 for r in rows]


def damage(rows, column, value):
    return [rows[0], [*rows[1][:column], value, *rows[1][column + 1 :]], *rows[2:]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: damage(rows, 0, str(FIRST + 61_000)), "full minutes"),
        (lambda rows: damage(rows, 2, "0.01000000"), "low <= open"),
        (lambda rows: [row[:7] for row in rows], "12 columns"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, change, words):
    write_zip(tmp_path, 0, change(rows_of_day(0)))
    with pytest.raises(ConfigurationError, match=r"Cannot replay .*SOLUSDT-1m") as caught:
        read_archives(archives_in(tmp_path)["SOLUSDT"])
    assert words in str(caught.value)


def test_damage_and_absence_are_told(tmp_path, archive):
    with pytest.raises(ConfigurationError, match="Nothing to replay"):
        archives_in(tmp_path)
    (tmp_path / "SOLUSDT-1m-2024-12-31.zip").write_bytes(b"PK no zip")
    with pytest.raises(ConfigurationError, match="Cannot replay"):
        read_archives(archives_in(tmp_path)["SOLUSDT"])
    (tmp_path / "SOLUSDT-1m-2024-12-31.zip.CHECKSUM").write_text("00ff  SOLUSDT\n")
    with pytest.raises(ConfigurationError, match="CHECKSUM"):
        read_archives(archives_in(tmp_path)["SOLUSDT"])
    folder, _ = archive
    for wish in (
        {"symbols": ("ETHUSDT",)},
        {"start": (FIRST + 3 * DAY_MS) * 1_000},
        {"start": None},
    ):
        config = ExchangeConfig(
            **{"symbols": ("SOLUSDT",), "replay": folder, "start": FIRST * 1_000} | wish
        )
        with pytest.raises(ConfigurationError):
            open_market(config)


def test_what_the_model_writes_as_archives_replays_to_the_same_market(tmp_path):
    """The seeded market, written as files over an outage and an end of a year, comes back."""
    symbols = ("BTCUSDT", "ETHBTC")
    market = Market(symbols, ("1m",), 7, 0.5)
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 20)]
    for symbol in symbols:
        for day in days:
            market.write(symbol, "1m", Span(day, day, is_month=False), tmp_path)
    archives = load_replay(tmp_path, symbols)
    replayed = Klines(Tape(ReplayMarket(3, archives), ReplayOutages(3, archives)))
    seeded = Klines(Tape(MarketModel(7, 0.5), Outages(7)))
    for symbol in symbols:
        for day in days:
            start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)
            window = {"start_ms": start, "end_ms": start + DAY_MS - 1, "limit": 1_000}
            now = (start + DAY_MS) * 1_000
            for interval in ("1m", "5m", "1h", "1d"):
                rows = [
                    [row for page in klines.pages(listing, INTERVALS[interval], now, **window)
                     for row in page]
                    for klines, listing in (
                        (seeded, listing_of(symbol)), (replayed, archives[symbol].listing)
                    )
                ]  # fmt: skip
                assert rows[0]
                assert rows[0] == rows[1]


def test_streams_say_what_the_files_say_over_a_gap(wired, archive):
    folder, rows = archive
    with replaying(wired, folder, DAY_MS + 90 * 60_000) as wire:
        url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/")
        with connect(f"{url}/stream?streams=solusdt@kline_1m/solusdt@trade/solusdt@ticker") as ws:
            wire.sim("step", seconds=40 * 60)
            ws.send('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
            frames = []
            while (frame := json.loads(ws.recv(timeout=10))).get("id") != "end":
                frames.append(frame["data"])
    closed = [f["k"] for f in frames if f["e"] == "kline" and f["k"]["x"]]
    expected = [
        row for row in rows[1_440 + 90 :] if int(row[0]) // 1_000 < FIRST + DAY_MS + 130 * 60_000
    ]
    assert [bar["t"] for bar in closed] == [int(row[0]) // 1_000 for row in expected]
    assert [bar["n"] for bar in closed] == [int(row[8]) for row in expected]
    assert [bar["v"] for bar in closed] == [row[5] for row in expected]
    trades = [f for f in frames if f["e"] == "trade"]
    assert len(trades) == sum(bar["n"] for bar in closed)
    assert [t["t"] - trades[0]["t"] for t in trades] == list(range(len(trades)))
    assert any(f["e"] == "24hrTicker" for f in frames)


def test_files_of_any_usual_quote_can_be_replayed(wired, archive, tmp_path):
    _, rows = archive
    write_zip(tmp_path, 0, rows[:1_440], symbol="SOLEUR")
    with wired(symbols=("SOLEUR",), replay=tmp_path, start=(FIRST + 60_000) * 1_000) as wire:
        (symbol,) = wire.get("exchangeInfo").json()["symbols"]
        assert (symbol["baseAsset"], symbol["quoteAsset"]) == ("SOL", "EUR")
        (bar,) = wire.get("klines", symbol="SOLEUR", interval="1m", startTime=0, limit=1).json()
        assert bar[1:6] == rows[0][1:6]

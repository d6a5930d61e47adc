"""Tickers over raw HTTP: they agree with klines and trades, and weigh what the venue says."""

from decimal import Decimal

import pytest

from trading_assets.exchange.endpoints.tickers import day_ticker_weight, window_size, window_weight
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters

SOL = {"symbol": "SOLUSDT"}
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MINI = {
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume",
    "openTime", "closeTime", "firstId", "lastId", "count",
}  # fmt: skip
FULL = MINI | {"priceChange", "priceChangePercent", "weightedAvgPrice"}


def check_bars(ticker, bars):
    """Hold a ticker to the bars of its window."""
    assert ticker["openPrice"] == bars[0][1]
    assert ticker["lastPrice"] == bars[-1][4]
    assert Decimal(ticker["highPrice"]) == max(Decimal(bar[2]) for bar in bars)
    assert Decimal(ticker["lowPrice"]) == min(Decimal(bar[3]) for bar in bars)
    assert Decimal(ticker["volume"]) == sum(Decimal(bar[5]) for bar in bars)
    assert Decimal(ticker["quoteVolume"]) == sum(Decimal(bar[7]) for bar in bars)
    assert ticker["count"] == sum(bar[8] for bar in bars)
    assert ticker["count"] == ticker["lastId"] - ticker["firstId"] + 1


@pytest.mark.parametrize("size", ["1m", "59m", "1h", "7h", "23h", "1d", "2d", "7d"])
def test_a_rolling_ticker_is_its_bars(wire, noon, size):
    wire.sim("step", seconds=93.7)
    ticker = wire.get("ticker", **SOL, windowSize=size).json()
    assert set(ticker) == FULL
    now_ms = noon // 1_000 + 93_700
    assert ticker["closeTime"] == now_ms
    assert ticker["openTime"] == (now_ms - window_size(size) // 1_000) // 60_000 * 60_000
    bars, start = [], ticker["openTime"]
    while start <= now_ms:
        bars += wire.get("klines", **SOL, interval="1m", startTime=start, limit=1_000).json()
        start = bars[-1][6] + 1
    check_bars(ticker, bars)
    average = Decimal(ticker["quoteVolume"]) / Decimal(ticker["volume"])
    assert abs(Decimal(ticker["weightedAvgPrice"]) - average) <= Decimal("1e-8")
    change = Decimal(ticker["lastPrice"]) - Decimal(ticker["openPrice"])
    assert Decimal(ticker["priceChange"]) == change
    assert abs(
        Decimal(ticker["priceChangePercent"]) - 100 * change / Decimal(ticker["openPrice"])
    ) <= Decimal("0.0005")


def test_the_day_ticker_is_24_hours_to_the_millisecond(wire, noon):
    wire.sim("step", seconds=12.345)
    ticker = wire.get("ticker/24hr", **SOL).json()
    assert set(ticker) == FULL | {
        "prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty",
    }  # fmt: skip
    assert ticker["closeTime"] == noon // 1_000 + 12_345
    assert ticker["openTime"] == ticker["closeTime"] - DAY_MS
    ends = [
        wire.get("historicalTrades", **SOL, fromId=ticker[name], limit=1).json()[0]
        for name in ("firstId", "lastId")
    ]
    before = wire.get("historicalTrades", **SOL, fromId=ticker["firstId"] - 1, limit=1).json()[0]
    assert before["time"] < ticker["openTime"] <= ends[0]["time"]
    assert ends[1]["time"] <= ticker["closeTime"]
    assert ticker["count"] == ticker["lastId"] - ticker["firstId"] + 1
    assert (ticker["openPrice"], ticker["lastPrice"]) == (ends[0]["price"], ends[1]["price"])
    assert ticker["prevClosePrice"] == before["price"]
    assert ticker["lastQty"] == ends[1]["qty"]
    best = wire.get("ticker/bookTicker", **SOL).json()
    assert {name: ticker[name] for name in best} == best


@pytest.mark.parametrize(("zone", "hours_ago"), [("0", 12), ("+3:00", 15), ("-8", 4)])
def test_the_trading_day_begins_at_midnight_of_its_zone(shared, noon, zone, hours_ago):
    ticker = shared.get("ticker/tradingDay", **SOL, timeZone=zone).json()
    assert ticker["openTime"] == noon // 1_000 - hours_ago * HOUR_MS
    assert ticker["closeTime"] == ticker["openTime"] + DAY_MS - 1
    bars = shared.get("klines", **SOL, interval="1d", timeZone=zone, limit=1).json()
    assert bars[0][0] == ticker["openTime"]
    check_bars(ticker, bars)


def test_mini_tickers_and_several_symbols(shared):
    for path in ("ticker", "ticker/24hr", "ticker/tradingDay"):
        both = shared.get(path, symbols='["ETHUSDT","SOLUSDT"]', type="MINI").json()
        assert [ticker["symbol"] for ticker in both] == ["ETHUSDT", "SOLUSDT"]
        assert all(set(ticker) == MINI for ticker in both)
        assert isinstance(shared.get(path, symbols='["SOLUSDT"]').json(), list)
    assert len(shared.get("ticker/24hr").json()) == 3


def test_a_window_without_trades_shows_zeros_and_the_last_price(wired):
    start = 1_708_399_740_000_000  # 2024-02-20T03:29Z, the outage of every seed
    with wired(start=start + 3_720_000_000) as wire:
        ticker = wire.get("ticker", **SOL, windowSize="1h").json()
        assert (ticker["firstId"], ticker["lastId"], ticker["count"]) == (-1, -1, 0)
        assert ticker["lastPrice"] == wire.get("ticker/price", **SOL).json()["price"]
        assert {ticker[name] for name in ("openPrice", "volume", "weightedAvgPrice")} == {
            "0.00000000"
        }


@pytest.mark.parametrize(
    "path", ["ticker", "ticker/24hr", "ticker/tradingDay", "ticker/price", "ticker/bookTicker"]
)
def test_symbols_are_chosen_by_status(shared, path):
    several = {"symbols": '["ETHUSDT","SOLUSDT"]'}
    assert len(shared.get(path, **several, symbolStatus="TRADING").json()) == 2
    assert shared.get(path, **several, symbolStatus="BREAK").json() == []
    assert shared.get(path, **SOL, symbolStatus="TRADING").json()["symbol"] == "SOLUSDT"
    assert shared.refusal(shared.get(path, **SOL, symbolStatus="HALT"))[:2] == (400, -1220)
    assert shared.refusal(shared.get(path, **SOL, symbolStatus="OPEN"))[1] == -1130


def test_depth_is_refused_for_another_status(shared):
    assert shared.refusal(shared.get("depth", **SOL, symbolStatus="BREAK"))[:2] == (400, -1220)
    assert shared.get("depth", **SOL, symbolStatus="TRADING", limit=1).status_code == 200


@pytest.mark.parametrize(
    ("path", "wish", "code"),
    [
        ("ticker", {}, -1102),
        ("ticker/tradingDay", {}, -1102),
        ("ticker", {**SOL, "windowSize": "60m"}, -1130),
        ("ticker", {**SOL, "windowSize": "8d"}, -1130),
        ("ticker", {**SOL, "windowSize": "1M"}, -1130),
        ("ticker/24hr", {**SOL, "type": "SHORT"}, -1130),
        ("ticker/tradingDay", {**SOL, "timeZone": "15"}, -1130),
        ("ticker/24hr", {"symbol": "NOPEUSDT"}, -1121),
        ("ticker", {**SOL, "symbols": '["SOLUSDT"]'}, -1128),
    ],
)
def test_bad_requests_are_refused(shared, path, wish, code):
    assert shared.refusal(shared.get(path, **wish))[:2] == (400, code)


def test_window_sizes_are_bounded():
    assert window_size("59m") == 59 * 60_000_000
    for text in ("", "0m", "60m", "24h", "8d", "1w", "1M", "01m", "1"):
        with pytest.raises(Refused):
            window_size(text)


def test_weights_follow_the_number_of_symbols():
    def several(count):
        names = ",".join(f'"S{number}USDT"' for number in range(count))
        return Parameters(f"symbols=[{names}]".encode())

    one = Parameters(b"symbol=SOLUSDT")
    assert [day_ticker_weight(p) for p in (one, several(20), several(21), several(101))] == [
        2, 2, 40, 80,
    ]  # fmt: skip
    assert day_ticker_weight(Parameters(b"")) == 80
    assert [window_weight(p) for p in (one, several(3), several(60))] == [4, 12, 200]

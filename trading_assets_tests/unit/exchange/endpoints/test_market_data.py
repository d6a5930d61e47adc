"""Public endpoints over raw HTTP."""

from decimal import Decimal

import pytest


def test_time_is_the_market_clock(shared, noon):
    assert shared.get("ping").json() == {}
    assert shared.get("time").json() == {"serverTime": noon // 1_000}


def test_exchange_info_lists_all_or_some(shared):
    info = shared.get("exchangeInfo").json()
    assert [s["symbol"] for s in info["symbols"]] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert {s["status"] for s in info["symbols"]} == {"TRADING"}
    assert len(shared.get("exchangeInfo", symbol="ETHUSDT").json()["symbols"]) == 1
    some = shared.get("exchangeInfo", symbols='["SOLUSDT","BTCUSDT"]').json()["symbols"]
    assert [s["symbol"] for s in some] == ["SOLUSDT", "BTCUSDT"]
    assert shared.get("exchangeInfo", symbols="SOLUSDT").status_code == 400
    assert shared.refusal(shared.get("exchangeInfo", symbols='["SOLUSDT","SOLUSDT"]'))[1] == -1151
    assert shared.refusal(shared.get("exchangeInfo", symbols='["X"]', symbol="Y"))[1] == -1128


def test_exchange_info_is_chosen_by_status_and_permission(wired, shared):
    def names(wire, **wish):
        return [s["symbol"] for s in wire.get("exchangeInfo", **wish).json()["symbols"]]

    assert names(shared, symbolStatus="BREAK") == []
    assert len(names(shared, symbolStatus="TRADING", permissions='["SPOT","MARGIN"]')) == 3
    assert names(shared, permissions="LEVERAGED") == []
    sets = shared.get("exchangeInfo", showPermissionSets="false").json()["symbols"]
    assert {len(s["permissionSets"]) for s in sets} == {0}
    for wish in ({"symbolStatus": "OPEN"}, {"showPermissionSets": "no"}):
        assert shared.refusal(shared.get("exchangeInfo", **wish))[1] == -1130
    wish = {"symbol": "SOLUSDT", "symbolStatus": "TRADING"}
    assert shared.refusal(shared.get("exchangeInfo", **wish))[1] == -1128
    with wired(start=1_708_401_600_000_000) as wire:  # 2024-02-20T04:00Z, maintenance
        assert len(names(wire, symbolStatus="BREAK")) == 3
        assert names(wire, symbolStatus="TRADING") == []


def test_the_filters_are_those_of_the_venue(shared):
    (symbol,) = shared.get("exchangeInfo", symbol="BTCUSDT").json()["symbols"]
    filters = {f.pop("filterType"): f for f in symbol["filters"]}
    assert set(filters) >= {
        "PRICE_FILTER", "LOT_SIZE", "ICEBERG_PARTS", "MARKET_LOT_SIZE", "TRAILING_DELTA",
        "PERCENT_PRICE_BY_SIDE", "NOTIONAL", "MAX_NUM_ORDERS",
    }  # fmt: skip
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert not symbol["icebergAllowed"]
    assert not symbol["allowTrailingStop"]


def test_prices_book_and_bars_agree(shared):
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        last = shared.price(symbol)
        best = shared.get("ticker/bookTicker", symbol=symbol).json()
        book = shared.get("depth", symbol=symbol, limit=5).json()
        bar = shared.get("klines", symbol=symbol, interval="1m", limit=1).json()[0]
        average = float(shared.get("avgPrice", symbol=symbol).json()["price"])
        assert float(best["bidPrice"]) <= last <= float(best["askPrice"])
        assert book["bids"][0] == [best["bidPrice"], best["bidQty"]]
        assert book["asks"][0] == [best["askPrice"], best["askQty"]]
        assert len(book["asks"]) == 5
        assert float(bar[4]) == last
        assert abs(average / last - 1) < 0.01
    assert len(shared.get("ticker/price").json()) == 3
    assert len(shared.get("ticker/bookTicker", symbols='["BTCUSDT","SOLUSDT"]').json()) == 2


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("klines", {"symbol": "NOPEUSDT", "interval": "1m"}, (-1121, "Invalid symbol.")),
        ("klines", {"symbol": "SOLUSDT", "interval": "1D"}, (-1120, "Invalid interval.")),
        ("klines", {"symbol": "SOLUSDT", "interval": "7m"}, (-1120, "Invalid interval.")),
        (
            "klines",
            {"symbol": "SOLUSDT"},
            (-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."),
        ),
        (
            "klines",
            {"interval": "1m"},
            (-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ),
        (
            "klines",
            {"symbol": "SOLUSDT", "interval": "1m", "timeZone": "15"},
            (-1130, "Data sent for parameter 'timeZone' is not valid."),
        ),
        (
            "ping",
            {"x": "1"},
            (-1104, "Not all sent parameters were read; read '0' parameter(s) but was sent '1'."),
        ),
    ],
)
def test_bad_public_requests_get_the_venues_words(shared, path, parameters, expected):
    assert shared.refusal(shared.get(path, **parameters)) == (400, *expected)


def test_a_pair_quoted_in_btc_is_traded_in_btc(wired):
    with wired(symbols=("ETHBTC", "BTCUSDT", "ETHUSDT")) as wire:
        info = wire.get("exchangeInfo", symbol="ETHBTC").json()["symbols"][0]
        assert (info["baseAsset"], info["quoteAsset"]) == ("ETH", "BTC")
        answer = wire.order(symbol="ETHBTC", side="BUY", type="MARKET", quantity="1").json()
        assert answer["status"] == "FILLED"
        balances = {b["asset"]: b["free"] for b in wire.signed("GET", "account").json()["balances"]}
        spent = Decimal(1) - Decimal(balances["BTC"])
        assert spent == Decimal(answer["cummulativeQuoteQty"])
        assert balances["ETH"] == "0.99900000"
        eth, btc = (wire.price(symbol) for symbol in ("ETHUSDT", "BTCUSDT"))
        assert abs(float(spent) / (eth / btc) - 1) < 0.001


def test_the_average_price_says_when_the_last_trade_was(wire):
    wire.sim("step", seconds=3.3)
    average = wire.get("avgPrice", symbol="SOLUSDT").json()
    last = wire.get("trades", symbol="SOLUSDT", limit=1).json()[0]
    assert average["closeTime"] == last["time"]
    assert average["mins"] == 5

"""Public requests of every shape: an answer or a refusal in the venue's words, never a failure."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.exchange.market.intervals import INTERVALS

PATHS = (
    "depth", "trades", "historicalTrades", "aggTrades", "klines", "uiKlines", "avgPrice",
    "ticker", "ticker/24hr", "ticker/tradingDay", "ticker/price", "ticker/bookTicker",
    "exchangeInfo", "time", "ping",
)  # fmt: skip
NOON_MS = 1_709_294_400_000
numbers = st.one_of(
    st.sampled_from(["0", "1", "-1", "1.5", "abc", "", "99999999999999999999", str(2**63 - 1)]),
    st.integers(NOON_MS - 10**9, NOON_MS + 10**9).map(str),
    st.integers(0, 2_000).map(str),
)
values = {
    "symbol": st.sampled_from(["SOLUSDT", "BTCUSDT", "solusdt", "NOPE", "", "SOL/USDT"]),
    "symbols": st.sampled_from(['["SOLUSDT"]', '["SOLUSDT","ETHUSDT"]', "[]", "[1]", "{", '""']),
    "interval": st.sampled_from([*INTERVALS, "1s", "1D", "", "7m"]),
    "limit": numbers,
    "fromId": numbers,
    "startTime": numbers,
    "endTime": numbers,
    "timeZone": st.sampled_from(["0", "-12:00", "14:00", "14:01", "5:30", "x", ""]),
    "windowSize": st.sampled_from(["1m", "59m", "60m", "23h", "7d", "8d", "", "1w"]),
    "type": st.sampled_from(["FULL", "MINI", "full", ""]),
    "symbolStatus": st.sampled_from(["TRADING", "BREAK", "trading", ""]),
}
requests = st.fixed_dictionaries({}, optional=values)


def test_every_request_is_answered_or_refused(wired):
    @settings(max_examples=400, deadline=None)
    @given(path=st.sampled_from(PATHS), wish=requests)
    def ask(path, wish):
        check(path, wish, wire.get(path, **wish))

    with wired(weight_limit=10**9) as wire:
        ask()


def check(path, wish, response):
    body = response.json()
    assert response.status_code in {200, 400}, (response.status_code, body)
    if response.status_code == 400:
        assert set(body) == {"code", "msg"}
        assert -1_300 < body["code"] < -1_000
    elif isinstance(body, list) and path in {"klines", "uiKlines"}:
        opened = [row[0] for row in body]
        assert opened == sorted(set(opened))
        assert all(ms <= NOON_MS for ms in opened)
        for name, holds in (("startTime", int.__ge__), ("endTime", int.__le__)):
            if wish.get(name):
                assert all(holds(ms, int(wish[name])) for ms in opened)
    elif isinstance(body, list) and path in {"trades", "historicalTrades", "aggTrades"}:
        key, at = ("a", "T") if path == "aggTrades" else ("id", "time")
        ids = [row[key] for row in body]
        assert ids == list(range(ids[0], ids[0] + len(ids))) if ids else True
        assert all(row[at] <= NOON_MS for row in body)

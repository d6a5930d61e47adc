"""Trades and aggregate trades over raw HTTP."""

from decimal import Decimal
from itertools import pairwise

import pytest

SOL = {"symbol": "SOLUSDT"}


def test_the_latest_trades_end_now_and_agree_with_the_bar(wire, noon):
    wire.sim("step", seconds=47.3)
    trades = wire.get("trades", **SOL, limit=1_000).json()
    assert [t["id"] - trades[0]["id"] for t in trades] == list(range(1_000))
    assert trades[-1]["time"] <= noon // 1_000 + 47_300
    assert set(trades[0]) == {
        "id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch",
    }  # fmt: skip
    bar = wire.get("klines", **SOL, interval="1m", limit=1).json()[0]
    own = [t for t in trades if t["time"] >= noon // 1_000]
    assert bar[8] == len(own)
    assert Decimal(bar[5]) == sum(Decimal(t["qty"]) for t in own)
    assert Decimal(bar[7]) == sum(Decimal(t["quoteQty"]) for t in own)
    assert Decimal(bar[9]) == sum(Decimal(t["qty"]) for t in own if not t["isBuyerMaker"])
    assert bar[4] == own[-1]["price"] == wire.get("ticker/price", **SOL).json()["price"]


def test_older_trades_are_paged_by_number(shared):
    latest = shared.get("historicalTrades", **SOL, limit=5).json()
    assert latest == shared.get("trades", **SOL, limit=5).json()
    first = latest[0]["id"]
    assert shared.get("historicalTrades", **SOL, fromId=first).json() == latest
    page = shared.get("historicalTrades", **SOL, fromId=first - 3, limit=4).json()
    assert [t["id"] for t in page] == list(range(first - 3, first + 1))
    assert shared.get("historicalTrades", **SOL, fromId=0, limit=2).json()[0]["id"] == 1
    assert shared.get("historicalTrades", **SOL, fromId=latest[-1]["id"] + 1).json() == []


def test_aggregates_join_trades_without_gaps(shared):
    joined = shared.get("aggTrades", **SOL, limit=300).json()
    assert set(joined[0]) == set("apqflTmM")
    trades = shared.get("historicalTrades", **SOL, fromId=joined[0]["f"], limit=1_000).json()
    assert trades[-1]["id"] == joined[-1]["l"]
    by_id = {t["id"]: t for t in trades}
    for one, following in pairwise(joined):
        assert following["a"] == one["a"] + 1
        assert following["f"] == one["l"] + 1
    for one in joined:
        parts = [by_id[number] for number in range(one["f"], one["l"] + 1)]
        assert {(p["price"], p["isBuyerMaker"], p["time"]) for p in parts} == {
            (one["p"], one["m"], one["T"])
        }
        assert Decimal(one["q"]) == sum(Decimal(p["qty"]) for p in parts)


def test_aggregates_are_found_by_time_and_by_number(shared, noon):
    start = noon // 1_000 - 3_600_000
    rows = shared.get("aggTrades", **SOL, startTime=start, limit=10).json()
    assert rows[0]["T"] == start  # the first trade of a cell is at its first instant
    assert [r["a"] for r in rows] == list(range(rows[0]["a"], rows[0]["a"] + 10))
    end = rows[6]["T"]
    assert shared.get("aggTrades", **SOL, startTime=start, endTime=end).json() == rows[:7]
    assert shared.get("aggTrades", **SOL, endTime=end, limit=3).json() == rows[4:7]
    assert shared.get("aggTrades", **SOL, fromId=rows[2]["a"], limit=4).json() == rows[2:6]
    assert shared.get("aggTrades", **SOL, startTime=noon // 1_000 + 1).json() == []
    assert shared.get("aggTrades", **SOL, startTime=start, endTime=start - 1).json() == []
    assert shared.get("aggTrades", **SOL, startTime=0, limit=1).json()[0]["a"] == 1
    assert shared.get("aggTrades", **SOL, endTime=1).json() == []


@pytest.mark.parametrize(
    ("path", "wish", "code"),
    [
        ("trades", {}, -1102),
        ("trades", {"symbol": "NOPEUSDT"}, -1121),
        ("trades", {**SOL, "limit": "0"}, -1130),
        ("historicalTrades", {**SOL, "fromId": "x"}, -1100),
        ("aggTrades", {**SOL, "fromId": "1", "startTime": "1"}, -1128),
    ],
)
def test_bad_requests_are_refused(shared, path, wish, code):
    assert shared.refusal(shared.get(path, **wish))[:2] == (400, code)

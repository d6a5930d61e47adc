"""Orders and fills of a book as people page through them, from a journal that a test writes."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from trading_assets.domain.errors import DataError
from trading_assets.settings import load_settings
from trading_assets.workflows.book_listing import book_fills, book_orders
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.paging import cursor_text
from trading_assets_tests.stand_ins.written_book import (
    BAR,
    START,
    release_of_btc,
    written_book,
)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A book that buys and sells twice; the last order has not left yet."""
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    release, settings = release_of_btc(), load_settings().settings
    with written_book(live_book(settings, "paper"), release) as book:
        for number, target in enumerate((1.0, 0.0, 1.0)):
            (ticket,) = book.bar(number, target, 50_000.0)
            book.fill(ticket, START + (number + 1) * BAR, f"t{number}", Decimal("50000.10"))
        book.bar(3, 0.0, 50_000.0)
    releases = SimpleNamespace(get={release.release_id: release}.__getitem__)
    return SimpleNamespace(settings=settings, releases=releases)


def test_orders_are_listed_from_the_newest_with_units_and_notional(desk):
    page = book_orders(desk, "paper", limit=10)

    assert page.next is None
    assert [o["side"] for o in page.items] == ["SELL", "BUY", "SELL", "BUY"]
    assert [o["state"] for o in page.items] == ["INTENT", "FILLED", "FILLED", "FILLED"]
    waiting, filled = page.items[:2]
    assert (waiting["notional"], waiting["filled_qty"], waiting["quote"]) == (None, None, "USDT")
    assert (waiting["reduce_only"], filled["reduce_only"]) == (True, False)
    assert (filled["qty"], filled["notional"], filled["avg_price"]) == ("0.01", "500.001", 50000.1)
    assert (filled["ts"], filled["strategy"]) == ("2024-04-01T00:10:00Z", "mine")


def test_open_orders_are_told_from_those_that_ended(desk):
    (waiting,) = book_orders(desk, "paper", is_open=True, limit=10).items
    assert waiting["state"] == "INTENT"
    assert len(book_orders(desk, "paper", is_open=False, limit=10).items) == 3


@pytest.mark.parametrize("is_open", [None, False])
def test_pages_meet_without_a_row_twice_or_missing(desk, is_open):
    seen, cursor = [], None
    while True:
        page = book_orders(desk, "paper", is_open=is_open, limit=2, cursor=cursor)
        seen += [o["client_order_id"] for o in page.items]
        cursor = page.next
        if cursor is None:
            break
    whole = book_orders(desk, "paper", is_open=is_open, limit=10).items
    assert seen == [o["client_order_id"] for o in whole]


def test_fills_name_their_strategy_and_what_they_were_worth(desk):
    page = book_fills(desk, "paper", limit=2)

    assert [fill["trade_id"] for fill in page.items] == ["t2", "t1"]
    assert page.items[0] | {"client_order_id": ""} == {
        "ts": "2024-04-01T00:15:00Z",
        "client_order_id": "",
        "trade_id": "t2",
        "strategy": "mine",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "price": "50000.1",
        "qty": "0.01",
        "notional": "500.001",
        "quote": "USDT",
        "fee": "0",
        "fee_ccy": "USDT",
        "is_maker": False,
    }
    (first,) = book_fills(desk, "paper", limit=2, cursor=page.next).items
    assert first["trade_id"] == "t0"
    assert book_fills(desk, "paper", symbol="SOLUSDT", limit=2).items == ()


@pytest.mark.parametrize(
    "cursor", ["x", "AAAA", "WzEsMl0", cursor_text(("a",)), cursor_text((2**70,)), "W" * 5000]
)
def test_what_is_no_cursor_is_refused(desk, cursor):
    with pytest.raises(DataError, match="Not a cursor"):
        book_orders(desk, "paper", limit=2, cursor=cursor)

"""Synthetic liquidity."""

from decimal import Decimal
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.market_model import CELLS_PER_DAY, MarketModel
from trading_assets.exchange.market.order_book import OrderBooks, draw_book
from trading_assets.exchange.venue.public_book import public_sides

CELL = 341_858_880  # 2024-03-01T12:00Z
SOL = listing_of("SOLUSDT")


def value(listing, levels):
    return sum(level.ticks * level.lots for level in levels) * listing.value_units / 1e8


@settings(max_examples=30, deadline=None)
@given(
    cell=st.integers(CELL, CELL + 300 * CELLS_PER_DAY),
    symbol=st.sampled_from(["BTC", "ETH", "SOL"]),
)
def test_the_book_surrounds_the_traded_price(cell, symbol):
    listing = listing_of(symbol + "USDT")
    model = MarketModel(1, 0.5)
    book = draw_book(model, listing, cell)
    bids, asks = ([level.ticks for level in side] for side in (book.bids, book.asks))
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] <= model.ticks_at(listing, cell) <= asks[0]
    assert bids[0] < asks[0]
    assert all(level.lots >= 1 for level in (*book.bids, *book.asks))


def test_what_is_taken_is_gone_until_the_next_cell(model):
    books = OrderBooks(model)
    best = books.at(SOL, CELL).asks[0]
    books.at(SOL, CELL).take(OrderSide.BUY, best.ticks, best.lots)
    left = next(books.at(SOL, CELL).against(OrderSide.BUY, None))
    assert left.ticks > best.ticks
    assert books.at(SOL, CELL + 1).asks[0].lots > 0
    untouched = draw_book(model, SOL, CELL)
    assert [level.ticks for level in books.at(SOL, CELL).asks] == [a.ticks for a in untouched.asks]


def test_a_limit_bounds_the_levels_that_are_met(model):
    book = draw_book(model, SOL, CELL)
    third = book.asks[2].ticks
    assert [level.ticks for level in book.against(OrderSide.BUY, third)] == [
        level.ticks for level in book.asks[:3]
    ]
    bid = book.bids[1].ticks
    assert len(list(book.against(OrderSide.SELL, bid))) == 2
    assert not list(book.against(OrderSide.BUY, book.bids[0].ticks))


def test_solana_is_thin_and_bitcoin_is_not(model):
    depths = {}
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        listing = listing_of(symbol)
        depths[symbol] = [
            value(listing, draw_book(model, listing, CELL + 97 * i).asks) for i in range(300)
        ]
    short = sum(depth < 20_000 for depth in depths["SOLUSDT"]) / 300
    assert 0.05 < short < 0.35
    assert min(depths["BTCUSDT"]) > 200_000
    assert median(depths["BTCUSDT"]) > median(depths["ETHUSDT"]) > 10 * median(depths["SOLUSDT"])


def test_an_order_of_some_thousands_walks_a_few_levels(model):
    counts = []
    for i in range(200):
        walked, spent = 0, 0.0
        for level in draw_book(model, SOL, CELL + 31 * i).asks:
            walked += 1
            spent += level.ticks * level.lots * SOL.value_units / 1e8
            if spent >= 4_000:
                break
        counts.append(walked)
    assert 2 <= median(counts) <= 8


def test_the_same_cell_draws_the_same_book(model):
    assert draw_book(model, SOL, CELL) == draw_book(MarketModel(7, 0.5), SOL, CELL)
    assert draw_book(model, SOL, CELL) != draw_book(MarketModel(8, 0.5), SOL, CELL)


@pytest.mark.parametrize("side", [OrderSide.BUY, OrderSide.SELL])
def test_taking_from_an_empty_book_changes_nothing(model, side):
    book = draw_book(model, SOL, CELL)
    for level in (*book.bids, *book.asks):
        level.lots = 0
    book.take(side, 1, 1)
    assert not list(book.against(side, None))


def depth_id(wire):
    return wire.get("depth", symbol="SOLUSDT", limit=5).json()["lastUpdateId"]


def test_the_update_id_grows_with_every_change_and_only_then(wire):
    ids = [depth_id(wire)]
    assert depth_id(wire) == ids[0]
    market = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    assert wire.order(**market).status_code == 200
    ids.append(depth_id(wire))
    resting = wire.order(**wire.limit_buy(0.9)).json()
    ids.append(depth_id(wire))
    wire.signed("DELETE", "order", symbol="SOLUSDT", orderId=resting["orderId"])
    ids.append(depth_id(wire))
    assert wire.order(**{**market, "quantity": "0.0000001"}).status_code == 400
    assert depth_id(wire) == ids[-1]
    wire.sim("step", seconds=4.9)
    assert depth_id(wire) == ids[-1]
    wire.sim("step", seconds=0.1)
    ids.append(depth_id(wire))
    assert ids == sorted(set(ids))


def test_the_update_id_goes_on_after_a_restart(wired, tmp_path):
    ledger = tmp_path / "ledger.sqlite"
    with wired(ledger=ledger) as wire:
        wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="1")
        wire.order(**wire.limit_buy(0.9))
        before = depth_id(wire)
    with wired(ledger=ledger) as wire:
        assert depth_id(wire) == before
        wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity="1")
        assert depth_id(wire) > before


def top(wire, side):
    quotes = wire.get("ticker/bookTicker", symbol="BTCUSDT").json()
    book = wire.get("depth", symbol="BTCUSDT", limit=1).json()
    assert [[quotes[f"{side}Price"], quotes[f"{side}Qty"]]] == book[f"{side}s"]
    day = wire.get("ticker/24hr", symbol="BTCUSDT").json()
    assert (day[f"{side}Price"], day[f"{side}Qty"]) == tuple(book[f"{side}s"][0])
    return Decimal(quotes[f"{side}Price"]), Decimal(quotes[f"{side}Qty"])


def test_everyone_sees_resting_orders_and_sees_them_go(wire):
    bid, at_bid = top(wire, "bid")
    ask, at_ask = top(wire, "ask")
    assert ask - bid > Decimal("0.02")
    wish = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    better = wire.order(**wish, side="BUY", price=f"{bid + Decimal('0.01')}").json()
    assert better["status"] == "NEW"
    assert top(wire, "bid") == (bid + Decimal("0.01"), Decimal("0.01"))
    wire.order(**wish, side="SELL", price=f"{ask}")
    assert top(wire, "ask") == (ask, at_ask + Decimal("0.01"))
    wire.signed("DELETE", "order", symbol="BTCUSDT", orderId=better["orderId"])
    assert top(wire, "bid") == (bid, at_bid)
    wire.signed("DELETE", "openOrders", symbol="BTCUSDT")
    assert top(wire, "ask") == (ask, at_ask)


@settings(max_examples=15, deadline=None)
@given(prices=st.lists(st.integers(-400, 400), max_size=12), cells=st.integers(0, 40))
def test_the_public_book_never_looks_crossed(make_desk, prices, cells):
    desk = make_desk()
    for number, offset in enumerate(prices):
        ticks = desk.last("BTCUSDT") + offset * 10
        side = "BUY" if offset < 0 else "SELL"
        desk.place("BTCUSDT", side, ticks=ticks, lots=100 + number)
        desk.step(5 * cells / max(len(prices), 1))
    listing = desk.venue.listings["BTCUSDT"]
    bids, asks = public_sides(desk.venue, listing, desk.now)
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0][0] < asks[0][0]
    market = desk.book("BTCUSDT")
    own = list(desk.venue.open["BTCUSDT"].values())
    shown = sum(lots for _, lots in (*bids, *asks))
    theirs = sum(level.lots for level in (*market.bids, *market.asks))
    assert theirs <= shown <= theirs + sum(o.lots - o.executed_lots for o in own)

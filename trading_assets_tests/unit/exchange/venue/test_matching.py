"""Clients meet each other: by price, then by time, the market's own quotes among them."""

import pytest

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.venue.orders import MODEL, Status


@pytest.fixture
def two(desk):
    """A desk with a second account, `other`, that owns SOL."""
    desk.venue.accounts.open("other", {"SOL": 10**12, "USDT": 10**12})
    return desk


def inside(desk):
    """Give a price inside the spread, waiting for a cell whose spread has room for one."""
    while True:
        book = desk.book("SOLUSDT")
        if book.asks[0].ticks - book.bids[0].ticks >= 2:
            return book.bids[0].ticks + 1
        desk.step(5)


def test_a_better_priced_client_is_met_before_the_market(two):
    price = inside(two)
    resting = two.place("SOLUSDT", "SELL", account="other", lots=100, ticks=price)
    assert resting.status is Status.NEW
    ask = two.book("SOLUSDT").asks[0].ticks
    taker = two.place("SOLUSDT", "BUY", lots=150)
    assert [(t.ticks, t.lots, t.against) for t in taker.trades] == [
        (price, 100, resting.order_id),
        (ask, 50, MODEL),
    ]
    (trade,) = resting.trades
    assert (resting.status, trade.is_maker, trade.against) == (
        Status.FILLED,
        True,
        taker.order_id,
    )
    assert trade.trade_id == taker.trades[0].trade_id
    assert two.venue.accounts.total("SOL") == 10**12
    assert two.venue.accounts.total("USDT") == 10**13 + 10**12


def test_at_one_price_whoever_was_first_is_first(two):
    ask = two.book("SOLUSDT").asks[0]
    price, size = ask.ticks, ask.lots
    late = two.place("SOLUSDT", "SELL", account="other", lots=100, ticks=price)
    taker = two.place("SOLUSDT", "BUY", lots=size + 50, ticks=price)
    assert [(t.lots, t.against) for t in taker.trades] == [(size, MODEL), (50, late.order_id)]


def test_an_order_from_before_the_cell_goes_ahead_of_its_quotes(two):
    price, start = None, two.now
    while price is None:  # a price at which the next cell quotes but does not trade
        start = two.now
        two.step(5)
        following = {x.ticks for x in two.book("SOLUSDT").asks if x.ticks > two.last("SOLUSDT")}
        price = min(following, default=None)
        two.now = start
        if price is not None and price <= two.book("SOLUSDT").bids[0].ticks:
            price, two.now = None, start + 5_000_000
    two.venue.counters["SOLUSDT"].settled_cell = start // 5_000_000
    early = two.venue.place("other", two.request("SOLUSDT", "SELL", lots=100, ticks=price), start)
    assert not early.trades
    two.now = start
    two.step(5)
    assert early.status is Status.NEW
    lower = sum(x.lots for x in two.book("SOLUSDT").asks if x.ticks < price)
    taker = two.place("SOLUSDT", "BUY", lots=lower + 150, ticks=price)
    at_price = [t for t in taker.trades if t.ticks == price]
    assert (at_price[0].lots, at_price[0].against) == (100, early.order_id)
    assert all(t.against == MODEL for t in taker.trades if t is not at_price[0])


def test_clients_share_by_age_and_may_meet_themselves(two):
    price = inside(two)
    first = two.place("SOLUSDT", "SELL", account="other", lots=60, ticks=price)
    mine = two.place("SOLUSDT", "BUY", lots=10, ticks=price - 1)
    second = two.place("SOLUSDT", "SELL", account="other", lots=60, ticks=price)
    taker = two.place("SOLUSDT", "BUY", account="other", lots=90, ticks=price, tif="FOK")
    assert [t.against for t in taker.trades] == [first.order_id, second.order_id]
    assert (second.executed_lots, second.status) == (30, Status.PARTIALLY_FILLED)
    assert mine.status is Status.NEW
    own = [
        t for t in two.venue.trades["other", "SOLUSDT"] if t.trade_id == taker.trades[0].trade_id
    ]
    assert {t.is_maker for t in own} == {True, False}


def test_a_maker_only_order_does_not_take_a_client_either(two):
    price = inside(two)
    two.place("SOLUSDT", "SELL", account="other", lots=60, ticks=price)
    with pytest.raises(Refused, match="immediately match and take"):
        two.place("SOLUSDT", "BUY", lots=10, ticks=price, kind="LIMIT_MAKER")


def test_trades_between_clients_do_not_move_the_market(two):
    before = two.last("SOLUSDT"), two.book("SOLUSDT").asks[0].ticks
    price = inside(two)
    two.place("SOLUSDT", "SELL", account="other", lots=60, ticks=price)
    two.place("SOLUSDT", "BUY", lots=60, ticks=price)
    assert before[0] == two.last("SOLUSDT") or price
    twin = two.venue.model.ticks_at(two.venue.listings["SOLUSDT"], two.now // 5_000_000)
    assert two.last("SOLUSDT") == twin

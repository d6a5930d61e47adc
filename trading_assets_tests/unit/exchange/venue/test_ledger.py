"""The ledger file: complete, continued by a restart, one exchange at a time."""

import asyncio
import sqlite3

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.config import ExchangeConfig
from trading_assets.exchange.venue.orders import Status

NOON = 1_709_294_400_000_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "books" / "ledger.sqlite"


@pytest.fixture
def opened():
    """Open stepped exchanges; whatever a test leaves open is closed after it."""
    exchanges = []

    def open_one(path, **wish):
        exchanges.append(Exchange(ExchangeConfig(start=NOON, stepped=True, ledger=path, **wish)))
        return exchanges[-1]

    yield open_one
    for exchange in exchanges:
        exchange.ledger.close()


def trade_a_little(exchange, desk):
    """Leave a filled, a partly filled, a cancelled and an open order behind."""
    desk.venue = exchange.venue
    steps = []
    for symbol, side, wish in (
        ("SOLUSDT", "BUY", {"lots": 5_000}),
        ("SOLUSDT", "BUY", {"lots": 5 * 10**5, "ticks": desk.book("SOLUSDT").asks[1].ticks}),
        ("BTCUSDT", "SELL", {"lots": 1_000, "ticks": desk.last("BTCUSDT") * 2}),
        ("BTCUSDT", "BUY", {"lots": 1_000, "ticks": desk.last("BTCUSDT") // 2}),
    ):
        desk.now = exchange.settled_now()
        steps.append(desk.place(symbol, side, client_order_id=f"c{len(steps)}", **wish))
        exchange.ledger.record(exchange.venue, desk.now)
        asyncio.run(exchange.step(3))
    exchange.venue.cancel(steps[2], exchange.settled_now(), "the-cancel")
    exchange.ledger.record(exchange.venue, exchange.clock.now())
    return steps


def test_a_restart_continues_accounts_orders_ids_and_time(path, desk, opened):
    first = opened(path)
    trade_a_little(first, desk)
    asyncio.run(first.step(60))
    before = first.ledger.dump()
    now, balances = first.clock.now(), first.venue.accounts.rows()
    first.close()

    second = opened(path)
    assert second.clock.now() == now
    assert second.venue.accounts.rows() == balances
    assert second.ledger.dump() == before
    assert {o.client_order_id for o in second.venue.open_orders("demo", None)} <= {"c1", "c3"}
    assert second.venue.counters["SOLUSDT"].next_order_id == 3
    trades = second.venue.trades["demo", "SOLUSDT"]
    assert [t.trade_id for t in trades] == list(range(1, len(trades) + 1))
    second.close()


def test_a_restart_and_no_restart_end_the_same(tmp_path, make_desk, opened):
    def run(path, *, restart):
        exchange = opened(path)
        trade_a_little(exchange, make_desk())
        asyncio.run(exchange.step(1))
        if restart:
            exchange.close()
            exchange = opened(path)
        asyncio.run(exchange.step(6 * 3_600))
        dump = exchange.ledger.dump()
        exchange.close()
        return dump

    straight = run(tmp_path / "a.sqlite", restart=False)
    assert straight["trades"]
    assert run(tmp_path / "b.sqlite", restart=True) == straight


def test_orders_that_the_path_reached_while_it_was_off_are_filled(path, desk, opened):
    first = opened(path)
    desk.venue = first.venue
    desk.now = first.settled_now()
    limit = int(desk.ticks_ahead("SOLUSDT", 3_000).min()) + 2
    desk.place("SOLUSDT", "BUY", lots=1, ticks=limit)
    first.ledger.record(first.venue, desk.now)
    first.ledger.close()  # as a kill would: nothing is settled any more
    second = opened(path)
    asyncio.run(second.step(15_000))
    assert second.venue.orders["SOLUSDT", 1].status is Status.FILLED
    second.close()


def test_the_file_can_be_read_from_outside_while_open(path, desk, opened):
    exchange = opened(path)
    trade_a_little(exchange, desk)
    judge = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = judge.execute("SELECT sum(free_units + locked_units) FROM balances GROUP BY asset")
    assert sorted(total for (total,) in rows) == [0, 10**8, 10**13]
    executed = judge.execute("SELECT sum(executed_lots) FROM orders").fetchone()
    assert executed == judge.execute("SELECT sum(lots) FROM trades").fetchone()
    judge.close()
    exchange.close()


@pytest.mark.parametrize("wish", [{"seed": 8}, {"structure": 0.4}])
def test_a_ledger_of_another_market_is_refused(path, wish, opened):
    opened(path).close()
    with pytest.raises(ConfigurationError, match="belongs to another market"):
        opened(path, **wish)
    opened(path).close()


def test_a_ledger_serves_one_exchange_at_a_time(path, opened):
    exchange = opened(path)
    with pytest.raises(ConfigurationError, match="is in use"):
        opened(path)
    exchange.close()
    opened(path).close()


def test_a_file_that_is_no_ledger_is_refused(path, opened):
    path.parent.mkdir()
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(ConfigurationError, match="Cannot open the ledger"):
        opened(path)
    assert path.read_bytes().startswith(b"this is not")
    with pytest.raises(ConfigurationError, match="expected a file"):
        opened(path.parent)


def test_a_symbol_with_orders_cannot_be_unlisted(path, desk, opened):
    exchange = opened(path)
    trade_a_little(exchange, desk)
    exchange.close()
    with pytest.raises(ConfigurationError, match="has orders in SOLUSDT"):
        opened(path, symbols=("BTCUSDT",))


def test_a_new_account_joins_an_old_ledger(path, opened):
    from trading_assets.exchange.config import AccountConfig  # noqa: PLC0415

    opened(path).close()
    both = (AccountConfig(), AccountConfig("second", "k2", "s2"))
    exchange = opened(path, accounts=both)
    assert exchange.venue.accounts.total("USDT") == 2 * 10**13
    exchange.close()


def test_records_from_the_future_are_refused(path):
    exchange = Exchange(ExchangeConfig(ledger=path))
    exchange.ledger.record_time(exchange.clock.now() + 10**12)
    exchange.ledger.close()
    with pytest.raises(ConfigurationError, match="from the future"):
        Exchange(ExchangeConfig(ledger=path))


def test_a_restart_keeps_what_is_taken_of_the_present_book_and_the_counts(path, desk, opened):
    first = opened(path)
    desk.venue, desk.now = first.venue, first.settled_now()
    best = desk.book("SOLUSDT").asks[0].lots
    desk.place("SOLUSDT", "BUY", lots=best + 1)
    desk.place("SOLUSDT", "BUY", lots=1_000, ticks=5_000)
    left = [level.lots for level in desk.book("SOLUSDT").asks]
    assert left[0] == 0
    first.ledger.record(first.venue, desk.now)
    first.ledger.close()
    desk.venue = opened(path).venue
    assert [level.lots for level in desk.book("SOLUSDT").asks] == left
    assert desk.venue.order_meter.counts("demo", desk.now) == (1, 1)

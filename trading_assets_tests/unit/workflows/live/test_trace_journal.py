"""A changed row is found by its number, and flags what rests on it; orders are decided again."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    OrderIntentCreated,
    OrderReported,
    OrderSubmitted,
    SessionOpened,
    SignalRow,
)
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderReport, OrderStatus
from trading_assets.live.session import Session
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.release_parts import machine_factory, release_terms, session_setup
from trading_assets.workflows.trace_journal import JournalStory
from trading_assets_tests.stand_ins.clock import JumpingClock

BTC = symbol_from_text("BTCUSDT")
START, BAR = 1_711_929_600_000_000, 300_000_000  # 2024-04-01
SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [BTCUSDT]\ncash: 1000\n"
    "sizing: {mode: fixed, qty: 0.01}\n"
)


@pytest.fixture
def book(tmp_path):
    """A book that goes in and out of the market at every bar; its place and its terms."""
    place = live_book(load_settings({"TA_HOME": str(tmp_path)}).settings, "paper")
    grid = Instrument(BTC, "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"))
    spec = parse_spec(SPEC, where="mine.yaml")
    release = Release("0123456789abcdef", "paper", Path(), {}, spec, (grid,))
    session = Session(session_setup(place, release), machine_factory(release).new())
    with Journal(place.folder, book="paper", epoch="wall", clock=JumpingClock(5)) as journal:

        def happen(event):
            session.handle(event)
            derived = session.take_derived()
            journal.append([event, *derived])
            return derived

        balance = Balance("USDT", Decimal(1000), Decimal(0))
        happen(SessionOpened(START, "paper", release.release_id, (balance,)))
        columns = session.setup.signal_columns
        for number in range(6):
            ts, target = START + number * BAR, float(number % 2 == 0)
            row = SignalRow(BTC, ts, (target, *(float("nan"),) * (columns - 1)), f"h{number}")
            bar = Bar(BTC, ts, 100.0, 101.0, 99.0, 100.0, 5.0, 500.0, 9)
            for event in happen(BarReady(ts, (bar,), (row,))):
                if isinstance(event, OrderIntentCreated):
                    _filled(happen, event.ticket, ts + BAR, number)
    return place, release_terms(place, release)


def _filled(happen, ticket, ts, number):
    name, quantity = ticket.client_order_id, ticket.quantity
    happen(OrderSubmitted(ts, name, ts, 5000))
    fill = Fill(BTC, f"t{number}", name, f"v{number}", ticket.side, Decimal(100), quantity,
                Decimal(0), "USDT", ts)  # fmt: skip
    happen(OrderFilled(ts, fill))
    report = OrderReport(name, f"v{number}", BTC, ticket.side, OrderStatus.FILLED, quantity,
                         quantity, quantity * 100, ts)  # fmt: skip
    happen(OrderReported(ts, report))


def _story(book, journal):
    _, terms = book
    story = JournalStory(journal)
    return story, story.decided_again(terms, lambda _: terms)


def _change(place, kind, which, old, new):
    """Change one row of a kind behind the journal's back, and give its number."""
    with closing(sqlite3.connect(place.folder / "journal.sqlite")) as db, db:
        db.execute("DROP TRIGGER never_changed")
        rows = db.execute("SELECT seq, body FROM event WHERE kind = ?", (kind,)).fetchall()
        seq, body = rows[which]
        assert old in body
        db.execute("UPDATE event SET body = ? WHERE seq = ?", (body.replace(old, new), seq))
        return seq


def test_a_whole_journal_is_decided_again_and_its_orders_have_all_their_names(book):
    with book[0].journal() as journal:
        story, again = _story(book, journal)
        assert len(story.orders) >= 4
        assert again == dict.fromkeys(story.orders, "")
        assert (story.damaged, story.replay_ended) == ({}, "")
        for name, order in story.orders.items():
            assert isinstance(order.cause[1], BarReady)
            assert story.damage_before(order) == {}
            assert story.by_venue_id[order.venue_order_id] == (name,)
            assert story.by_venue_id[order.fills[0].trade_id] == (name,)
            assert (order.reported, order.release_id) == ("FILLED", "0123456789abcdef")
            assert len(order.rows) == 4
        assert list(story.bars[BTC]) == [START + n * BAR for n in range(6)]


def test_a_changed_fill_flags_its_order_and_every_later_decision(book):
    seq = _change(book[0], "OrderFilled", 1, b'"price":"100"', b'"price":"101"')
    with book[0].journal() as journal:
        story, _ = _story(book, journal)
    assert list(story.damaged) == [seq]
    assert "a OrderFilled with checksum" in story.damaged[seq]
    flagged = [name for name, order in story.orders.items() if story.damage_before(order)]
    assert flagged == list(story.orders)[1:]


def test_a_changed_signal_is_a_changed_row_and_another_decision(book):
    seq = _change(book[0], "BarReady", 2, b'"values":[1.0', b'"values":[0.0')
    with book[0].journal() as journal:
        story, again = _story(book, journal)
    assert list(story.damaged) == [seq]
    names = list(story.orders)
    decided = [name for name, order in story.orders.items() if order.cause[0] == seq]
    assert again[decided[0]] == "decided now: nothing"
    assert all(again[name] == "" for name in names[: names.index(decided[0])])
    assert story.replay_ended  # fills of an order that nobody sent


def test_a_row_that_is_no_event_any_more_ends_the_replay_and_hides_nothing_before_it(book):
    seq = _change(book[0], "OrderFilled", 2, b'"fill"', b'"full"')
    with book[0].journal() as journal:
        story, again = _story(book, journal)
    assert list(story.damaged) == [seq]
    assert [*again] == [name for name, order in story.orders.items() if order.seq < seq]
    assert "cannot go on" in story.replay_ended


def test_a_missing_row_is_found(book):
    with closing(sqlite3.connect(book[0].folder / "journal.sqlite")) as db, db:
        db.execute("DROP TRIGGER never_removed")
        (seq,) = db.execute("SELECT max(seq) FROM event WHERE kind = 'EquityMarked'").fetchone()
        db.execute("DELETE FROM event WHERE seq = ?", (seq,))
    with JournalReader(book[0].folder) as journal:
        story = JournalStory(journal)
    assert list(story.damaged) == [seq + 1]
    assert "rows between them are missing" in story.damaged[seq + 1]

"""A changed row is found by its number, and flags what rests on it; orders are decided again."""

import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.events import BarReady
from trading_assets.settings import load_settings
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.release_parts import release_terms
from trading_assets.workflows.trace import trace_order
from trading_assets.workflows.trace_journal import JournalStory
from trading_assets_tests.stand_ins.written_book import (
    BAR,
    BTC,
    START,
    release_of_btc,
    written_book,
)


@pytest.fixture
def book(tmp_path):
    """A book that goes in and out of the market at every bar; its place and its terms."""
    place = live_book(load_settings({"TA_HOME": str(tmp_path)}).settings, "paper")
    return place, _traded(place)


def _traded(place):
    release = release_of_btc()
    with written_book(place, release) as written:
        for number in range(6):
            for ticket in written.bar(number, float(number % 2 == 0), 100.0):
                written.fill(ticket, START + (number + 1) * BAR, f"t{number}", Decimal(100))
    return release_terms(place, release)


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


def test_a_column_of_another_type_is_damage_too(book):
    with closing(sqlite3.connect(book[0].folder / "journal.sqlite")) as db, db:
        db.execute("ALTER TABLE event RENAME TO strict")  # only a broken disk gets past its types
        db.execute("CREATE TABLE event AS SELECT * FROM strict")
        db.execute("UPDATE event SET body = CAST(body AS TEXT) WHERE seq = 4")
    with JournalReader(book[0].folder) as journal:
        assert list(JournalStory(journal).damaged) == [4]


def test_an_id_that_orders_of_two_books_have_means_none_of_them(make_desk):
    desk = make_desk(TA_BOOKS__OTHER__VENUE="simulated", TA_BOOKS__OTHER__ACCOUNT="other")
    for name in ("paper", "other"):
        _traded(live_book(desk.settings, name))
    live_book(desk.settings, "demo").folder.mkdir(parents=True)  # it has not traded yet
    with pytest.raises(MissingPartition, match=r"of book other, .* of book paper"):
        trace_order(desk, "BTCUSDT:t0")

"""The journal loses nothing, doubles nothing, and notices when somebody else did."""

from __future__ import annotations

import shutil
import sqlite3
from decimal import Decimal

import pytest

from trading_assets.domain.account import Fill
from trading_assets.domain.errors import InvariantError, LeaseHeld, RecoveryError
from trading_assets.domain.events import (
    OrderFilled,
    OrderIntentCreated,
    OrderSubmitted,
    SessionClosed,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import FILE, JournalReader

NOW = 1_700_000_000_000_000


class _Clock:
    def now(self):
        return NOW

    def wait(self, seconds):
        raise AssertionError("nothing waits here")


def _journal(folder, book="demo", epoch="wall"):
    return Journal(folder, book=book, epoch=epoch, clock=_Clock(), holder="test")


def _intent(cid="ta-1", ts=1):
    ticket = OrderTicket(
        cid,
        "ema",
        "SOLUSDT",
        OrderSide.BUY,
        OrderType.MARKET,
        TimeInForce.GTC,
        Decimal("1.500"),
        ts,
    )
    return OrderIntentCreated(ts, ticket, 7)


def _fill(trade_id="1", symbol="SOLUSDT", ts=1):
    fill = Fill(
        symbol,
        trade_id,
        "ta-1",
        "v1",
        OrderSide.BUY,
        Decimal("100.01"),
        Decimal("1.5"),
        Decimal("0.0015"),
        "SOL",
        ts,
    )
    return OrderFilled(ts, fill)


def _written(folder, count=20):
    with _journal(folder) as journal:
        for ts in range(1, count + 1):
            journal.append([TradingHalted(ts, f"reason {ts}")])
    return folder


def test_rows_come_back_in_order_with_their_numbers(tmp_path):
    with _journal(tmp_path) as journal:
        journal.append([_intent(), OrderSubmitted(2, "ta-1", 3, 5000)])
        assert journal.append([_fill()]) == 3
        assert journal.head == 3

        assert list(journal.read()) == [
            (1, _intent()),
            (2, OrderSubmitted(2, "ta-1", 3, 5000)),
            (3, _fill()),
        ]
        assert [row.seq for row in journal.rows(since=2)] == [3]
        assert [row.client_order_id for row in journal.rows()] == ["ta-1"] * 3
        assert [row.kind for row in journal.tail(2)] == ["OrderSubmitted", "OrderFilled"]


def test_a_reader_sees_what_the_writer_committed_and_writes_nothing(tmp_path):
    with _journal(tmp_path) as journal:
        journal.append([_intent()])
        with JournalReader(tmp_path) as reader:
            assert [event for _, event in reader.read()] == [_intent()]
            assert reader.verify().seq == 1
            assert (reader.book, reader.epoch) == ("demo", "wall")
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader._db.execute("DELETE FROM event")


def test_a_journal_continues_where_it_ended(tmp_path):
    _written(tmp_path, 3)
    with _journal(tmp_path) as journal:
        assert journal.append([SessionClosed(9, "done")]) == 4
        assert journal.lease == 2
        assert [row.lease for row in journal.rows()] == [1, 1, 1, 2]
        journal.verify()


def test_an_intent_is_created_once_for_ever(tmp_path):
    with _journal(tmp_path) as journal:
        journal.append([_intent()])
        with pytest.raises(InvariantError, match="already"):
            journal.append([SessionClosed(1, "with it"), _intent(ts=2)])

        assert journal.head == 1
        assert journal.append([SessionClosed(1, "alone")]) == 2


def test_a_fill_is_booked_once_per_symbol_and_trade_id(tmp_path):
    with _journal(tmp_path) as journal:
        journal.append([_fill("1"), _fill("1", symbol="BTCUSDT"), _fill("2")])
        with pytest.raises(InvariantError, match="already"):
            journal.append([_fill("2", ts=5)])


def test_the_older_of_two_writers_is_fenced_out(tmp_path):
    first = _journal(tmp_path)
    first.append([_intent()])
    second = _journal(tmp_path)

    with pytest.raises(LeaseHeld, match="Another executor"):
        first.append([SessionClosed(1, "late")])
    with pytest.raises(RecoveryError, match="cannot be written"):
        first.append([SessionClosed(1, "still")])

    assert second.append([SessionClosed(2, "mine")]) == 2
    first.close()
    second.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET ts = 0",
        "DELETE FROM event WHERE seq = 1",
        "INSERT INTO event SELECT seq + 5, ts, recorded, lease, kind, '', '', '', body, crc "
        "FROM event WHERE seq = 1",
    ],
)
def test_obs_06_rows_are_appended_and_nothing_else(tmp_path, statement):
    with _journal(_written(tmp_path, 2)) as journal, pytest.raises(sqlite3.IntegrityError):
        journal._db.execute(statement)


def test_another_book_and_another_clock_are_refused(tmp_path):
    _written(tmp_path)
    with pytest.raises(RecoveryError, match="another book"):
        _journal(tmp_path, book="paper")
    with pytest.raises(RecoveryError, match="another clock epoch"):
        _journal(tmp_path, epoch="virtual 2024-04-01 x600")


def test_no_journal_is_said_so(tmp_path):
    with pytest.raises(RecoveryError, match="No journal"):
        JournalReader(tmp_path)


def _tamper(folder, statement):
    db = sqlite3.connect(folder / FILE, isolation_level=None)
    for name in ("never_changed", "never_removed", "fenced", "gapless"):
        db.execute(f"DROP TRIGGER {name}")
    db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = CAST(replace(body, 'reason 7', 'reason 8') AS BLOB) WHERE seq = 7",
        "UPDATE event SET ts = ts + 1 WHERE seq = 7",
        "UPDATE event SET recorded = recorded + 1 WHERE seq = 7",
        "UPDATE event SET lease = 2 WHERE seq = 7",
        "UPDATE event SET kind = 'TradingResumed' WHERE seq = 7",
        "UPDATE event SET symbol = 'A' WHERE seq = 7",
        "UPDATE event SET trade_id = 'A' WHERE seq = 7",
        "UPDATE event SET client_order_id = 'A' WHERE seq = 7",
        "UPDATE event SET crc = crc + 1 WHERE seq = 7",
        "DELETE FROM event WHERE seq = 7",
        "DELETE FROM event WHERE seq = 1",
    ],
)
def test_an_altered_or_missing_row_is_found(tmp_path, statement):
    _tamper(_written(tmp_path), statement)

    with pytest.raises(RecoveryError, match="damaged after row"):
        _journal(tmp_path)


def test_rows_lost_at_the_end_are_missed_by_the_watermark(tmp_path):
    _tamper(_written(tmp_path), "DELETE FROM event WHERE seq > 18")

    with pytest.raises(RecoveryError, match="lost its last rows"):
        _journal(tmp_path)


def test_a_journal_that_vanished_is_missed_by_the_watermark(tmp_path):
    (_written(tmp_path) / FILE).unlink()

    with pytest.raises(RecoveryError, match="lost its last rows"):
        _journal(tmp_path)


def test_a_watermark_that_vanished_stops_the_start(tmp_path):
    (_written(tmp_path) / "watermark").unlink()

    with pytest.raises(RecoveryError, match="watermark"):
        _journal(tmp_path)


def test_an_older_copy_of_the_journal_beside_newer_witnesses_is_refused(tmp_path):
    folder = _written(tmp_path / "book", 5)
    shutil.copy(folder / FILE, tmp_path / "old")
    with _journal(folder) as journal:
        journal.append([SessionClosed(9, "after the copy")])
        journal.save_snapshot(b"state")
    shutil.copy(tmp_path / "old", folder / FILE)

    with pytest.raises(RecoveryError, match="lost its last rows"):
        _journal(folder)


def test_a_journal_of_another_history_does_not_fit_its_snapshot(tmp_path):
    folder = _written(tmp_path / "book", 5)
    with _journal(folder) as journal:
        journal.save_snapshot(b"state")
    other = tmp_path / "other"
    with _journal(other) as journal:
        journal.append([TradingHalted(1, "another life")] * 5)
    for name in (FILE, "watermark"):
        shutil.copy(other / name, folder / name)

    with pytest.raises(RecoveryError, match="not the one that snapshot 5"):
        _journal(folder)


def test_no_truncation_of_the_write_ahead_log_is_accepted_below_the_watermark(tmp_path):
    folder = tmp_path / "book"
    journal = _journal(folder)
    for ts in range(1, 9):
        journal.append([TradingHalted(ts, "reason")])
    wal = (folder / f"{FILE}-wal").read_bytes()
    refused = 0
    for size in range(0, len(wal), 509):
        copy = tmp_path / f"copy-{size}"
        shutil.copytree(folder, copy)
        (copy / f"{FILE}-wal").write_bytes(wal[:size])
        (copy / f"{FILE}-shm").unlink()
        with pytest.raises(RecoveryError):
            JournalReader(copy).verify()
        refused += 1
    journal.close()

    assert refused > 20


def test_a_bit_flipped_in_the_log_never_shortens_history_silently(tmp_path):
    folder = tmp_path / "book"
    journal = _journal(folder)
    for ts in range(1, 9):
        journal.append([TradingHalted(ts, "reason")])
    wal = (folder / f"{FILE}-wal").read_bytes()
    whole = [row.body for row in journal.rows()]
    for position in range(32, len(wal), 1511):
        copy = tmp_path / f"copy-{position}"
        shutil.copytree(folder, copy)
        data = bytearray(wal)
        data[position] ^= 1 << (position % 8)
        (copy / f"{FILE}-wal").write_bytes(bytes(data))
        (copy / f"{FILE}-shm").unlink()
        try:
            reader = JournalReader(copy)
            reader.verify()
            assert [row.body for row in reader.rows()] == whole
        except RecoveryError:
            pass
    journal.close()


def test_a_disk_that_refuses_stops_the_journal_and_keeps_what_was_there(tmp_path):
    with _journal(tmp_path) as journal:
        journal.append([_intent()])
        (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
        journal._db.execute(f"PRAGMA max_page_count = {pages}")
        long = TradingHalted(1, "a reason of some length " * 4000)
        with pytest.raises(RecoveryError, match="cannot be written"):
            journal.append([long])
        with pytest.raises(RecoveryError, match="cannot be written"):
            journal.append([SessionClosed(1, "small")])
        head = journal.head
    with _journal(tmp_path) as again:
        assert again.head == head
        assert again.append([SessionClosed(1, "space again")]) == head + 1


def test_a_snapshot_is_found_again_and_the_log_is_folded(tmp_path):
    with _journal(tmp_path) as journal:
        assert journal.latest_snapshot() is None
        journal.append([_intent()])
        journal.save_snapshot(b"\x00engine bytes\n\xff")
        journal.append([_fill()])

        assert journal.latest_snapshot() == (1, b"\x00engine bytes\n\xff")
        journal.save_snapshot(b"later")
        assert (tmp_path / f"{FILE}-wal").stat().st_size == 0
    with _journal(tmp_path) as journal:
        assert journal.latest_snapshot() == (2, b"later")


def test_a_backup_is_whole_and_lacks_only_what_came_after(tmp_path):
    with _journal(tmp_path / "book") as journal:
        journal.append([_intent(), _fill()])
        journal.save_snapshot(b"state")
        journal.append([SessionClosed(3, "later")])
        with JournalReader(tmp_path / "book") as reader:
            assert reader.backup(tmp_path / "copy") == 3
        journal.append([SessionClosed(4, "after")])
    with _journal(tmp_path / "copy") as copy:
        assert copy.head == 3
        assert copy.latest_snapshot() == (2, b"state")
        assert copy.of_order("ta-1") == (_intent(), _fill())
    with pytest.raises(FileExistsError), JournalReader(tmp_path / "book") as reader:
        reader.backup(tmp_path / "copy")


def test_the_newest_event_of_a_kind_is_found(tmp_path):
    with JournalReader(_written(tmp_path, 3)) as reader:
        assert reader.latest("TradingHalted") == TradingHalted(3, "reason 3")
        assert reader.latest("SessionOpened") is None


def test_rows_are_found_by_market_time(tmp_path):
    _written(tmp_path, 10)
    with JournalReader(tmp_path) as reader:
        assert [row.seq for row in reader.between(3, 6)] == [3, 4, 5]

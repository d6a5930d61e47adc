"""Old rows need no second proof while not a byte of the database has changed since a snapshot."""

from __future__ import annotations

import json
import shutil
import struct
from contextlib import closing

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import TradingHalted
from trading_assets.storage import journal_reader
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_files import Mark, Watermark
from trading_assets.storage.journal_reader import FILE, SEAL, JournalReader


class Clock:
    def now(self):
        return 5

    def wait(self, seconds):
        raise AssertionError


def journal_at(folder):
    return Journal(folder, book="demo", epoch="wall", clock=Clock())


def write(journal, *numbers):
    for number in numbers:
        journal.append([TradingHalted(number, f"reason {number} " + "x" * 300)])


@pytest.fixture
def proven(monkeypatch):
    """Numbers of the rows whose checksums are computed, to write them or to prove them."""
    numbers = []
    honest = journal_reader._crc

    def chained(row, previous):
        numbers.append(row[0])
        return honest(row, previous)

    monkeypatch.setattr(journal_reader, "_crc", chained)
    return numbers


@pytest.fixture
def folder(tmp_path):
    """Thirty rows, a snapshot, and two rows after it; the process was killed."""
    with journal_at(tmp_path / "living") as journal:
        write(journal, *range(30))
        journal.save_snapshot(b"state")
        write(journal, 30, 31)
        return _killed(journal, tmp_path / "dead")


def _killed(journal, target):
    """Give the files as a process that was killed now would leave them: nothing is folded in."""
    shutil.copytree(journal.folder, target)
    return target


def end_of(folder):
    with JournalReader(folder) as reader:
        return reader.verify().seq


def test_only_rows_after_the_snapshot_are_proven_one_by_one(folder, proven):
    assert end_of(folder) == 32
    assert proven == [31, 32]


def test_a_start_does_not_break_the_seal(folder, tmp_path, proven):
    with journal_at(folder) as journal:
        write(journal, 32)
        again = _killed(journal, tmp_path / "again")
    proven.clear()

    assert end_of(again) == 33
    assert proven == [31, 32, 33]


def test_a_newer_snapshot_seals_what_it_has_seen(folder, proven):
    with journal_at(folder) as journal:
        journal.save_snapshot(b"later")
    proven.clear()

    assert end_of(folder) == 32
    assert proven == []


def test_any_byte_that_changes_has_every_row_proven(folder, proven):
    path = folder / FILE
    data = bytearray(path.read_bytes())
    at = data.index(b"reason 3 ")
    data[at + 7] = ord("4")
    path.write_bytes(data)

    with pytest.raises(RecoveryError, match="damaged after row 3"):
        end_of(folder)
    assert proven == [1, 2, 3, 4]


def test_a_change_that_hurts_no_row_costs_the_long_proof_only(folder, proven):
    path = folder / FILE
    data = bytearray(path.read_bytes())
    data[60:64] = struct.pack(">I", 7)  # the user version in the header, which nobody reads
    path.write_bytes(data)

    assert end_of(folder) == 32
    assert proven == list(range(1, 33))


def test_a_witness_of_another_journal_is_noticed_below_the_seal_too(folder):
    watermark = Watermark(folder / "watermark")
    for _ in range(2):
        watermark.advance(Mark(5, 12345))
    watermark.close()

    with pytest.raises(RecoveryError, match="the watermark"):
        end_of(folder)


def test_a_snapshot_beside_a_reader_in_the_middle_seals_nothing(tmp_path, proven):
    with journal_at(tmp_path / "living") as journal:
        write(journal, *range(5))
        with JournalReader(tmp_path / "living") as reader, closing(reader.rows()) as rows:
            next(rows)
            write(journal, 5)
            journal.save_snapshot(b"state")
            dead = _killed(journal, tmp_path / "dead")
    proven.clear()

    assert end_of(dead) == 6
    assert proven == [1, 2, 3, 4, 5, 6]


def test_a_seal_outlives_the_snapshots(folder, proven):
    for path in folder.glob("snapshot-*.bin"):
        path.unlink()

    assert end_of(folder) == 32
    assert proven == [31, 32]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"seq": 30}',
        b'{"seq": null, "chain": 1, "size": 1, "crc": 1}',
        b'{"seq": Infinity, "chain": 1, "size": 1, "crc": 1}',
        b'{"seq": 99999999999999999999, "chain": 1, "size": 1, "crc": 1}',
        b'{"seq": -1, "chain": 1, "size": 1, "crc": 1}',
    ],
)
def test_a_seal_that_cannot_be_read_costs_the_long_proof_only(folder, proven, data):
    (folder / SEAL).write_bytes(data)

    assert end_of(folder) == 32
    assert proven == list(range(1, 33))


def test_a_seal_with_another_chain_value_proves_nothing(folder, proven):
    values = json.loads((folder / SEAL).read_bytes())
    (folder / SEAL).write_text(json.dumps(values | {"chain": values["chain"] ^ 1}))

    assert end_of(folder) == 32
    assert proven == list(range(1, 33))

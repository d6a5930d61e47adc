"""The journal on the command line: it is proven, shown and copied."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import OrderRefused, SessionOpened, TradingHalted
from trading_assets.interfaces.cli.main import app
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import FILE, JournalReader


class _Clock:
    def now(self):
        return 5

    def wait(self, seconds):
        raise AssertionError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    folder = tmp_path / "data" / "live" / "paper"
    with Journal(folder, book="paper", epoch="wall", clock=_Clock()) as journal:
        journal.append([SessionOpened(1_711_929_600_000_000, "paper", "r1", ())])
        journal.append([TradingHalted(1_711_929_660_000_000, "somebody said so")])
    return folder


def _run(*arguments):
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_whole_journal_is_said_so(folder):
    assert "2 rows, whole" in _run("journal", "verify")


def test_an_index_that_has_lost_an_order_is_found_though_every_row_is_whole(folder):
    order = "ta-0123456789abcdef"
    with Journal(folder, book="paper", epoch="wall", clock=_Clock()) as journal:
        journal.append([OrderRefused(1_711_929_720_000_000, order, -2010, "no")])
    _damage_index(folder / FILE, "by_order", order.encode())

    with JournalReader(folder) as reader:
        assert reader.verify().seq == 3
        assert reader.of_order(order) == ()
    with pytest.raises(RecoveryError, match=r"by_order") as caught:
        _run("journal", "verify")
    assert "REINDEX" in caught.value.fix


def _damage_index(path, index, text):
    """Alter a text in the pages of an index and leave those of the table as they are."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,))
        (size,) = db.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    at = data.index(text, (page[0] - 1) * size, page[0] * size)
    data[at + 5] ^= 1
    path.write_bytes(data)


def test_rows_are_shown_for_people_and_for_programs(folder):
    assert "2024-04-01 00:01:00.000 TradingHalted" in _run("journal", "tail", "-n", "1")
    lines = _run("journal", "show", "--json", "--kind", "TradingHalted").splitlines()

    assert len(lines) == 1
    assert json.loads(lines[0])["body"] == {
        "inbox_id": 0,
        "level": "HALT",
        "reason": "somebody said so",
        "source": "",
        "ts": 1_711_929_660_000_000,
    }
    assert _run("journal", "show", "--since", "2") == ""


def test_a_copy_is_whole(folder, tmp_path):
    assert "2 rows copied" in _run("journal", "backup", str(tmp_path / "copy"))
    with JournalReader(tmp_path / "copy") as reader:
        assert reader.verify().seq == 2


def test_a_book_without_a_journal_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    with pytest.raises(RecoveryError, match="No journal"):
        _run("journal", "verify")

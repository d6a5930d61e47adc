"""The inbox: many writers, one reader, and nothing in it changes or goes."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from trading_assets.domain.control import CommandKind, PersonCommand
from trading_assets.domain.errors import RecoveryError
from trading_assets.storage.inbox import FILE, Inbox


def _add(inbox, reason="said so", **arguments):
    return inbox.add(
        CommandKind.HALT_TRADING, asked=5, who="ann", reason=reason, source="cli",
        arguments=arguments,
    )  # fmt: skip


def test_commands_come_back_in_order_and_after_an_id(tmp_path):
    with Inbox(tmp_path) as inbox:
        first, second = _add(inbox, level="PAUSE"), _add(inbox, reason="x" * 1000)
        expected = PersonCommand(
            first, 5, CommandKind.HALT_TRADING, "ann", "said so", "cli", '{"level":"PAUSE"}'
        )
        assert inbox.after(0)[0] == expected
        assert [c.inbox_id for c in inbox.after(first)] == [second] == [inbox.last()]
        assert len(inbox.after(first)[0].reason) == 500


def test_what_many_write_at_once_is_all_there(tmp_path):
    def write(name):
        with Inbox(tmp_path) as inbox:
            for number in range(20):
                _add(inbox, reason=f"{name}{number}")

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Inbox(tmp_path) as inbox:
        found = inbox.after(0)
    assert sorted(c.reason for c in found) == sorted(f"{n}{i}" for n in "abcd" for i in range(20))
    assert [c.inbox_id for c in found] == list(range(1, 81))


@pytest.mark.parametrize("statement", ["UPDATE command SET who = 'bob'", "DELETE FROM command"])
def test_a_command_never_changes_nor_goes(tmp_path, statement):
    with Inbox(tmp_path) as inbox:
        _add(inbox)
    with pytest.raises(sqlite3.IntegrityError, match="commands"):
        sqlite3.connect(tmp_path / FILE).execute(statement)


def test_an_inbox_made_anew_goes_on_after_what_was_taken(tmp_path):
    with Inbox(tmp_path) as inbox:
        assert not inbox.begin_after(0)
        assert inbox.begin_after(7)
        assert _add(inbox) == 8
        assert not inbox.begin_after(8)


def test_a_damaged_inbox_is_said_so(tmp_path):
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(RecoveryError, match="HALT file"):
        Inbox(tmp_path)


def test_a_row_that_is_no_command_is_said_so(tmp_path):
    with Inbox(tmp_path) as inbox:
        sqlite3.connect(tmp_path / FILE, isolation_level=None).execute(
            "INSERT INTO command VALUES (1, 5, 'Nonsense', 'a', 'b', 'c', '{}')"
        )
        with pytest.raises(RecoveryError, match="Nonsense"):
            inbox.after(0)

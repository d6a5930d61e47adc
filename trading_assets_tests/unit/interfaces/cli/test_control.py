"""What people type to stop a book and to let it go on; nothing of it needs a running executor."""

from __future__ import annotations

from decimal import Decimal

import pytest
from typer.testing import CliRunner

from trading_assets.domain.control import CommandKind, HaltLevel, TightLimits
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import (
    LimitsTightened,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.interfaces.cli.control import app
from trading_assets.live.safety.latch import read_latch
from trading_assets.storage.inbox import Inbox
from trading_assets.storage.journal import Journal

ANN = ("--reason", "checked the fills", "--by", "ann")


class _Clock:
    def now(self):
        return 5

    def wait(self, seconds):
        raise AssertionError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    return tmp_path / "data" / "live" / "paper"


def _run(*arguments):
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _commands(folder):
    with Inbox(folder) as inbox:
        return [(c.kind, c.who, c.reason, c.source, c.arguments) for c in inbox.after(0)]


@pytest.mark.parametrize(
    ("arguments", "level", "kind"),
    [
        (("halt",), HaltLevel.HALT, CommandKind.HALT_TRADING),
        (("halt", "--pause"), HaltLevel.PAUSE, CommandKind.HALT_TRADING),
        (("flatten",), HaltLevel.FLATTEN, CommandKind.FLATTEN_ALL),
    ],
)
def test_a_halt_puts_the_latch_up_and_stands_in_the_inbox(folder, arguments, level, kind):
    said = _run(*arguments, *ANN)
    latched = read_latch(folder / "HALT")
    assert (latched.level, latched.reason, latched.who) == (level, "checked the fills", "ann")
    asked = (kind, "ann", "checked the fills", "cli", f'{{"level":"{level.name}"}}')
    assert _commands(folder) == [asked]
    assert "no entry leaves" in said
    assert "next start" in said


def test_a_halt_in_a_hurry_needs_no_words(folder):
    _run("halt")
    assert read_latch(folder / "HALT").reason == "no reason given"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cancel-all", CommandKind.CANCEL_ALL),
        ("reconcile", CommandKind.RECONCILE_STATE),
        ("snapshot", CommandKind.SAVE_SNAPSHOT),
    ],
)
def test_what_is_asked_of_a_book_stands_in_its_inbox(folder, name, kind):
    assert "command 1" in _run(name, *ANN)
    assert _commands(folder)[0][:2] == (kind, "ann")
    assert not (folder / "HALT").exists()
    with pytest.raises(ConfigurationError, match="needs a reason and a name"):
        _run(name, "--reason", " ", "--by", "ann")


@pytest.mark.parametrize(("typed", "symbol"), [("solusdt", "SOLUSDT"), ("all", "")])
def test_an_acknowledgement_stands_in_the_inbox_with_its_symbol(folder, typed, symbol):
    said = _run("acknowledge", typed, *ANN)

    asked = (CommandKind.ACKNOWLEDGE_SYMBOL, "ann", "checked the fills", "cli")
    assert _commands(folder) == [(*asked, f'{{"symbol":"{symbol}"}}')]
    assert "command 1. No executor runs" in said
    assert not (folder / "HALT").exists()


def test_an_acknowledgement_needs_a_reason_and_a_name(folder):
    for words in (("--reason", " ", "--by", "ann"), ("--reason", "seen", "--by", "")):
        with pytest.raises(ConfigurationError, match="needs a reason and a name"):
            _run("acknowledge", "SOLUSDT", *words)
    assert CliRunner().invoke(app, ["acknowledge", "SOLUSDT", "--by", "ann"]).exit_code == 2
    assert not (folder / "inbox.sqlite").exists() or _commands(folder) == []


def test_a_resume_shows_the_code_of_the_halt_and_takes_no_other(folder):
    code = _run("halt", *ANN).rsplit(" ", 1)[1].strip(" .\n")
    for wrong in ((), ("--confirm", "000000"), ("--yes", "demo")):
        with pytest.raises(ConfigurationError, match=code):
            _run("resume", *ANN, *wrong)
    _run("resume", *ANN, "--confirm", code.lower())
    _run("halt", *ANN)
    with pytest.raises(ConfigurationError, match="confirmation code"):
        _run("resume", *ANN, "--confirm", code)
    _run("resume", *ANN, "--yes", "paper")
    assert [row[0] for row in _commands(folder)][1::2] == [CommandKind.RESUME_TRADING] * 2


def test_a_book_that_halted_itself_is_resumed_by_what_its_journal_says(folder):
    with Journal(folder, book="paper", epoch="wall", clock=_Clock()) as journal:
        journal.append([SessionOpened(1, "paper", "r1", ()), TradingHalted(2, "drift")])
    with pytest.raises(ConfigurationError, match="drift"):
        _run("resume", *ANN)
    _run("resume", *ANN, "--yes", "paper")
    with Journal(folder, book="paper", epoch="wall", clock=_Clock()) as journal:
        journal.append([TradingResumed(3, "safe", "ann")])
    with pytest.raises(ConfigurationError, match="not halted"):
        _run("resume", *ANN, "--yes", "paper")


def test_a_resume_needs_a_reason_and_a_name(folder):
    _run("halt", *ANN)
    with pytest.raises(ConfigurationError, match="reason and a name"):
        _run("resume", "--reason", " ", "--by", "ann", "--yes", "paper")


def test_limits_are_tightened_and_never_loosened(folder):
    said = _run("tighten", *ANN, "--max-order-notional", "50", "--risk-multiplier", "0.5")
    assert "command 1" in said
    arguments = '{"max_order_notional":"50","risk_multiplier":"0.5"}'
    assert _commands(folder)[0][::4] == (CommandKind.TIGHTEN_LIMITS, arguments)
    with Journal(folder, book="paper", epoch="wall", clock=_Clock()) as journal:
        limits = TightLimits(max_order_notional=Decimal(50))
        journal.append([SessionOpened(1, "paper", "r1", ()), LimitsTightened(2, limits, 1)])
    with pytest.raises(ConfigurationError, match="only be tightened"):
        _run("tighten", *ANN, "--max-order-notional", "51")
    for wrong in ((), ("--risk-multiplier", "1.5"), ("--max-open-orders", "some")):
        with pytest.raises(ConfigurationError, match=r"limit|value"):
            _run("tighten", *ANN, *wrong)
    assert len(_commands(folder)) == 1

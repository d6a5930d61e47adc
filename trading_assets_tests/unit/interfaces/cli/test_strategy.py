"""What people type about one strategy of a book: it stands in the inbox, or says why it cannot."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from trading_assets.domain.control import CommandKind, StrategyLimits
from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.domain.strategy_events import StrategyStopped, StrategyTightened
from trading_assets.interfaces.cli.strategy import app
from trading_assets.storage.inbox import Inbox
from trading_assets_tests.stand_ins.pair_release import book_of_pair, published_pair
from trading_assets_tests.stand_ins.written_book import START

ANN = ("--reason", "thin market", "--by", "ann")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    return tmp_path / "data" / "live" / "paper"


def run(*arguments):
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def inbox(folder):
    with Inbox(folder) as opened:
        return [
            (command.kind, command.who, command.source, json.loads(command.arguments))
            for command in opened.after(0)
        ]


def test_ctl_04_ctl_05_ctl_06_commands_stand_in_the_inbox_of_a_book_that_has_not_begun(folder):
    published_pair()

    assert "command 1. No executor runs" in run("stop", "fast", *ANN)
    run("risk", "fast", "25", *ANN)
    run("alloc", "slow", "0.5", *ANN)

    tighten = CommandKind.TIGHTEN_LIMITS
    assert inbox(folder) == [
        (CommandKind.STOP_STRATEGY, "ann", "cli", {"strategy": "fast"}),
        (tighten, "ann", "cli", {"strategy": "fast", "risk_bps": "25"}),
        (tighten, "ann", "cli", {"strategy": "slow", "weight": "0.5"}),
    ]


def test_ctl_03_the_list_says_what_the_journal_says(folder):
    with book_of_pair() as book:
        book.happen(StrategyStopped(START, "fast", "earnings", "ann", 1))
        limits = StrategyLimits(Decimal("0.5"), Decimal(25))
        book.happen(StrategyTightened(START, "fast", limits, 2))

    fast, slow = json.loads(run("list", "--json"))

    assert [fast[key] for key in ("state", "by", "allocation_pct", "risk_bps")] == [
        "stopped", "ann", "30.0", "25",
    ]  # fmt: skip
    assert [slow[key] for key in ("state", "by", "allocation_pct", "risk_bps")] == [
        "running", "", "40", None,
    ]  # fmt: skip
    assert "earnings (ann)" in run("list")


def test_ctl_04_a_start_needs_a_stop_that_stands_in_the_journal(folder):
    with book_of_pair() as book:
        with pytest.raises(ConfigurationError, match="Nobody has stopped"):
            run("start", "fast", *ANN)
        book.happen(StrategyStopped(START, "fast", "earnings", "ann", 1))
        run("start", "fast", *ANN)
    assert [kind for kind, *_ in inbox(folder)] == [CommandKind.START_STRATEGY]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("stop", "other", *ANN), "no such strategy"),
        (("stop", "fast", "--reason", " ", "--by", "ann"), "needs a reason and a name"),
        (("risk", "fast", "100.1", *ANN), "can only be tightened"),
        (("risk", "slow", "1", *ANN), "not sized by a risk per trade"),
        (("alloc", "fast", "0.6", *ANN), "can only be tightened"),
        (("alloc", "fast", "some", *ANN), "Not a value of weight"),
    ],
)
def test_ctl_04_ctl_05_ctl_06_what_cannot_be_is_refused_at_once(folder, arguments, words):
    with book_of_pair() as book:
        book.happen(StrategyTightened(START, "fast", StrategyLimits(Decimal("0.5")), 1))
    with pytest.raises(ConfigurationError, match=words):
        run(*arguments)
    assert not (folder / "inbox.sqlite").exists() or inbox(folder) == []


def test_a_book_without_a_release_has_no_strategies(folder):
    with pytest.raises(MissingPartition):
        run("list")

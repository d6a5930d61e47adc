"""What a bot answers and does, over books with real inboxes and journals."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from trading_assets.bootstrap import desk
from trading_assets.domain.control import CommandKind, HaltLevel, StrategyLimits
from trading_assets.domain.strategy_events import StrategyStopped, StrategyTightened
from trading_assets.interfaces.telegram_bot.commands import BookCommands
from trading_assets.interfaces.telegram_bot.door import Person
from trading_assets.interfaces.telegram_bot.texts import status_text
from trading_assets.live.lease import Lease
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import load_settings
from trading_assets.storage.inbox import Inbox
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_status import BookStatus
from trading_assets_tests.stand_ins.pair_release import book_of_pair
from trading_assets_tests.stand_ins.written_book import BAR, START

ANN = Person(7, 7, "Ann")


class Bot:
    """The commands of the desk of a folder."""

    def __init__(self):
        self.desk = desk(load_settings().settings)
        self.commands = BookCommands(self.desk, lambda: "")

    def place(self, book="paper"):
        return live_book(self.desk.settings, book)

    def __call__(self, text):
        name, *words = text.split()
        return self.commands.answer(self.commands.by_name[name], ANN, words)

    def inbox(self, book="paper"):
        with Inbox(self.place(book).folder) as inbox:
            found = inbox.after(0)
        assert {(command.who, command.source) for command in found} <= {("7 Ann", "telegram")}
        return [(c.kind, c.reason, json.loads(c.arguments)) for c in found]

    def code(self, book="paper"):
        return self("halt " + book).split("/resume ")[1].split()[0]


@pytest.fixture
def bot(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    return Bot()


@pytest.fixture
def written(bot):
    """The journal of a running book `paper` that has bought for `slow` and lost a little."""
    with book_of_pair() as book, Lease(bot.place().lease):
        (ticket,) = book.bar(0, 1.0, 50_000.0, tag="slow")
        book.fill(ticket, START + BAR, "1", Decimal(50_000))
        book.bar(1, float("nan"), 49_000.0, tag="slow")
        yield book


def test_ctl_02_status_tells_health_latency_equity_by_strategy_and_positions(bot, written):
    told = bot("status paper")

    assert told.startswith("paper: gives no sign of life")
    assert "equity 996.00 USDT, drawdown 0.40%" in told
    assert "slow has earned -4.00" in told
    assert "slow 0.00400000 BTCUSDT (-4.00)" in told


def test_ctl_02_status_tells_what_holds_a_running_book_back():
    pauses = [{"symbol": "", "cause": "slo", "reason": "budget"}]
    book = {"equity": 10_000.0, "drawdown": 0.0, "positions": [], "pauses": pauses,
            "metrics": {"latency_ms_p95": 41.6}, "alerts": {"drift": "0.1 SOL"}}  # fmt: skip
    found = BookStatus(
        "paper", 1, "halted", "halted", "process 1", 2.0, "HALT", "news", 9, "r1", 12.0, 0.9, book,
        note="because of it",
    )  # fmt: skip
    assert status_text(found, {}, code="4F7A21", quote="USDT").splitlines() == [
        "paper: halted",
        "HALT: news. Its code is 4F7A21",
        "because: because of it",
        "release r1",
        "last bar closed 12 s ago",
        "from close to order 42 ms (p95)",
        "heartbeat 2 s ago",
        "entries of all symbols paused: slo",
        "ALERT drift: 0.1 SOL",
        "equity 10,000.00 USDT, drawdown 0.00%",
        "no position",
    ]


def test_ctl_02_status_of_all_books_tells_of_one_that_cannot_be_read(bot, written):
    folder = bot.place("demo").folder
    folder.mkdir(parents=True)
    (folder / "journal.sqlite").write_bytes(b"no database")

    told = bot("status")

    assert "paper: gives no sign" in told
    assert "demo: The watermark" in told or "demo: The journal" in told


def test_ctl_03_strategies_are_told_with_who_stopped_them(bot, written):
    written.happen(StrategyStopped(START, "fast", "earnings", "7 Ann", 1))
    written.happen(StrategyTightened(START, "fast", StrategyLimits(Decimal("0.5"), Decimal(25)), 2))

    assert bot("strategies").splitlines() == [
        "paper",
        "fast stopped: earnings (7 Ann)",
        "  30.0 % of 60 %, risk 25 bps of 100 bps",
        "slow running",
        "  40 % of 40 %",
    ]


def test_ctl_04_ctl_05_ctl_06_commands_to_one_strategy_stand_in_the_inbox(bot, written):
    assert "no entry of fast. Command 1. The executor takes it now." in bot("stop fast paper news")
    assert "risk_bps of fast is 25" in bot("risk fast 25")
    assert "weight of slow is 0.5" in bot("alloc slow 0.5 paper thin market")
    written.happen(StrategyStopped(START, "fast", "news", "7 Ann", 1))
    assert "may open positions" in bot("start fast they are out")

    tighten = CommandKind.TIGHTEN_LIMITS
    assert bot.inbox() == [
        (CommandKind.STOP_STRATEGY, "news", {"strategy": "fast"}),
        (tighten, "no reason given", {"strategy": "fast", "risk_bps": "25"}),
        (tighten, "thin market", {"strategy": "slow", "weight": "0.5"}),
        (CommandKind.START_STRATEGY, "they are out", {"strategy": "fast"}),
    ]


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("start fast", "Nobody has stopped strategy fast"),
        ("stop other", "no such strategy"),
        ("stop", "Say /stop NAME"),
        ("risk fast", "Say /risk NAME BPS"),
        ("risk fast 1000", "can only be tightened"),
        ("alloc fast 1.5", "Not a value of weight"),
        ("resume 123456 because", "No halt has this code"),
    ],
)
def test_ctl_04_ctl_05_ctl_06_what_cannot_be_is_refused(bot, written, text, refusal):
    assert refusal in bot(text)
    assert bot.inbox() == []


def test_ctl_04_a_start_needs_a_reason(bot, written):
    written.happen(StrategyStopped(START, "fast", "news", "7 Ann", 1))
    assert "needs a reason and a name" in bot("start fast paper")
    assert bot("start") == bot("help")


def test_ctl_07_orders_are_told_newest_first(bot, written):
    (line,) = bot("orders 1 paper").splitlines()[1:]
    assert line == "2024-04-01T00:00:00Z slow BUY 0.004 BTCUSDT at 50000 FILLED"


def test_a_halt_needs_no_words_and_is_of_all_that_run(bot, written):
    told = bot("halt")
    latched = read_latch(bot.place().halt)
    assert (latched.level, latched.source, latched.who) == (HaltLevel.HALT, "telegram", "7 Ann")
    assert told.startswith("paper: HALT, no entry leaves from now on")
    assert not bot.place("demo").halt.exists()


def test_a_halt_where_nothing_runs_is_of_every_book(bot):
    bot("halt")
    assert all(bot.place(book).halt.exists() for book in ("paper", "demo"))


def test_a_resume_needs_the_code_of_this_halt_and_a_reason(bot, written):
    code = bot.code()
    assert "reason and a name" in bot(f"resume {code}")
    other = "000000" if code != "000000" else "111111"
    refused = bot(f"resume {other} paper checked the fills")
    assert "halted (HALT)" in refused
    assert code not in refused
    assert "may open positions again" in bot(f"resume {code.lower()} checked the fills")
    kinds = [kind for kind, *_ in bot.inbox()]
    assert kinds == [CommandKind.HALT_TRADING, CommandKind.RESUME_TRADING]


def test_ctl_08_a_panic_flattens_every_book_that_runs_whatever_becomes_of_another(bot):
    with Lease(bot.place("paper").lease), Lease(bot.place("demo").lease):
        folder = bot.place("demo").folder
        folder.mkdir(parents=True)
        (folder / "inbox.sqlite").write_bytes(b"no database" * 100)
        asked, told = bot.commands.question_of_panic(), bot.commands.panic(ANN)

    assert asked == "Sell everything in paper, demo?"
    assert "paper: FLATTEN" in told
    assert "demo: RecoveryError: The inbox" in told
    for book in ("paper", "demo"):
        assert read_latch(bot.place(book).halt).level is HaltLevel.FLATTEN


def test_ctl_08_a_panic_where_nothing_runs_asks_for_nothing(bot):
    assert bot.commands.question_of_panic() == ""
    assert bot.commands.panic(ANN).startswith("No book runs")
    assert not bot.place().halt.exists()


def test_which_book_is_asked_where_it_is_not_clear(bot):
    assert "Which book? Name one of paper, demo" in bot("strategies")

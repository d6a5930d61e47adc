"""A person stops, empties and restarts a book while its executor trades at the real exchange."""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from datetime import date
from decimal import Decimal

import httpx
import pytest
from typer.testing import CliRunner

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import (
    BarReady,
    CommandReceived,
    OrderFilled,
    OrderIntentCreated,
    OrderSubmitted,
    Reconciled,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.order import OrderSide
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.domain.strategy_events import StrategyStopped
from trading_assets.interfaces.cli.control import app
from trading_assets.interfaces.telegram_bot.commands import BookCommands
from trading_assets.interfaces.telegram_bot.door import Person
from trading_assets.workflows.control_book import ask_book, halt_book, standing
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_status import live_status
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.resume_book import resume_book

pytestmark = pytest.mark.slow
BOOK = ("--book", "demo")
ANN = {"who": "ann", "reason": "a test", "source": "cli"}


def _entries(rig):
    return [o["client_order_id"] for o in rig.ledger()["orders"] if o["side"] == "BUY"]


def _held(events):
    """Give the value in quote of what the book's own executions have left of each symbol."""
    held, price = defaultdict(Decimal), {}
    for event in events:
        if isinstance(event, OrderFilled):
            fill = event.fill
            sign = 1 if fill.side is OrderSide.BUY else -1
            fee = fill.fee if fill.symbol.startswith(fill.fee_asset) else 0
            held[fill.symbol] += sign * fill.quantity - fee
            price[fill.symbol] = fill.price
    return {symbol: held[symbol] * price[symbol] for symbol in held}


def _bars_pass(rig, number):
    seen = rig.count(BarReady)
    rig.until(lambda: rig.count(BarReady) >= seen + number, f"{number} more bars")


def test_a_book_is_halted_flattened_and_resumed_while_it_trades(rig):
    process = rig.start()
    rig.until(lambda: max(_held(rig.events()).values(), default=0) > 100, "something held")

    halt_book(rig.desk, "demo", level=HaltLevel.HALT, **ANN)
    rig.until(lambda: rig.count(TradingHalted), "the halt in the journal")
    entries = _entries(rig)
    _bars_pass(rig, 4)
    assert _entries(rig) == entries

    halt_book(rig.desk, "demo", level=HaltLevel.FLATTEN, **ANN)
    rig.until(
        lambda: rig.count(TradingHalted) > 1 and max(_held(rig.events()).values()) < 5,
        "nothing held but dust",
    )
    _bars_pass(rig, 2)
    assert _entries(rig) == entries

    code = standing(live_book(rig.settings, "demo")).code
    with pytest.raises(ConfigurationError, match=code):
        resume_book(rig.desk, "demo", reason="safe", operator="ann", code="", source="cli")
    resume_book(rig.desk, "demo", reason="safe", operator="ann", code=code, source="cli")
    rig.until(lambda: rig.count(TradingResumed), "the resume in the journal")
    rig.until(lambda: len(_entries(rig)) > len(entries), "an entry after the resume")
    rig.stop(process)

    taken = [e.inbox_id for e in rig.events() if isinstance(e, CommandReceived)]
    assert taken == [1, 2, 3]
    assert rig.verdicts() == []


def _say(rig, *arguments):
    result = CliRunner().invoke(app, arguments, env=rig.environ, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_symbol_that_somebody_else_traded_is_acknowledged_at_the_command_line(rig):
    process = rig.start()
    rig.until(lambda: rig.count(OrderFilled), "a fill")
    trade = {"account": "demo", "symbol": "SOLUSDT", "side": "BUY", "quantity": "1.000"}
    wish = {"kind": "external_trade", **trade}
    httpx.post(f"{rig.exchange.url}/_sim/fault", json=wish).raise_for_status()
    _say(rig, "reconcile", "--reason", "a stranger", "--by", "ann", *BOOK)
    rig.until(lambda: rig.count(EntriesPaused), "the pause")
    seen = rig.until(lambda: live_status(rig.desk, "demo").book.get("pauses"), "it in the status")

    said = _say(rig, "acknowledge", "solusdt", "--reason", "by hand", "--by", "ann", *BOOK)
    rig.until(lambda: rig.count(EntriesAllowed), "the end of the pause")
    _say(rig, "acknowledge", "SOLUSDT", "--reason", "once more", "--by", "ann", *BOOK)
    rig.until(lambda: rig.count(CommandReceived) == 3, "the last command")
    rig.stop(process)

    assert "command 2. The executor takes it now." in said
    assert [(each["symbol"], each["cause"]) for each in seen] == [("SOLUSDT", "foreign")]
    (paused,) = [e for e in rig.events() if isinstance(e, EntriesPaused)]
    (allowed,) = [e for e in rig.events() if isinstance(e, EntriesAllowed)]
    assert (paused.symbol, paused.cause) == ("SOLUSDT", "foreign")
    assert (allowed.cause, allowed.reason, allowed.inbox_id) == ("foreign", "by hand (ann)", 2)
    refused = [e.refused for e in rig.events() if isinstance(e, CommandReceived)]
    assert refused == ["", "", "SOLUSDT waits for no acknowledgement"]


def test_a_latch_outlives_the_process_and_a_command_waits_for_the_next(rig):
    process = rig.start()
    rig.until(lambda: rig.count(OrderSubmitted), "an order")
    rig.kill(process)
    place = live_book(rig.settings, "demo")
    place.halt.touch()
    assert not ask_book(rig.desk, "demo", CommandKind.RECONCILE_STATE, **ANN).is_running
    compared = rig.count(Reconciled)

    process = rig.start()
    rig.until(lambda: rig.count(Reconciled) > compared + 1, "two comparisons after the restart")
    entries = _entries(rig)
    _bars_pass(rig, 3)
    rig.stop(process)

    (halted,) = [e for e in rig.events() if isinstance(e, TradingHalted)]
    assert (halted.level, halted.source) == (HaltLevel.HALT, "file")
    assert _entries(rig) == entries
    assert rig.verdicts() == []


def test_a_signal_halts_while_the_venue_is_frozen_and_is_journalled_when_it_thaws(rig):
    process = rig.start()
    rig.until(lambda: rig.count(OrderFilled), "a fill")
    httpx.post(f"{rig.exchange.url}/_sim/fault", json={"kind": "freeze"}).raise_for_status()
    place = live_book(rig.settings, "demo")
    process.send_signal(signal.SIGUSR1)
    began = time.monotonic()
    rig.until(lambda: place.latched() is not None, "the latch")
    assert time.monotonic() - began < 1.0
    rig.until(lambda: rig.count(TradingHalted), "the halt in the journal, without the venue")
    rig.clear_faults()
    entries = _entries(rig)
    _bars_pass(rig, 4)
    rig.stop(process)

    (halted,) = [e for e in rig.events() if isinstance(e, TradingHalted)]
    assert (halted.source, halted.level) == ("signal", HaltLevel.HALT)
    assert _entries(rig) == entries
    assert rig.verdicts() == []


@pytest.mark.long
def test_a_strategy_is_stopped_shrunk_and_started_by_a_bot_and_its_day_is_replayed_to_the_byte(rig):
    """Through the very commands of the bot; a process in between ends without a word."""
    commands, person = BookCommands(rig.desk, lambda: ""), Person(7, 7, "Ann")

    def say(text):
        name, *words = text.split()
        return commands.answer(commands.by_name[name], person, words)

    process = rig.start()
    rig.until(lambda: max(_held(rig.events()).values(), default=0) > 100, "something held")
    assert "no entry of eager" in say("stop eager demo a test")
    rig.until(lambda: rig.count(StrategyStopped), "the stop in the journal")
    entries = _entries(rig)
    _bars_pass(rig, 2)
    rig.kill(process)
    process = rig.start()
    rig.until(lambda: rig.count(SessionOpened) == 2, "the next process")
    _bars_pass(rig, 3)
    assert _entries(rig) == entries
    assert "eager stopped: a test (7 Ann)" in say("strategies demo")
    sold = [o for o in rig.ledger()["orders"] if o["side"] == "SELL"]
    assert sold, "exits go on"

    assert "weight of eager is 0.25" in say("alloc eager 0.25 demo")
    assert "may open positions again" in say("start eager demo it is over")
    rig.until(lambda: len(_entries(rig)) > len(entries) + 2, "entries after the start")
    assert "eager has earned" in say("status demo")
    rig.stop(process)

    smaller = {
        event.ticket.symbol: event.ticket.quantity
        for event in rig.events()
        if isinstance(event, OrderIntentCreated) and not event.ticket.reduce_only
    }
    larger = next(
        event.ticket
        for event in rig.events()
        if isinstance(event, OrderIntentCreated) and event.ticket.symbol in smaller
    )
    assert smaller[larger.symbol] < larger.quantity * Decimal("0.3")
    assert rig.verdicts() == []
    report = replay_live_day(rig.desk, "demo", date(2024, 4, 1))
    assert report.is_equal, report.differences
    assert report.decisions > 0

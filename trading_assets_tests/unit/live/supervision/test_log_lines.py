"""Each line has the same keys, and says of its row what people search for."""

from __future__ import annotations

from decimal import Decimal

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    OrderFilled,
    OrderIntentCreated,
    OrderRefused,
    OrderSubmitted,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.live.supervision.log_lines import LogLines

TS = 1_711_929_600_000_000
TICKET = OrderTicket(
    "ta_1", "mine", "BTCUSDT", OrderSide.SELL, OrderType.STOP_LIMIT, TimeInForce.GTC, Decimal(1),
    TS, Decimal("49000.10"), Decimal("49100.00"),
)  # fmt: skip


def _line(lines, event):
    return lines.line(event, seq=5, recorded=TS + 1, lease=3)


def test_obs_01_all_lines_have_the_same_keys():
    lines = LogLines("paper", lambda _: ())
    bar = _line(lines, BarReady(TS, (), ()))
    assert list(bar) == [
        "ts", "recorded", "level", "event", "book", "run_id", "seq", "oco_id", "order_ref",
        "symbol", "side", "prices", "reason",
    ]  # fmt: skip
    assert (bar["ts"], bar["run_id"], bar["oco_id"]) == (
        "2024-04-01T00:00:00.000000+00:00",
        "paper-3",
        None,
    )
    assert _line(lines, OrderIntentCreated(TS, TICKET, 1)).keys() == bar.keys()


def test_obs_01_what_an_order_was_decided_with_stands_in_each_of_its_lines(kit):
    lines = LogLines("paper", lambda _: ())
    _line(lines, OrderIntentCreated(TS, TICKET, 1))
    sent = _line(lines, OrderSubmitted(TS, "ta_1", TS, 5000))
    assert (sent["order_ref"], sent["symbol"], sent["side"]) == ("ta_1", "BTCUSDT", "SELL")
    assert sent["prices"] == {"limit": "49000.10", "stop": "49100.00"}
    refused = _line(lines, OrderRefused(TS, "ta_1", -2010, "no balance"))
    assert (refused["level"], refused["reason"]) == ("warning", "no balance")


def test_an_order_from_before_is_looked_up_in_the_journal():
    asked = []

    def of_order(name):
        asked.append(name)
        return (OrderIntentCreated(TS, TICKET, 1),)

    lines = LogLines("paper", of_order)
    for _ in range(2):
        assert _line(lines, OrderSubmitted(TS, "ta_1", TS, 5000))["symbol"] == "BTCUSDT"
    assert asked == ["ta_1"]


def test_a_fill_has_its_price(kit):
    fill = kit.fill(TICKET, 1, 1)
    line = _line(LogLines("paper", lambda _: ()), OrderFilled(TS, fill))
    assert line["prices"]["fill"] == f"{fill.price:f}"
    assert (line["symbol"], line["side"]) == ("BTCUSDT", "SELL")


def test_reasons_of_halts_and_dropped_decisions_are_there():
    lines = LogLines("paper", lambda _: ())
    halted = _line(lines, TradingHalted(TS, "lunch", HaltLevel.HALT, "cli"))
    assert (halted["level"], halted["reason"]) == ("error", "lunch")
    dropped = _line(lines, DecisionDropped(TS, "BTCUSDT", "mine", TS, "late_bar"))
    assert (dropped["symbol"], dropped["reason"]) == ("BTCUSDT", "late_bar")

"""Reports as Binance words them, and who hears them."""

import json

import pytest

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.faults.streams import USER_EVENTS, StreamFaults
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.streams.user_events import UserStreams, event_of
from trading_assets.exchange.venue.orders import Kind, Status, Tif, Trade
from trading_assets.exchange.venue.reports import (
    BalanceReport,
    Execution,
    ListReport,
    OrderReport,
    PositionReport,
)

TS = 1_709_294_400_123_456
MS = 1_709_294_400_123


class Ear:
    """Takes frames as a connection does."""

    def __init__(self, *, in_micros=False):
        self.in_micros = in_micros
        self.frames = []

    def push(self, text):
        self.frames.append(json.loads(text))


def order_report(**change):
    listing = listing_of("SOLUSDT")
    settings = {
        "account": "demo", "listing": listing, "order_id": 7, "client_order_id": "mine",
        "list_id": -1, "side": OrderSide.SELL, "kind": Kind.LIMIT, "tif": Tif.GTC, "lots": 2_500,
        "ticks": 12_345, "stop_ticks": 0, "quote_units": 0, "executed_lots": 0,
        "executed_units": 0, "status": Status.NEW, "placed_ts": TS - 9_000, "working_ts": 0,
        "is_resting": False, "execution": Execution.NEW, "trade": None, "cancel_id": None,
        "reason": "NONE", "execution_id": 11, "ts": TS,
    }  # fmt: skip
    return OrderReport(**settings | change)


def test_an_order_that_does_not_work_yet_has_no_working_time():
    event = event_of(order_report())
    assert "W" not in event
    assert (event["c"], event["C"], event["t"], event["n"], event["N"]) == (
        "mine",
        "",
        -1,
        "0",
        None,
    )
    assert (event["q"], event["p"], event["E"], event["O"]) == (
        "2.50000000",
        "123.45000000",
        MS,
        (TS - 9_000) // 1_000,
    )


def test_a_trade_says_price_fee_and_which_side_made_it():
    trade = Trade(
        symbol="SOLUSDT", trade_id=99, order_id=7, account="demo", side=OrderSide.SELL,
        ticks=12_350, lots=1_000, value_units=12_350_000_000, fee_units=12_350_000,
        fee_asset="USDT", ts=TS, is_maker=True,
    )  # fmt: skip
    event = event_of(
        order_report(
            execution=Execution.TRADE,
            status=Status.PARTIALLY_FILLED,
            executed_lots=1_000,
            executed_units=12_350_000_000,
            working_ts=TS - 9_000,
            is_resting=True,
            trade=trade,
        )
    )
    assert [event[name] for name in "lLYnNtmMw"] == [
        *("1.00000000", "123.50000000", "123.50000000", "0.12350000", "USDT", 99),
        *(True, True, True),
    ]
    assert (event["z"], event["Z"]) == ("1.00000000", "123.50000000")
    assert event["W"] == (TS - 9_000) // 1_000


def test_a_cancel_has_its_own_id_and_the_orders():
    event = event_of(order_report(execution=Execution.CANCELED, cancel_id="away"))
    assert (event["c"], event["C"], event["x"]) == ("away", "mine", "CANCELED")


def test_a_list_names_its_orders():
    report = ListReport(
        account="demo", symbol="SOLUSDT", list_id=3, client_list_id="both", contingency="OCO",
        status_type="EXEC_STARTED", order_status="EXECUTING", reason="NONE",
        orders=((7, "above"), (8, "below")), ts=TS,
    )  # fmt: skip
    assert event_of(report) == {
        "e": "listStatus", "E": MS, "s": "SOLUSDT", "g": 3, "c": "OCO", "l": "EXEC_STARTED",
        "L": "EXECUTING", "r": "NONE", "C": "both", "T": MS,
        "O": [{"s": "SOLUSDT", "i": 7, "c": "above"}, {"s": "SOLUSDT", "i": 8, "c": "below"}],
    }  # fmt: skip


def test_balances_and_their_changes():
    position = PositionReport("demo", TS, (("BTC", 5, 0), ("USDT", 10**8, 25 * 10**7)))
    assert event_of(position) == {
        "e": "outboundAccountPosition",
        "E": MS,
        "u": MS,
        "B": [
            {"a": "BTC", "f": "0.00000005", "l": "0.00000000"},
            {"a": "USDT", "f": "1.00000000", "l": "2.50000000"},
        ],
    }
    assert event_of(BalanceReport("demo", "BTC", -5, TS)) == {
        "e": "balanceUpdate",
        "E": MS,
        "a": "BTC",
        "d": "-0.00000005",
        "T": MS,
    }


def test_each_listener_of_an_account_hears_it_under_its_own_number():
    users, one, two, other = UserStreams(StreamFaults()), Ear(), Ear(in_micros=True), Ear()
    users.subscribe("demo", one, 0)
    users.subscribe("demo", two, 5)
    users.subscribe("second", other, 0)
    users.publish(BalanceReport("demo", "BTC", 1, TS))
    assert (one.frames[0]["subscriptionId"], one.frames[0]["event"]["T"]) == (0, MS)
    assert (two.frames[0]["subscriptionId"], two.frames[0]["event"]["T"]) == (5, MS * 1_000)
    assert other.frames == []
    users.unsubscribe("demo", one, 0)
    users.unsubscribe("demo", two, 5)
    users.publish(BalanceReport("demo", "BTC", 1, TS))
    assert len(one.frames) == len(two.frames) == 1
    assert users.is_heard
    users.unsubscribe("second", other, 0)
    assert not users.is_heard


@pytest.mark.parametrize(("arm", "heard"), [("gap", 0), ("duplicate", 2)])
def test_user_events_meet_the_faults_of_streams(arm, heard):
    faults, ear = StreamFaults(), Ear()
    users = UserStreams(faults)
    users.subscribe("demo", ear, 0)
    getattr(faults, arm)(USER_EVENTS, 1)
    users.publish(BalanceReport("demo", "BTC", 1, TS))
    assert len(ear.frames) == heard

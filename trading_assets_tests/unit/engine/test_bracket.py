"""Decisions of the bracket family, and what bars do to brackets."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.setup import FillRules, SignalFamily, Sizing, SizingMode
from trading_assets.records.codes import Cause, Leg, OrderState, Verdict

FLAT = (100.0, 100.5, 99.5, 100.0)
LONG = {"long_entry": 102.0, "sl_long": 98.0, "tp_long": 110.0}
SHORT = {"short_entry": 98.0, "sl_short": 102.0, "tp_short": 90.0}
ENTERED = (101.0, 103.0, 100.5, 102.0)  # reaches the long entry inside


def bracket(market, rows, signal, **options):
    """Signal at the first bar, then the rows."""
    signals = {0: signal} if "long_entry" in signal or "short_entry" in signal else signal
    return market(
        [FLAT, *rows], signals=signals, family=SignalFamily.BRACKET, **options
    )  # fmt: skip


def exits(machine):
    return [
        (Leg(fill["leg"]).name, float(fill["price"]))
        for fill in machine.fills
        if Leg(fill["leg"]) not in {Leg.ENTRY_LONG, Leg.ENTRY_SHORT}
    ]


@pytest.mark.parametrize(
    ("what", "bar", "expected"),
    [
        ("stop inside", (101, 102, 97, 99), ("STOP_LONG", 98.0)),
        ("gap through the stop", (95, 96, 94, 95), ("STOP_LONG", 95.0)),
        ("target inside", (105, 111, 104, 110), ("TARGET_LONG", 110.0)),
        ("opens through the target", (112, 113, 111, 112), ("TARGET_LONG", 112.0)),
        ("stop and target in one bar: the stop wins", (105, 111, 97, 100), ("STOP_LONG", 98.0)),
        ("opens through the target, stop later: target", (112, 113, 97, 99), ("TARGET_LONG", 112)),
        ("target touched", (105, 110, 104, 109), ("TARGET_LONG", 110.0)),
        ("stop touched", (101, 102, 98, 99), ("STOP_LONG", 98.0)),
    ],
)
def test_exits_of_a_long_bracket(market, what, bar, expected):
    machine = bracket(market, [ENTERED, bar], LONG).machine()

    assert exits(machine) == [expected], what
    assert machine.positions()[0].lots == 0


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((99, 103, 98.5, 101), ("STOP_SHORT", 102.0)),
        ((105, 106, 104, 105), ("STOP_SHORT", 105.0)),
        ((95, 96, 89, 91), ("TARGET_SHORT", 90.0)),
        ((88, 89, 87, 88), ("TARGET_SHORT", 88.0)),
        ((95, 103, 89, 95), ("STOP_SHORT", 102.0)),
    ],
)
def test_exits_of_a_short_bracket(market, bar, expected):
    entered = (99.0, 100.0, 97.0, 98.0)

    machine = bracket(market, [entered, bar], SHORT, margin=True).machine()

    assert exits(machine) == [expected]


def test_entry_gapped_over_fills_at_the_open(market):
    machine = bracket(market, [(104, 105, 103, 104)], LONG).machine()

    assert machine.fills["price"].tolist() == [104.0]


def test_exits_do_not_see_the_bar_of_their_entry(market):
    machine = bracket(market, [(101, 111, 97, 100)], LONG).machine()

    assert exits(machine) == []
    assert machine.positions()[0].lots == 1000


def test_exits_may_see_the_bar_of_their_entry_but_never_its_open(market):
    rules = FillRules(exits_in_entry_bar=True)
    both = bracket(market, [(101, 111, 97, 100)], LONG, rules=rules).machine()
    target = bracket(market, [(112, 113, 111, 112)], LONG, rules=rules).machine()

    assert exits(both) == [("STOP_LONG", 98.0)]
    assert target.fills["price"].tolist() == [112.0, 111.0]  # the worst that the bar can have given


def test_exits_sleep_until_the_entry_fills(market):
    desk = bracket(market, [(99, 99.5, 97, 98.5), (101, 111, 97, 100)], LONG)

    machine = desk.machine()

    assert exits(machine) == []
    assert [o.leg for o in machine.active_orders()] == [Leg.STOP_LONG, Leg.TARGET_LONG]


def test_one_exit_cancels_the_other(market):
    machine = bracket(market, [ENTERED, (105, 111, 104, 110), FLAT], LONG).machine()

    ends = {Leg(o["leg"]): (OrderState(o["state"]), Cause(o["cause"])) for o in machine.orders}
    assert ends[Leg.TARGET_LONG] == (OrderState.FILLED, Cause.FILLED)
    assert ends[Leg.STOP_LONG] == (OrderState.CANCELED, Cause.OCO)
    assert not machine.active_orders()


def test_one_entry_cancels_the_other_with_its_exits(market):
    machine = bracket(market, [ENTERED], {**LONG, **SHORT}, margin=True).machine()

    causes = {Leg(o["leg"]): Cause(o["cause"]) for o in machine.orders if o["state"]}
    assert causes[Leg.ENTRY_SHORT] is Cause.OCO
    assert causes[Leg.STOP_SHORT] is causes[Leg.TARGET_SHORT] is Cause.PARENT_GONE
    assert machine.positions()[0].lots == 1000


def test_both_entries_in_one_bar_long_was_submitted_first(market):
    machine = bracket(market, [(100, 103, 97, 100)], {**LONG, **SHORT}, margin=True).machine()

    assert machine.positions()[0].lots == 1000


def test_a_spot_account_takes_the_long_side_of_both(market):
    machine = bracket(market, [FLAT], {**LONG, **SHORT}).machine()

    assert [o.leg for o in machine.active_orders()] == [Leg.ENTRY_LONG]
    assert machine.verdicts[Verdict.ACCEPTED] == 1


def test_a_spot_account_refuses_a_short_bracket(market):
    assert bracket(market, [FLAT], SHORT).machine().refusals == {"short_not_allowed": 1}


def test_a_waiting_entry_is_withdrawn_when_a_bar_closes_beyond_its_stop(market):
    rows = [(99, 99.5, 97, 98.0), (99, 99.5, 97, 97.99), (101, 103, 100, 102)]

    machine = bracket(market, rows, LONG).machine()

    assert Cause(machine.orders[0]["cause"]) is Cause.PAST_STOP
    assert machine.orders["closed_ts"][0] == 3 * 300_000_000  # not by the close at the stop itself
    assert len(machine.fills) == 0


def test_it_stays_when_the_rule_is_off(market):
    rules = FillRules(withdraw_past_stop=False)
    rows = [(99, 99.5, 97, 97.5), (101, 103, 100, 102)]

    assert len(bracket(market, rows, LONG, rules=rules).machine().fills) == 1


def test_a_withdrawn_entry_can_be_replaced_at_the_same_close(market):
    rows = [(99, 99.5, 97, 97.5), FLAT]
    again = {"long_entry": 103.0, "sl_long": 96.0}

    machine = bracket(market, rows, {0: LONG, 1: again}).machine()

    assert [o.stop_ticks for o in machine.active_orders()] == [10300]


def test_at_the_close_of_valid_to_a_waiting_entry_is_withdrawn(market):
    desk = bracket(market, [FLAT, FLAT, ENTERED], {**LONG, "valid_to": 3 * 300_000_000.0})

    machine = desk.machine()

    assert Cause(machine.orders[0]["cause"]) is Cause.VALID_TO
    assert machine.orders["closed_ts"][0] == desk.bars.ts[2]
    assert len(machine.fills) == 0


def test_at_the_close_of_valid_to_a_position_goes_to_market_and_fills_at_the_next_open(market):
    rows = [ENTERED, (104, 105, 103, 104), (106, 107, 105, 106)]
    desk = bracket(market, rows, {**LONG, "valid_to": 3 * 300_000_000.0})

    machine = desk.machine()

    assert exits(machine) == [("EXPIRY", 106.0)]
    causes = {Leg(o["leg"]): Cause(o["cause"]) for o in machine.orders}
    assert causes[Leg.STOP_LONG] is causes[Leg.TARGET_LONG] is Cause.EXIT_SENT


def test_a_missing_bar_at_valid_to_is_made_up_at_the_first_close_after_it(market):
    rows = [ENTERED, None, (104, 105, 103, 104), (106, 107, 105, 106)]

    machine = bracket(market, rows, {**LONG, "valid_to": 3 * 300_000_000.0}).machine()

    assert exits(machine) == [("EXPIRY", 106.0)]


def test_a_position_outlives_valid_to_when_the_rule_is_off(market):
    rules = FillRules(exit_at_valid_to=False)
    rows = [ENTERED, FLAT, FLAT, FLAT]

    machine = bracket(market, rows, {**LONG, "valid_to": 3 * 300_000_000.0}, rules=rules).machine()

    assert machine.positions()[0].lots == 1000


def test_a_signal_that_is_already_over_is_refused(market):
    machine = bracket(market, [FLAT], {**LONG, "valid_to": 300_000_000.0}).machine()

    assert machine.refusals == {"expired_signal": 1}


def test_a_second_signal_waits_while_an_entry_works_or_a_position_is_held(market):
    machine = bracket(market, [FLAT, ENTERED, FLAT], dict.fromkeys(range(4), LONG)).machine()

    assert machine.verdicts[Verdict.ACCEPTED] == 1
    assert machine.verdicts[Verdict.ENTRY_WORKING] == 1
    assert machine.verdicts[Verdict.IN_POSITION] == 2


@pytest.mark.parametrize(
    "signal",
    [
        {**LONG, "sl_long": 102.0},
        {**LONG, "sl_long": 103.0},
        {**LONG, "tp_long": 102.0},
        {**LONG, "tp_long": 101.0},
    ],
)
def test_a_bracket_on_the_wrong_side_of_itself_is_refused(market, signal):
    assert bracket(market, [FLAT], signal).machine().refusals == {"bad_bracket": 1}


@pytest.mark.parametrize("missing", ["sl_long", "tp_long"])
def test_an_exit_may_be_left_out(market, missing):
    machine = bracket(market, [ENTERED], {**LONG, missing: np.nan}).machine()

    assert len(machine.active_orders()) == 1


def test_risk_sizing_counts_the_ticks_between_entry_and_stop(market):
    risk = Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(100))

    machine = bracket(market, [ENTERED], LONG, sizing=risk).machine()

    assert machine.positions()[0].quantity == 25  # 100 at risk over 4.00


def test_risk_sizing_refuses_a_bracket_without_a_stop(market):
    risk = Sizing(SizingMode.RISK, risk_pct=Decimal(1))
    signal = {"long_entry": 102.0}

    assert bracket(market, [FLAT], signal, sizing=risk).machine().refusals == {"no_stop": 1}


def test_percent_sizing_uses_the_price_of_the_entry(market):
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(51))

    machine = bracket(market, [ENTERED], LONG, sizing=sizing).machine()

    assert machine.positions()[0].quantity == 50  # 5,100 at 102


def test_prices_go_to_the_nearest_tick(market):
    machine = bracket(market, [FLAT], {"long_entry": 102.004999, "sl_long": 97.996}).machine()

    assert [o.stop_ticks for o in machine.active_orders()] == [10200]
    assert machine.orders["stop_ticks"].tolist() == [10200, 9800]

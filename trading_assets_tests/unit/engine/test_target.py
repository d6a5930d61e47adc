"""Decisions of the target family."""

from decimal import Decimal

import pytest

from trading_assets.domain.setup import (
    Costs,
    FillAt,
    FillRules,
    Limits,
    SizeAt,
    Sizing,
    SizingMode,
)
from trading_assets.records.codes import Leg, Verdict

UP = (100.0, 100.0, 100.0, 100.0)
PCT = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(50))


def targets(*values):
    return {t: {"target": value} for t, value in enumerate(values) if value is not None}


def test_a_target_is_bought_at_the_next_open(market):
    desk = market([UP, (102, 103, 101, 102)], signals=targets(1.0))

    machine = desk.machine()

    assert machine.fills["ts"].tolist() == [desk.bars.ts[1]]
    assert machine.fills["bar_ts"].tolist() == [desk.bars.ts[0]]
    assert machine.fills["price"].tolist() == [102.0]
    assert machine.positions()[0].quantity == 1


def test_no_opinion_keeps_what_is_held(market):
    machine = market([UP] * 5, signals=targets(1.0, None, None, None)).machine()

    assert machine.positions()[0].quantity == 1
    assert machine.verdicts[Verdict.NO_SIGNAL] == 4


def test_target_zero_closes(market):
    machine = market([UP] * 4, signals=targets(1.0, None, 0.0)).machine()

    assert machine.positions()[0].lots == 0
    assert [Leg(leg) for leg in machine.fills["leg"]] == [Leg.OPEN, Leg.CLOSE]
    assert len(machine.round_trips) == 1


def test_target_zero_while_flat_changes_nothing(market):
    machine = market([UP] * 3, signals=targets(0.0, 0.0, 0.0)).machine()

    assert machine.verdicts[Verdict.NO_CHANGE] == 3
    assert len(machine.orders) == 0


def test_a_reversal_closes_and_opens_the_other_side_at_one_open(market):
    desk = market([UP] * 4, signals=targets(1.0, -1.0), margin=True)

    machine = desk.machine()

    assert machine.positions()[0].quantity == -1
    assert machine.fills["ts"].tolist() == [desk.bars.ts[1], desk.bars.ts[2], desk.bars.ts[2]]
    assert [Leg(leg) for leg in machine.fills["leg"]] == [Leg.OPEN, Leg.CLOSE, Leg.OPEN]


def test_a_spot_account_closes_on_a_short_target_and_refuses_the_short(market):
    machine = market([UP] * 4, signals=targets(1.0, -1.0, -1.0)).machine()

    assert machine.positions()[0].lots == 0
    assert machine.refusals == {"short_not_allowed": 1}


def test_percent_of_equity_is_sized_at_the_close_of_the_decision(market):
    desk = market([UP, (90, 90, 90, 90)], signals=targets(1.0), sizing=PCT)

    machine = desk.machine()

    assert machine.positions()[0].quantity == 50  # 50 % of 10,000 at 100, filled at 90


def test_a_fraction_of_the_target_is_a_fraction_of_the_size(market):
    assert market([UP] * 2, signals=targets(0.5), sizing=PCT).machine().positions()[0].lots == 25000
    assert market([UP] * 2, signals=targets(0.5)).machine().positions()[0].lots == 500


def test_risk_sizing_loses_the_risk_at_the_stop(market):
    risk = Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(50))
    signals = {0: {"target": 1.0, "stop_distance": 4.0}}

    machine = market([UP] * 2, signals=signals, sizing=risk).machine()

    assert machine.positions()[0].quantity == 25  # 100 at risk, 4 per unit


def test_risk_sizing_is_capped(market):
    risk = Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(20))
    signals = {0: {"target": 1.0, "stop_distance": 0.5}}

    machine = market([UP] * 2, signals=signals, sizing=risk).machine()

    assert machine.positions()[0].quantity == 20


def test_risk_sizing_needs_a_stop_distance(market):
    risk = Sizing(SizingMode.RISK, risk_pct=Decimal(1))

    assert market([UP] * 2, signals=targets(1.0), sizing=risk).machine().refusals == {"no_stop": 1}


def test_a_position_within_the_band_is_left_alone(market):
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(50), rebalance_pct=Decimal(5))
    rows = [UP, UP, (100, 110, 100, 110), (110, 130, 110, 130), (130, 130, 130, 130)]
    always = targets(1.0, 1.0, 1.0, 1.0, 1.0)

    machine = market(rows, signals=always, sizing=sizing).machine()

    assert [Leg(leg) for leg in machine.fills["leg"]] == [Leg.OPEN, Leg.REDUCE]
    assert machine.verdicts[Verdict.NO_CHANGE] == 3


def test_without_a_band_every_bar_resizes(market):
    rows = [UP, UP, (110, 110, 110, 110), (110, 110, 110, 110), (90, 90, 90, 90), UP]

    machine = market(rows, signals=targets(*[1.0] * 6), sizing=PCT).machine()

    legs = [Leg(leg) for leg in machine.fills["leg"]]
    assert legs == [Leg.OPEN, Leg.REDUCE, Leg.OPEN]


def test_a_resize_below_the_venues_minimum_is_no_opportunity(market):
    rows = [UP, UP, (100.1, 100.1, 100.1, 100.1), UP]
    grid = {"min_notional": Decimal(50)}

    machine = market(rows, signals=targets(*[1.0] * 4), sizing=PCT, grid=grid).machine()

    assert len(machine.fills) == 1
    assert not machine.refusals


def test_the_cash_buffer_keeps_an_order_affordable(market):
    everything = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100), cash_buffer_pct=Decimal(2))
    costs = Costs(taker_bps=Decimal(10), slippage_bps=Decimal(5))

    machine = market(
        [UP, (101, 101, 101, 101)], signals=targets(1.0), sizing=everything, costs=costs
    ).machine()

    assert len(machine.fills) == 1
    assert machine.balances()["USDT"] > 0
    spent = 10_000 - machine.balances()["USDT"]
    assert 9_850 < spent < 9_900


def test_symbols_of_one_account_share_its_cash(market):
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(60))
    both = [targets(1.0), targets(1.0)]

    machine = market(symbols=[[UP] * 2, [UP] * 2], signals=both, sizing=sizing).machine()

    quantities = [position.quantity for position in machine.positions()]
    assert quantities == [60, 40]  # the second takes what the first has not reserved
    assert not machine.refusals


def test_a_fixed_size_is_never_cut_but_refused(market):
    both = [targets(1.0), targets(1.0)]
    sizing = Sizing(SizingMode.FIXED, qty=Decimal(60))

    machine = market(symbols=[[UP] * 2, [UP] * 2], signals=both, sizing=sizing).machine()

    assert [position.quantity for position in machine.positions()] == [60, 0]
    assert machine.refusals == {"cash": 1}
    refusal = machine.refusal_log[0]
    assert (refusal.symbol, refusal.rule, refusal.limit, refusal.was) == (1, "cash", 4000.0, 6000.0)


def test_all_symbols_are_matched_before_any_is_decided(market):
    """Both see the equity after both fills, whatever their order."""
    rows = [UP, (100, 100, 100, 100), (120, 120, 120, 120), (120, 120, 120, 120)]
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(25))
    signals = [targets(1.0), {2: {"target": 1.0}}]

    machine = market(symbols=[rows, rows], signals=signals, sizing=sizing).machine()

    equity = 10_000 + 25 * 20
    assert machine.positions()[1].lots == int(0.25 * equity / 120 * 1000)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (Limits(max_order_notional=Decimal(99)), "max_order_notional"),
        (Limits(max_position_pct=Decimal("0.9")), "max_position"),
    ],
)
def test_limits_refuse_entries(market, limits, rule):
    machine = market([UP] * 2, signals=targets(1.0), limits=limits).machine()

    assert machine.refusals == {rule: 1}


def test_entries_per_day_are_counted_by_symbol_and_utc_day(market):
    rows = [UP] * 300  # 288 bars are a day
    flips = {t: {"target": float(t % 2 == 0)} for t in range(300)}
    limits = Limits(max_orders_per_day=3)

    machine = market(rows, signals=flips, limits=limits).machine()

    entries = machine.fills[machine.fills["side"] == 1]
    days, counts = zip(*sorted((d, list(entries["bar_ts"] // 86_400_000_000).count(d))
                               for d in set(entries["bar_ts"] // 86_400_000_000)),
                       strict=True)  # fmt: skip
    assert (days, counts) == ((0, 1), (3, 3))


def test_a_daily_loss_stops_entries_until_midnight_and_lets_exits_pass(market):
    rows = [UP, UP, (90, 90, 90, 90), *[(90, 90, 90, 90)] * 300]
    signals = {0: {"target": 1.0}, 3: {"target": 0.0}, 5: {"target": 1.0}, 290: {"target": 1.0}}
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(50))
    limits = Limits(daily_loss_bps=Decimal(300))

    machine = market(rows, signals=signals, sizing=sizing, limits=limits).machine()

    assert machine.refusals == {"daily_loss_halt": 1}
    assert [Leg(leg) for leg in machine.fills["leg"]] == [Leg.OPEN, Leg.CLOSE, Leg.OPEN]


def test_a_drawdown_stops_entries_for_good(market):
    rows = [UP, UP, (90, 90, 90, 90), *[(90, 90, 90, 90)] * 300]
    signals = {0: {"target": 1.0}, 3: {"target": 0.0}, 290: {"target": 1.0}}
    limits = Limits(max_drawdown_pct=Decimal(4))

    machine = market(rows, signals=signals, sizing=PCT, limits=limits).machine()

    assert machine.refusals == {"drawdown_halt": 1}
    assert machine.positions()[0].lots == 0


def test_the_venues_minimum_refuses_entries(market):
    grid = {"min_notional": Decimal(101)}

    machine = market([UP] * 2, signals=targets(1.0), grid=grid).machine()

    assert machine.refusals == {"min_notional": 1}


def test_the_smallest_quantity_refuses_smaller_ones(market):
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(1), min_qty=Decimal(2))

    machine = market([UP] * 2, signals=targets(1.0), sizing=sizing).machine()

    assert machine.refusals == {"below_min_qty": 1}


def test_a_size_below_one_lot_is_refused(market):
    machine = market([UP] * 2, signals=targets(0.0001)).machine()

    assert machine.refusals == {"below_lot": 1}


def test_every_opportunity_has_exactly_one_verdict(market):
    rows = [UP, None, UP, UP, None, UP]
    signals = [targets(1.0, None, 0.0, -1.0), targets(None, 1.0, 2.0)]

    machine = market(symbols=[rows, [UP] * 6], signals=signals).machine()

    assert sum(n for v, n in machine.verdicts.items() if v is not Verdict.CASH_AT_FILL) == 4 + 6


def test_fills_at_the_close_for_comparison_with_other_engines(market):
    rules = FillRules(fill_at=FillAt.BAR_CLOSE)
    costs = Costs(taker_bps=Decimal(10))
    desk = market([(100, 105, 99, 104), (110, 110, 110, 110)], signals=targets(1.0),
                  rules=rules, costs=costs)  # fmt: skip

    machine = desk.machine()

    assert machine.fills["price"].tolist() == [104.0]
    assert machine.fills["ts"].tolist() == [desk.bars.ts[0]]
    assert machine.equity_curve.tolist() == [10_000 - 0.104, 10_000 + 6 - 0.104]


def test_sizes_at_the_fill_for_comparison_with_other_engines(market):
    rules = FillRules(size_at=SizeAt.FILL)
    costs = Costs(taker_bps=Decimal(10), slippage_bps=Decimal(1))

    machine = market(
        [UP, (80, 80, 80, 80)], signals=targets(1.0), sizing=PCT, rules=rules, costs=costs
    ).machine()

    assert machine.positions()[0].lots == int(5000 / (80 * 1.0001 * 1.001) * 1000)

"""Several strategies on one account: each its own books, everything else is shared."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillAt,
    FillRules,
    Limits,
    PortfolioSetup,
    SignalFamily,
    Sizing,
    SizingMode,
    StrategySetup,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BRACKET_COLUMNS, SignalMatrix
from trading_assets.records.codes import Verdict
from trading_assets_tests.unit.engine.conftest import instrument, matrix

ONE = Sizing(SizingMode.FIXED, qty=Decimal(1))
HALF = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(50))
FLAT = [(100.0, 100.0, 100.0, 100.0)]
AAA = instrument("AAAUSDT")
BBB = instrument("BBBUSDT")
CCC = instrument("CCCUSDT")


def strategy(tag, *instruments, family=SignalFamily.TARGET, sizing=ONE, **changes):
    return StrategySetup(tag, instruments or (AAA,), family, sizing, **changes)


def portfolio(*strategies, cash=10_000, margin=True, **changes):
    profile = AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY
    return PortfolioSetup(Account("USDT", Decimal(cash), profile), strategies, **changes)


def ran(setup, rows, targets):
    """Run over the rows of each symbol; `targets` has, for each book, bar to target."""
    bars = matrix(rows)
    values = np.full((len(targets), len(bars), 3), np.nan)
    for book, by_bar in enumerate(targets):
        for t, target in by_bar.items():
            values[book, t, 0] = target
    machine = Machine(setup)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, values))
    return machine


def test_each_strategy_holds_its_own_position_in_an_instrument_that_both_trade():
    both = portfolio(strategy("up"), strategy("down"))

    machine = ran(both, [FLAT * 4], [{0: 1.0}, {0: -1.0}])

    assert [(p.tag, p.lots) for p in machine.positions()] == [(0, 1000), (1, -1000)]
    assert machine.balances() == {"USDT": Decimal(10_000), "AAA": Decimal(0)}
    assert [(int(f["tag"]), int(f["symbol"])) for f in machine.fills] == [(0, 0), (1, 0)]


def test_closing_the_position_of_one_strategy_leaves_that_of_the_other():
    both = portfolio(strategy("stays"), strategy("goes"))

    machine = ran(both, [FLAT * 6], [{0: 1.0}, {0: 1.0, 3: 0.0}])

    assert [p.lots for p in machine.positions()] == [1000, 0]
    assert [int(t["tag"]) for t in machine.round_trips] == [1]


def test_books_stand_strategy_by_strategy_and_know_the_instrument_of_the_account():
    setup = portfolio(strategy("a", BBB), strategy("b", AAA, BBB))

    rows = [[(200.0,) * 4] * 3, [(100.0,) * 4] * 3]
    machine = ran(setup, rows, [{0: 1.0}, {0: 1.0}, {}])

    assert [(p.tag, p.symbol, p.price) for p in machine.positions()] == [
        (0, "BBBUSDT", 200.0),
        (1, "AAAUSDT", 100.0),
        (1, "BBBUSDT", 200.0),
    ]
    assert [(int(f["tag"]), int(f["symbol"]), float(f["price"])) for f in machine.fills] == [
        (0, 0, 200.0),
        (1, 1, 100.0),
    ]


def test_a_strategy_sizes_on_its_part_of_the_equity():
    setup = portfolio(
        strategy("large", sizing=HALF, allocation_pct=Decimal(80)),
        strategy("small", sizing=HALF, allocation_pct=Decimal(20)),
        strategy("fixed", allocation_pct=Decimal(50)),
    )

    machine = ran(setup, [FLAT * 3], [{0: 1.0}, {0: 1.0}, {0: 1.0}])

    assert [p.quantity for p in machine.positions()] == [Decimal(40), Decimal(10), Decimal("0.5")]


def test_parts_of_a_margin_account_may_be_more_than_all_of_it_and_those_of_a_spot_account_not():
    parts = [strategy(tag, allocation_pct=Decimal(60)) for tag in ("a", "b")]
    Machine(portfolio(*parts))

    with pytest.raises(ConfigurationError, match="cannot be allocated twice") as refused:
        Machine(portfolio(*parts, margin=False))
    assert "a 60, b 60" in str(refused.value)
    Machine(portfolio(*(replace(p, allocation_pct=Decimal(50)) for p in parts), margin=False))


@pytest.mark.parametrize("pct", ["0", "-5", "NaN", "Infinity"])
def test_an_allocation_that_is_no_part_of_the_equity_is_refused(pct):
    with pytest.raises(ConfigurationError, match="part of the equity"):
        Machine(portfolio(strategy("a", allocation_pct=Decimal(pct))))


def test_the_part_of_a_bar_s_volume_is_one_for_all_strategies_of_an_instrument():
    rules = FillRules(participation_pct=Decimal(50))
    rows = [(100.0, 100.0, 100.0, 100.0, 3.0)]
    setup = portfolio(strategy("first"), strategy("second"), rules=rules)

    machine = ran(setup, [rows * 4], [{0: 1.0}, {0: 1.0}])

    fills = [(int(f["tag"]), int(f["ts"]) // 300_000_000, int(f["lots"])) for f in machine.fills]
    assert fills == [(0, 2, 1000), (1, 2, 500), (1, 3, 500)]  # 1.5 of 3 may fill in each bar


def test_another_instrument_does_not_take_from_the_volume():
    rules = FillRules(participation_pct=Decimal(50))
    rows = [(100.0, 100.0, 100.0, 100.0, 3.0)]
    setup = portfolio(strategy("a", AAA, BBB), strategy("b", BBB), rules=rules)

    machine = ran(setup, [rows * 3] * 2, [{0: 1.0}, {}, {0: 1.0}])

    assert [int(f["lots"]) for f in machine.fills] == [1000, 1000]


def test_the_limit_of_a_position_counts_what_other_strategies_hold_of_the_instrument():
    limits = Limits(max_position_pct=Decimal("1.5"))  # 150 of 10,000
    setup = portfolio(strategy("first"), strategy("second"), limits=limits)

    machine = ran(setup, [FLAT * 4], [{0: 1.0}, {1: 1.0}])

    assert [p.lots for p in machine.positions()] == [1000, 0]
    (refusal,) = machine.refusal_log
    assert (refusal.tag, refusal.rule, refusal.was) == (1, "max_position", 200.0)


def test_an_entry_that_offsets_another_strategy_s_position_is_within_the_limit():
    limits = Limits(max_position_pct=Decimal("1.5"))
    setup = portfolio(strategy("long"), strategy("short"), limits=limits)

    machine = ran(setup, [FLAT * 4], [{0: 1.0}, {1: -1.0}])

    assert [p.lots for p in machine.positions()] == [1000, -1000]


def test_entries_of_a_day_are_counted_over_all_strategies_of_an_instrument():
    limits = Limits(max_orders_per_day=2)
    setup = portfolio(strategy("a"), strategy("b"), strategy("c"), limits=limits)

    machine = ran(setup, [FLAT * 4], [{0: 1.0}, {0: 1.0}, {0: 1.0}])

    assert [(r.tag, r.rule, r.was) for r in machine.refusal_log] == [(2, "max_orders_per_day", 3.0)]


def test_each_instrument_is_counted_by_itself_whatever_strategies_trade_it():
    limits = Limits(max_orders_per_day=2, max_symbol_notional=Decimal(250))
    setup = portfolio(
        strategy("a", BBB), strategy("b", AAA, BBB), strategy("c", CCC, AAA, BBB), limits=limits
    )
    targets = [{0: 1.0}, {0: 1.0}, {1: 1.0}, {1: 1.0}, {2: 1.0}, {3: 1.0}]

    machine = ran(setup, [FLAT * 6] * 3, targets)

    assert [p.lots for p in machine.positions()] == [1000, 1000, 1000, 1000, 1000, 0]
    assert [(r.tag, r.rule, r.was) for r in machine.refusal_log] == [(2, "max_orders_per_day", 3.0)]


def test_what_fills_at_the_close_counts_for_the_next_strategy_of_the_same_close():
    limits = Limits(max_position_pct=Decimal("1.5"))
    rules = FillRules(fill_at=FillAt.BAR_CLOSE)
    setup = portfolio(strategy("first"), strategy("second"), limits=limits, rules=rules)

    machine = ran(setup, [FLAT * 3], [{1: 1.0}, {1: 1.0}])

    assert [p.lots for p in machine.positions()] == [1000, 0]
    assert [(r.tag, r.rule) for r in machine.refusal_log] == [(1, "max_position")]


def test_nothing_of_what_a_decision_saw_of_other_books_stays_in_the_state():
    limits = Limits(max_orders_per_day=9, max_gross_pct=Decimal(500))
    setup = portfolio(strategy("a", AAA, BBB), strategy("b", BBB, AAA), limits=limits)

    machine = ran(setup, [FLAT * 4, [*FLAT * 3, None]], [{0: 1.0}, {1: -1.0}, {2: 1.0}, {0: -1.0}])

    account, books, *_ = machine._parts
    beside = ("held_beside", "entries_beside", "gross_beside", "long_beside", "short_beside")
    assert [float(account[0][name]) for name in beside] == [0.0] * 5
    assert [books[name].tolist() for name in ("left", "taken")] == [[0] * 4] * 2
    assert books["entries_today"].tolist() == [1] * 4


def test_opportunities_are_counted_for_each_strategy_and_add_up():
    setup = portfolio(strategy("busy"), strategy("idle"))

    machine = ran(setup, [FLAT * 300], [{0: 1.0, 9: 1.0, 20: 0.0}, {}])

    busy, idle = machine.verdicts_by_tag
    assert (idle[Verdict.NO_SIGNAL], busy[Verdict.ACCEPTED]) == (300, 2)
    assert sum(busy.values()) == sum(idle.values()) == 300
    assert machine.verdicts == {verdict: busy[verdict] + idle[verdict] for verdict in Verdict}


def test_strategies_of_several_families_run_side_by_side():
    bracket = strategy("breaks", family=SignalFamily.BRACKET, allocation_pct=Decimal(200))
    setup = portfolio(strategy("holds"), bracket)
    rows = [(100.0, 100.0, 100.0, 100.0)] * 2 + [(100.0, 106.0, 100.0, 105.0)] * 2
    bars = matrix([rows])
    values = np.full((2, 4, len(BRACKET_COLUMNS)), np.nan)
    values[0, 0, 0] = 1.0
    values[1, 1, BRACKET_COLUMNS.index("long_entry")] = 101.0
    values[1, 1, BRACKET_COLUMNS.index("sl_long")] = 99.0

    machine = Machine(setup)
    machine.run(bars, SignalMatrix(None, values))

    assert [p.lots for p in machine.positions()] == [1000, 2000]
    assert [float(f["price"]) for f in machine.fills] == [100.0, 101.0]


def test_strategies_share_cash_in_their_order():
    all_of_it = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(150))
    setup = portfolio(
        strategy("first", sizing=all_of_it, allocation_pct=Decimal(50)),
        strategy("second", sizing=all_of_it, allocation_pct=Decimal(50)),
        margin=False,
    )

    machine = ran(setup, [FLAT * 3], [{0: 1.0}, {0: 1.0}])

    assert [p.quantity for p in machine.positions()] == [Decimal(75), Decimal(25)]


def test_a_loss_of_one_strategy_halts_the_entries_of_all():
    limits = Limits(max_drawdown_pct=Decimal(1))
    setup = portfolio(strategy("loses", sizing=HALF), strategy("comes late"), limits=limits)
    rows = [*FLAT * 2, (90.0,) * 4, (90.0,) * 4]

    machine = ran(setup, [rows], [{0: 1.0}, {2: 1.0}])

    assert [(r.tag, r.rule) for r in machine.refusal_log] == [(1, "drawdown_halt")]


def test_each_book_pays_for_its_own_nights():
    costs = Costs(swap_long_bps=Decimal(100), swap_short_bps=Decimal(50))
    setup = portfolio(strategy("long"), strategy("short"), costs=costs)
    over_midnight = 290  # bars of five minutes

    machine = ran(setup, [FLAT * over_midnight], [{0: 1.0}, {0: -1.0}])

    booked = [(int(row["tag"]), int(row["amount"])) for row in machine.financing_log]
    assert booked == [(0, 100_000_000), (1, 50_000_000)]


def test_a_hole_ends_the_segment_in_every_book_of_the_symbol():
    setup = portfolio(strategy("a"), strategy("b"), costs=Costs(taker_bps=Decimal(10)))
    machine = ran(setup, [FLAT * 3], [{0: 1.0}, {0: -1.0}])

    machine.end_segment(0)

    assert [p.lots for p in machine.positions()] == [0, 0]
    assert sorted(int(t["tag"]) for t in machine.round_trips) == [0, 1]


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        (portfolio(strategy("a"), strategy("a")), "strategy appears twice"),
        (portfolio(strategy("a", AAA, AAA)), "symbol appears twice"),
        (
            portfolio(strategy("a"), strategy("b", replace(AAA, tick=Decimal("0.1")))),
            "another AAAUSDT",
        ),
        (portfolio(), "needs an instrument"),
    ],
)
def test_strategies_that_cannot_share_an_account_are_refused(setup, message):
    with pytest.raises(ConfigurationError, match=message):
        Machine(setup)


def test_a_portfolio_of_one_does_what_the_strategy_does_alone():
    alone = EngineSetup((AAA,), Account("USDT", Decimal(10_000)), SignalFamily.TARGET, HALF)
    one = portfolio(strategy("only", sizing=HALF), margin=False)
    targets = [{0: 1.0, 3: 0.0, 5: 0.5}]

    machines = [ran(setup, [FLAT * 9], targets) for setup in (alone, one)]

    for log in ("fills", "orders", "round_trips", "equity_curve"):
        first, second = (getattr(machine, log) for machine in machines)
        assert first.tobytes() == second.tobytes()


def test_a_snapshot_between_any_two_bars_goes_on_with_the_same_bytes():
    rules = FillRules(participation_pct=Decimal(50))
    setup = portfolio(strategy("a"), strategy("b"), rules=rules)
    targets = [{0: 1.0, 4: -1.0}, {0: 1.0, 2: 0.0}]
    whole = ran(setup, [FLAT * 8], targets)
    bars = matrix([FLAT * 8])
    values = np.full((2, 8, 3), np.nan)
    for book, by_bar in enumerate(targets):
        for t, target in by_bar.items():
            values[book, t, 0] = target
    signals = SignalMatrix(SignalFamily.TARGET, values)

    machine = Machine(setup)
    for t in range(8):
        machine.step(bars, signals, t)
        machine = Machine.restore(setup, machine.snapshot())

    assert machine.state_hash() == whole.state_hash()

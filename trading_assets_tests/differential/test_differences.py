"""Each difference between the engines, in the smallest plan that shows it (docs/differences.md)."""

from trading_assets.domain.setup import FillRules
from trading_assets_tests.differential.ours import run_ours
from trading_assets_tests.differential.peers import run_backtesting_py, run_backtrader
from trading_assets_tests.differential.plans import FLATTEN, Entry, plan_of

FLAT = (10_000, 10_000, 10_000, 10_000)
BOUGHT = Entry(1, "market", 5, 0, 100, 100)


def ticks(outcome):
    return [(fill.bar, fill.ticks) for fill in outcome.fills]


def test_a_bar_that_opens_beyond_the_target_and_reaches_the_stop() -> None:
    plan = plan_of([FLAT, FLAT, FLAT, (10_150, 10_200, 9_800, 9_900), FLAT], {1: BOUGHT})

    assert ticks(run_ours(plan)) == [(2, 10_000), (3, 10_150)]
    assert ticks(run_backtesting_py(plan)) == [(2, 10_000), (3, 9_900)]
    assert ticks(run_backtrader(plan)) == [(2, 10_000), (3, 9_900)]


def test_exits_in_the_bar_of_a_market_entry() -> None:
    plan = plan_of([FLAT, FLAT, (10_000, 10_010, 9_850, 9_950), FLAT, FLAT], {1: BOUGHT})

    assert ticks(run_ours(plan)) == [(2, 10_000)]
    assert ticks(run_backtrader(plan)) == [(2, 10_000)]
    assert ticks(run_backtesting_py(plan)) == [(2, 10_000)]
    same = [(2, 10_000), (2, 9_900)]
    assert sorted(ticks(run_backtesting_py(plan, own_exits=True))) == sorted(same)
    assert ticks(run_ours(plan, FillRules(exits_in_entry_bar=True))) == same


def test_a_decision_at_the_close_of_the_first_bar() -> None:
    plan = plan_of([FLAT, (10_050,) * 4, FLAT], {0: BOUGHT})

    assert run_ours(plan, first_bar=0).fills[0].bar == 1
    assert run_backtrader(plan, first_bar=0).fills[0].bar == 1
    assert run_backtesting_py(plan).fills == []


def test_slippage_of_an_exit() -> None:
    entry = Entry(1, "market", 5, 0, None, None)
    plan = plan_of([FLAT] * 5, {1: entry, 2: FLATTEN})

    assert ticks(run_ours(plan, slippage_bps=10)) == [(2, 10_010), (3, 9_990)]
    assert ticks(run_backtesting_py(plan, spread_bps=10)) == [(2, 10_010), (3, 10_000)]
    wide = (10_000, 10_100, 9_900, 10_000)  # no bar cuts what backtrader pays
    roomy = plan_of([wide] * 5, {1: entry, 2: FLATTEN})
    assert ticks(run_backtrader(roomy, slippage_bps=10)) == [(2, 10_010), (3, 9_990)]


def test_slippage_is_kept_inside_the_bar() -> None:
    entry = Entry(1, "market", 5, 0, None, None)
    plan = plan_of([FLAT, FLAT, (10_000, 10_004, 9_990, 10_000), FLAT], {1: entry})

    assert ticks(run_ours(plan, slippage_bps=10)) == [(2, 10_010)]
    assert ticks(run_backtesting_py(plan, spread_bps=10)) == [(2, 10_010)]
    assert ticks(run_backtrader(plan, slippage_bps=10)) == [(2, 10_004)]


def test_a_resting_limit_that_a_gap_fills_at_the_open() -> None:
    entry = Entry(1, "limit", 5, -50, None, None)
    gap = (9_900, 9_960, 9_800, 9_900)
    plan = plan_of([FLAT, FLAT, FLAT, gap, gap], {1: entry})

    assert ticks(run_ours(plan, slippage_bps=10)) == [(3, 9_900)]
    assert ticks(run_backtesting_py(plan, spread_bps=10)) == [(3, 9_910)]
    assert ticks(run_backtrader(plan, slippage_bps=10)) == [(3, 9_910)]


def test_a_position_that_is_open_after_the_last_bar() -> None:
    entry = Entry(1, "market", 5, 0, None, None)
    plan = plan_of([FLAT, FLAT, FLAT, (10_200, 10_300, 10_100, 10_250)], {1: entry})

    ours = run_ours(plan)
    assert ticks(ours) == [(2, 10_000)]
    assert ours.equity[-1] == run_backtrader(plan).equity[-1] == 1_000_012.5
    assert ticks(run_backtesting_py(plan, finalize=True)) == [(2, 10_000), (3, 10_200)]

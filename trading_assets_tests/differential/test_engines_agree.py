"""Random plans in our engine, in backtesting.py and in backtrader: equal but for one rule.

The rule: a bar opens beyond the target and reaches the stop as well. We fill the target at the
open, which came first; both peers take the stop. A plan that meets it loses the entry that does,
and all the rest has to be equal. `docs/differences.md` has the table.
"""

import numpy as np
import pytest

from trading_assets_tests.differential.ours import run_ours
from trading_assets_tests.differential.peers import run_backtesting_py, run_backtrader
from trading_assets_tests.differential.plans import REVERSE, Outcome, Plan, random_plan

SAMPLE, MANY = range(10), range(10, 210)


def test_our_fills_and_equity_are_those_of_both_peers() -> None:
    compare(SAMPLE)


@pytest.mark.slow
def test_two_hundred_plans_give_the_same_fills_and_equity_in_three_engines() -> None:
    explained, fills, actions = compare(MANY)

    assert explained >= 10, "the rule that differs was hardly met"
    assert fills > 4_000
    assert actions == {"market", "limit", "stop", "reverse"}


def compare(seeds: range) -> tuple[int, int, set[str]]:
    """Run all seeds; give how often the rule was met, the fills compared, and what they tried."""
    explained, fills, seen = 0, 0, set()
    for seed in seeds:
        plan = random_plan(seed)
        ours = run_ours(plan)
        while (bar := entry_that_meets_the_rule(plan, ours)) is not None:
            assert run_backtesting_py(plan).fills != ours.fills, f"seed {seed}: no difference"
            assert run_backtrader(plan).fills != ours.fills, f"seed {seed}: no difference"
            explained += 1
            plan = plan.without(bar)
            ours = run_ours(plan)
        for peer in (run_backtesting_py(plan), run_backtrader(plan)):
            assert peer.fills == ours.fills, f"seed {seed}"
            np.testing.assert_allclose(peer.equity, ours.equity, rtol=0, atol=1e-6)
        fills += len(ours.fills)
        seen |= {plan.actions[bar].kind for bar in ours.decided}  # type: ignore[union-attr]
        seen |= {REVERSE for one, two in pairs(ours) if one.bar == two.bar}
    return explained, fills, seen


def pairs(outcome: Outcome):
    return zip(outcome.fills, outcome.fills[1:], strict=False)


def entry_that_meets_the_rule(plan: Plan, ours: Outcome) -> int | None:
    """Give the bar that decided an entry whose target filled at an open, with the stop inside."""
    held = 0
    entered = None
    for before, fill in zip([None, *ours.fills], ours.fills, strict=False):
        if held == 0:
            reversal = before is not None and before.bar == fill.bar
            entered = None if reversal else max(b for b in ours.decided if b < fill.bar)
        elif entered is not None:
            prices = plan.prices(entered)
            opened, top, bottom, _ = plan.bars[fill.bar]
            if prices.target is not None and prices.stop is not None:
                sent = plan.actions[fill.bar - 1]
                gain = (1 if held > 0 else -1) * (opened - prices.target)
                at_target = gain >= 0 and fill.ticks == opened and sent not in {"flatten", REVERSE}
                if at_target and bottom <= prices.stop <= top:
                    return entered
        held += fill.lots
    return None

"""Rules for a release that trades: proven with play money, and what takes a book back."""

from dataclasses import replace

import numpy as np
import pytest

from trading_assets.evaluation.conduct import (
    Conduct,
    ConductTerms,
    rules_of_demotion,
    rules_of_probation,
)
from trading_assets.evaluation.gates import Returns, unmet

DAY = 86_400_000_000
START = 19_814 * DAY  # 2024-04-01
TERMS = ConductTerms(
    probation_days=14,
    probation_entries=30,
    probation_days_alone=60,
    min_exact_share=0.95,
    slippage_confidence=0.95,
    band_quantile=0.01,
    max_drawdown_ratio=1.5,
    exact_days=5,
    max_inexact_days=1,
    min_budget=0.25,
    bootstrap_draws=2_000,
    seed=7,
)
PROBATION = {
    "lived_long_enough", "parity_exact", "fills_as_modelled", "never_halted", "within_budget",
    "within_band", "drawdown_as_predicted",
}  # fmt: skip


def returns(values):
    return Returns(START + np.arange(len(values)) * DAY, np.asarray(values, np.float64), 365.0)


def exact(days, wrong=(), unknown=()):
    said = {number: number not in wrong for number in range(days)} | dict.fromkeys(unknown)
    return {f"2024-04-{number + 1:02}": said[number] for number in range(days)}


def conduct(**changes):
    noise = np.random.default_rng(3).normal(0.001, 0.01, 200)
    usual = {
        "returns": returns(np.full(14, 0.0005)),
        "entries": 30,
        "drawdown_pct": 4.0,
        "exact": exact(14),
        "slippage_bps": np.array([0.5, -0.5, 0.2, -0.3]),
        "halts": (),
        "budget": 0.6,
        "predicted": returns(noise),
        "predicted_drawdown_pct": 8.0,
    }
    return Conduct(**{**usual, **changes})


def passed(rules):
    return {rule.rule: rule.passed for rule in rules}


def test_a_release_that_does_what_was_predicted_has_proven_itself():
    rules = rules_of_probation(conduct(), TERMS)
    assert passed(rules) == dict.fromkeys(PROBATION, True)
    assert {rule.stage for rule in rules} == {"probation"}
    assert unmet(rules) == ()
    assert all(rule.passed for rule in rules_of_demotion(conduct(), TERMS))


@pytest.mark.parametrize(
    ("days", "entries", "is_enough"),
    [(14, 30, True), (13, 30, False), (14, 29, False), (60, 0, True), (59, 29, False)],
)
def test_it_takes_days_and_trades_or_many_days(days, entries, is_enough):
    lived = conduct(returns=returns(np.zeros(days)), entries=entries)
    assert passed(rules_of_probation(lived, TERMS))["lived_long_enough"] is is_enough


@pytest.mark.parametrize(
    ("seen", "judged"),
    [
        (exact(20, wrong={3}), True),
        (exact(20, wrong={3, 4}), False),
        (exact(20, unknown={3}), True),
        (exact(20, wrong={3}, unknown={5}), None),
        (exact(20, wrong={3, 4}, unknown={5}), False),
        ({}, None),
    ],
)
def test_what_is_not_known_of_parity_is_not_taken_for_good_nor_for_bad(seen, judged):
    assert passed(rules_of_probation(conduct(exact=seen), TERMS))["parity_exact"] is judged


@pytest.mark.parametrize(
    ("seen", "judged"),
    [
        (exact(14, wrong={2, 12}), True),  # one of the latest five
        (exact(14, wrong={9, 12}), False),
        (exact(14, wrong={12}, unknown={13}), None),
        (exact(14, wrong={9, 12}, unknown={13}), False),
        ({}, True),
    ],
)
def test_two_inexact_days_of_five_demote(seen, judged):
    rule = next(
        r for r in rules_of_demotion(conduct(exact=seen), TERMS) if r.rule == "exact_lately"
    )
    assert rule.passed is judged
    assert ("2024-04-13" in rule.note) is (seen.get("2024-04-13") is False)


def test_fills_have_to_be_surely_dearer_than_modelled_before_that_counts():
    draw = np.random.default_rng(1).normal(0.0, 5.0, 40)
    for shift, judged in ((0.0, True), (1.0, True), (3.0, False), (-9.0, True)):
        seen = conduct(slippage_bps=draw - draw.mean() + shift)
        assert passed(rules_of_probation(seen, TERMS))["fills_as_modelled"] is judged
    for few in (np.empty(0), np.array([400.0])):
        assert (
            passed(rules_of_probation(conduct(slippage_bps=few), TERMS))["fills_as_modelled"]
            is None
        )


def test_the_band_is_that_of_as_many_days_as_were_lived():
    def judged(daily, days=14):
        seen = conduct(returns=returns(np.full(days, daily)))
        return next(r for r in rules_of_demotion(seen, TERMS) if r.rule == "within_band")

    assert judged(-0.002).passed is True  # -2.8 %, where the lowest hundredth begins near -7 %
    rule = judged(-0.008)
    assert rule.passed is False
    assert rule.value["return_pct"] < rule.value["lowest_pct"] < 0 < rule.value["median_pct"]
    assert rule.value["share_below"] < TERMS.band_quantile
    assert judged(-0.008, days=3).passed is True  # as much a day is still luck for three days


def test_the_lowest_hundredth_is_passed_by_one_honest_fortnight_in_a_hundred():
    """Fortnights drawn from the very distribution that was predicted."""
    rng = np.random.default_rng(11)
    seen = conduct(predicted=returns(rng.normal(0.001, 0.01, 2_000)))
    wrong = sum(
        passed(
            rules_of_demotion(replace(seen, returns=returns(rng.normal(0.001, 0.01, 14))), TERMS)
        )["within_band"]
        is False
        for _ in range(60)
    )
    assert wrong <= 3


@pytest.mark.parametrize(
    "changes",
    [
        {"returns": returns([]), "drawdown_pct": None},
        {"predicted": None, "predicted_drawdown_pct": None},
        {"predicted": returns([0.01] * 3), "predicted_drawdown_pct": None},
    ],
)
def test_without_a_prediction_or_a_day_nothing_is_known_and_nothing_demotes(changes):
    for judge in (rules_of_probation, rules_of_demotion):
        found = passed(judge(conduct(**changes), TERMS))
        assert found["within_band"] is found["drawdown_as_predicted"] is None


def test_a_drawdown_of_more_than_half_as_much_again_was_not_predicted():
    for seen, judged in ((12.0, True), (12.1, False)):
        rules = rules_of_demotion(conduct(drawdown_pct=seen), TERMS)
        assert passed(rules)["drawdown_as_predicted"] is judged


def test_a_halt_and_a_spent_budget_end_a_probation():
    halted = conduct(halts=("2024-04-03 risk: daily loss",), budget=-0.1)
    found = passed(rules_of_probation(halted, TERMS))
    assert (found["never_halted"], found["within_budget"]) == (False, False)
    assert passed(rules_of_demotion(conduct(budget=0.2), TERMS))["budget_left"] is False
    assert passed(rules_of_demotion(conduct(budget=None), TERMS))["budget_left"] is None

from dataclasses import replace

import numpy as np
import pytest

from trading_assets.evaluation.gates import (
    STAGES,
    Capital,
    ChampionEvidence,
    Check,
    HeldOut,
    ProfitShares,
    TakenBack,
    Trials,
    has_integrity,
    unmet,
    verdict,
)
from trading_assets.evaluation.judging import evaluate_rules, is_worth_examining, passes_all_else
from trading_assets.evaluation.stage_robust import largest_capital


@pytest.fixture
def champion(returns):
    def make(**changes):
        facts = {
            "release_id": "old",
            "spec": "ib_risk1",
            "spec_hash": "b" * 64,
            "models": {},
            "days_held": 30,
            "theirs": returns(-0.001, seed=2),
            "ours": returns(0.002),
            "evidence": {"equity.parquet": "runs/ib_risk1/r0/equity.parquet#11"},
        }
        return ChampionEvidence(**{**facts, **changes})

    return make


def row(rules, name):
    return next(rule for rule in rules if rule.rule == name)


def test_a_run_that_meets_every_rule_is_promoted(make_run, champion, thresholds):
    rules = evaluate_rules(make_run(), champion(), "embedded", thresholds)
    assert [(rule.rule, rule.value) for rule in rules if not rule.passed] == []
    assert verdict(rules) == "promote"
    assert has_integrity(rules)
    assert list(dict.fromkeys(rule.stage for rule in rules)) == [
        stage for stage in STAGES if stage != "probation"
    ]


OOS = {"num_trades": 80, "net_return_pct": 1.5}
METRICS = {"num_trades": 200, "max_drawdown_pct": 8.0}
MANY = Trials("ema_trend", count=40, known=40, variance=0.01, head="f" * 64)


@pytest.mark.parametrize(
    ("change", "rule", "expected"),
    [
        ({"checks": (Check("bars", passed=False), Check("a.no_future", passed=True))},
         "checks_green", "reject"),
        ({"checks": (Check("bars", passed=None), Check("a.no_future", passed=True))},
         "checks_green", "hold"),
        ({"checks": (Check("bars", passed=True), Check("a.no_future", passed=False))},
         "knows_no_future", "hold"),
        ({"checks": (Check("bars", passed=True),)}, "knows_no_future", "hold"),
        ({"stale": ("bars_5m/SOLUSDT/2024-03",)}, "evidence_current", "hold"),
        ({"reproductions": ()}, "reproducible", "hold"),
        ({"reproductions": (True, False)}, "reproducible", "reject"),
        ({"fill_rules": {"fill_at": "bar_close", "size_at": "close"}}, "realistic_fills", "reject"),
        ({"costs": {"fees_bps": "10", "slippage_bps": "0"}}, "costs_of_price", "hold"),
        ({"costs": {}}, "costs_of_price", "hold"),
        ({"order_types": ("MARKET", "STOP")}, "order_types_supported", "hold"),
        ({"pins_complete": False}, "models_pinned", "hold"),
        ({"metrics": {**METRICS, "num_trades": 99}}, "min_trades", "hold"),
        ({"metrics": {"max_drawdown_pct": 8.0}}, "min_trades", "hold"),
        ({"oos": {**OOS, "num_trades": 29}}, "min_oos_trades", "hold"),
        ({"models": {"1h": "m"}, "model_skill": {"1h": False}}, "model_beats_baselines", "hold"),
        ({"models": {"1h": "m"}}, "model_beats_baselines", "hold"),
        ({"oos": {**OOS, "net_return_pct": 0.0}}, "net_of_costs_oos", "reject"),
        ({"oos": {**OOS, "net_return_pct": None}}, "net_of_costs_oos", "hold"),
        ({"metrics": {**METRICS, "max_drawdown_pct": 30.1}}, "drawdown", "reject"),
        ({"profit": ProfitShares(9.9, 0.2, None)}, "profit_by_many_trades", "hold"),
        ({"profit": ProfitShares(40.0, 0.6, None)}, "profit_by_month", "hold"),
        ({"profit": ProfitShares(40.0, 0.2, 0.9)}, "profit_by_symbol", "hold"),
    ],
)  # fmt: skip
def test_each_rule_alone_keeps_a_run_from_being_promoted(
    make_run, champion, thresholds, change, rule, expected
):
    rules = evaluate_rules(make_run(**change), champion(), "embedded", thresholds)
    assert [r.rule for r in rules if not r.passed] == [rule]
    assert verdict(rules) == expected


@pytest.mark.parametrize(
    ("change", "rule", "expected"),
    [
        ({"stressed": {"dearer": -0.01, "late": 0.1}}, "stressed", "reject"),
        ({"stressed": {"dearer": None}}, "stressed", "hold"),
        ({"neighbours": {"fast -": 0.05, "fast +": 0.06, "slow +": None}}, "neighbours", "reject"),
        ({"neighbours": {"fast -": 0.2, "fast +": None, "slow +": None}}, "neighbours", "reject"),
        ({"capacity": (Capital(1e5, 0.2, 1.1),)}, "capacity", "hold"),
        ({"capacity": (Capital(1e5, 0.16, 0.1),)}, "capacity", "hold"),
        ({"capacity": (Capital(1e5, None, 0.1),)}, "capacity", "hold"),
        ({"capacity": ()}, "capacity", "hold"),
    ],
)
def test_each_further_run_alone_keeps_a_run_from_being_promoted(
    make_run, examination, thresholds, change, rule, expected
):
    run = make_run(examination=examination(**change))
    rules = evaluate_rules(run, None, "embedded", thresholds)
    assert [r.rule for r in rules if not r.passed] == [rule]
    assert verdict(rules) == expected


@pytest.mark.parametrize(
    ("held", "failed", "expected"),
    [
        (None, [], "promote"),
        (HeldOut("2024-10", "2024-12", 92, 0.1), [], "promote"),
        (HeldOut("2024-10", "2024-12", 92, 0.01), ["holdout_as_expected"], "hold"),
        (HeldOut("2024-10", "2024-10", 5, -0.001), ["holdout_net_of_costs"], "hold"),
        (HeldOut("2024-10", "2024-12", unread="It was not read."),
         ["holdout_net_of_costs", "holdout_as_expected"], "hold"),
    ],
)  # fmt: skip
def test_months_held_out_have_to_hold_what_the_days_before_them_promise(
    make_run, champion, thresholds, held, failed, expected
):
    run = make_run(held_out=held)
    rules = evaluate_rules(run, champion(), "embedded", thresholds)
    assert [rule.rule for rule in rules if not rule.passed] == failed
    assert verdict(rules) == expected
    assert passes_all_else(run, champion(), "embedded", thresholds)


def test_a_candidate_that_was_not_examined_is_held(make_run, thresholds):
    rules = evaluate_rules(make_run(examination=None), None, "embedded", thresholds)
    missing = {rule.rule for rule in unmet(rules)}
    assert missing == {"superior_ability", "neighbours"}
    assert verdict(rules) == "hold"


def test_only_what_passes_the_cheap_rules_is_examined(make_run, thresholds):
    assert is_worth_examining(make_run(examination=None), "embedded", thresholds)
    losing = make_run(examination=None, oos={**OOS, "net_return_pct": -1.0})
    assert not is_worth_examining(losing, "embedded", thresholds)


def test_a_short_record_needs_more_days_and_says_how_many(make_run, returns, thresholds):
    rules = evaluate_rules(make_run(returns=returns(0.001, days=150)), None, "embedded", thresholds)
    rule = row(rules, "track_record")
    assert rule.passed is False
    assert rule.value["needed_days"] > 150
    assert f"need {int(np.ceil(rule.value['needed_days']))}" in rule.note


def test_a_loser_has_no_record_that_is_long_enough(make_run, returns, thresholds):
    rule = row(
        evaluate_rules(make_run(returns=returns(-0.001)), None, "embedded", thresholds),
        "track_record",
    )
    assert rule.passed is False
    assert "no number of days" in rule.note


def test_much_trying_deflates_the_sharpe_ratio(make_run, thresholds):
    def deflated(trials):
        rules = evaluate_rules(make_run(trials=trials), None, "embedded", thresholds)
        return row(rules, "deflated_sharpe")

    once = deflated(Trials("ema_trend", 1, 1, None, "f"))
    ten, forty = (deflated(replace(MANY, count=n)) for n in (10, 40))
    values = [rule.value["deflated_sharpe"] for rule in (once, ten, forty)]
    assert values == sorted(values, reverse=True)
    assert (once.passed, forty.passed) == (True, False)
    assert "After 40 trials of family ema_trend" in forty.note


def test_trials_that_nobody_can_count_hold(make_run, thresholds):
    run = make_run(trials=None, trials_unknown="The ledger of trials was cut.")
    rules = evaluate_rules(run, None, "embedded", thresholds)
    assert {"backtest_length", "deflated_sharpe"} <= {r.rule for r in rules if r.passed is None}
    assert row(rules, "deflated_sharpe").note == "The ledger of trials was cut."
    assert verdict(rules) == "hold"


def test_a_large_family_needs_the_returns_of_its_trials(make_run, examination, thresholds):
    few = replace(MANY, count=12, variance=1e-6)

    def overfitting(variants):
        run = make_run(trials=few, examination=examination(variants=variants))
        return row(evaluate_rules(run, None, "embedded", thresholds), "overfitting_probability")

    assert overfitting(None).passed is None
    noise = np.random.default_rng(3).normal(0.0, 0.01, (300, 12))
    with_edge = noise.copy()
    with_edge[:, 5] += 0.004
    assert overfitting(with_edge).passed
    assert overfitting(with_edge).value["pbo"] < 0.05
    demeaned = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    assert overfitting(demeaned).passed is False


def test_holding_that_pays_better_than_trading_is_told(make_run, examination, returns, thresholds):
    held = returns(0.0025, seed=4).values
    run = make_run(examination=examination(benchmarks={"cash": np.zeros(300), "held": held}))
    rule = row(evaluate_rules(run, None, "embedded", thresholds), "superior_ability")
    assert rule.passed is False
    assert rule.note == "held may be as good."
    assert rule.value["cash"]["p"] <= thresholds.max_spa_p < rule.value["held"]["p"]


def test_a_candidate_does_not_pass_by_what_others_of_its_family_do(
    make_run, examination, returns, thresholds
):
    good = returns(0.004, seed=6).values
    weak = make_run(
        returns=returns(0.0002), examination=examination(variants=np.column_stack([good]))
    )
    rule = row(evaluate_rules(weak, None, "embedded", thresholds), "superior_ability")
    assert rule.value["cash"]["p"] <= thresholds.max_spa_p
    assert rule.value["cash"]["is_superior"] is False
    assert rule.passed is False


def test_lost_equity_has_no_sharpe_ratio(make_run, returns, thresholds):
    lost = returns(0.001)
    lost.values[-3:] = np.nan
    rules = evaluate_rules(make_run(returns=lost), None, "embedded", thresholds)
    assert row(rules, "deflated_sharpe").passed is None
    assert verdict(rules) == "hold"


def test_bars_without_volume_leave_the_capacity_open(make_run, examination, thresholds):
    run = make_run(examination=examination(capacity=()))
    rule = row(evaluate_rules(run, None, "embedded", thresholds), "capacity")
    assert (rule.passed, rule.note) == (None, "Volumes of its bars are not known.")


def test_the_largest_capital_ends_where_the_curve_first_fails(make_run, examination, thresholds):
    assert largest_capital(make_run(), thresholds) == 1e6
    points = (Capital(1e5, 0.2, 0.1), Capital(1e6, 0.1, 0.2), Capital(1e7, 0.2, 0.3))
    run = make_run(examination=examination(capacity=points))
    assert largest_capital(run, thresholds) == 1e5
    assert largest_capital(make_run(examination=None), thresholds) is None


def test_the_first_stage_that_is_not_passed_decides(make_run, thresholds):
    held = make_run(reproductions=(), oos={**OOS, "net_return_pct": -3.0})
    assert verdict(evaluate_rules(held, None, "embedded", thresholds)) == "hold"
    rejected = make_run(examination=None, reproductions=(False,))
    assert verdict(evaluate_rules(rejected, None, "embedded", thresholds)) == "reject"


def test_a_venue_that_lacks_an_order_type_is_named(make_run, thresholds):
    run = make_run(order_types=("LIMIT", "MARKET", "STOP"))
    rule = row(evaluate_rules(run, None, "embedded", thresholds), "order_types_supported")
    assert rule.note == "Venue embedded lacks STOP."
    trails = make_run(order_types=("MARKET", "STOP_LIMIT", "TRAILING_STOP"))
    rule = row(evaluate_rules(trails, None, "binance", thresholds), "order_types_supported")
    assert rule.note == "Venue binance lacks TRAILING_STOP."
    rule = row(evaluate_rules(run, None, "elsewhere", thresholds), "order_types_supported")
    assert rule.passed is None


def test_real_money_is_never_promoted_here(make_run, thresholds):
    rules = evaluate_rules(make_run(), None, "binance", thresholds)
    assert row(rules, "paper_money").passed is False
    assert verdict(rules) == "hold"
    assert not has_integrity(rules)


def test_the_champion_is_beaten_over_the_same_days_or_stays(
    make_run, champion, returns, thresholds
):
    def better(**changes):
        rules = evaluate_rules(make_run(), champion(**changes), "embedded", thresholds)
        return row(rules, "better_than_champion")

    won = better()
    assert (won.passed, won.value["by"]) == (True, "return")
    assert won.value["interval_pct"][0] > 0
    assert better(theirs=returns(0.002)).passed is False  # a tie keeps the champion
    assert better(theirs=returns(0.004, seed=2)).passed is False
    assert better(theirs=None).passed is None


def test_a_much_calmer_candidate_may_earn_the_same(make_run, champion, thresholds):
    ours = champion().ours
    theirs = replace(ours, values=ours.values + (ours.values - ours.values.mean()) * 0.5)
    rules = evaluate_rules(
        make_run(), champion(theirs=theirs), "embedded", replace(thresholds, max_inferiority_pct=99)
    )
    rule = row(rules, "better_than_champion")
    assert (rule.passed, rule.value["by"]) == (True, "risk")


@pytest.mark.parametrize(("days", "passed"), [(13, False), (14, True), (None, None)])
def test_a_book_keeps_a_release_for_a_while(make_run, champion, thresholds, days, passed):
    rules = evaluate_rules(make_run(), champion(days_held=days), "embedded", thresholds)
    assert row(rules, "held_long_enough").passed is passed


def test_a_benchmark_is_held_at_the_candidates_own_risk(make_run, examination, thresholds):
    """Three times the market's swings for a little more than the candidate earns are no better."""
    market = np.random.default_rng(5).normal(0.0, 0.03, 300)
    market += 0.0025 - market.mean()
    run = make_run(examination=examination(benchmarks={"buy_and_hold": market}))
    rule = row(evaluate_rules(run, None, "embedded", thresholds), "superior_ability")
    assert market.mean() > run.returns.values.mean()
    assert rule.passed
    # Less than the candidate swings cannot be scaled up: nobody lends.
    calm = run.returns.values / 2
    run = make_run(examination=examination(benchmarks={"calm": calm}))
    assert row(evaluate_rules(run, None, "embedded", thresholds), "superior_ability").passed


@pytest.mark.parametrize(("days", "passed"), [(29, False), (30, True), (None, None)])
def test_what_was_taken_back_comes_again_with_new_evidence_only(make_run, thresholds, days, passed):
    left = TakenBack("r0", "it lost more than predicted", "conduct", days)
    rule = row(
        evaluate_rules(make_run(taken_back=left), None, "embedded", thresholds), "not_taken_back"
    )
    assert rule.passed is passed
    assert "it lost more than predicted" in rule.note
    assert row(evaluate_rules(make_run(), None, "embedded", thresholds), "not_taken_back").passed


def test_a_later_model_of_the_same_procedure_is_not_compared_with_itself(
    make_run, champion, thresholds
):
    same = champion(spec_hash="a" * 64, days_held=1)
    rules = evaluate_rules(make_run(), same, "embedded", thresholds)
    assert row(rules, "better_than_champion").passed
    assert row(rules, "held_long_enough").passed
    assert "later model" in row(rules, "better_than_champion").note


def test_rules_quote_the_files_they_read(make_run, thresholds):
    rules = evaluate_rules(make_run(), None, "embedded", thresholds)
    assert row(rules, "min_trades").evidence == ("runs/ema_trend/r1/metrics.json#00",)
    assert row(rules, "stressed").evidence == ("examinations/ema_trend/r1/e1/examination.json#22",)

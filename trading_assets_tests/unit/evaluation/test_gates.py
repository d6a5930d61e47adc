import pytest

from trading_assets.evaluation.gates import (
    ChampionEvidence,
    Check,
    evaluate_rules,
    has_integrity,
    verdict,
)


def champion(**changes):
    facts = {
        "release_id": "old",
        "spec": "ib_risk1",
        "spec_hash": "b" * 64,
        "models": {},
        "oos_return_pct": 1.0,
        "candidate_return_pct": 1.5,
        "evidence": {"equity.parquet": "runs/ib_risk1/r0/equity.parquet#11"},
    }
    return ChampionEvidence(**{**facts, **changes})


def row(rules, name):
    return next(rule for rule in rules if rule.rule == name)


def test_a_run_that_meets_every_rule_is_promoted(make_run, thresholds):
    rules = evaluate_rules(make_run(), champion(), "embedded", thresholds)
    assert [rule.rule for rule in rules if not rule.passed] == []
    assert verdict(rules) == "promote"
    assert has_integrity(rules)


@pytest.mark.parametrize(
    ("change", "rule", "expected"),
    [
        ({"checks": (Check("bars", passed=False),)}, "checks_green", "reject"),
        ({"checks": (Check("bars", passed=None),)}, "checks_green", "hold"),
        ({"checks": ()}, "checks_green", "hold"),
        ({"stale": ("bars_5m/SOLUSDT/2024-03",)}, "evidence_current", "hold"),
        ({"reproductions": ()}, "reproducible", "hold"),
        ({"reproductions": (True, False)}, "reproducible", "reject"),
        (
            {"fill_rules": {"fill_at": "bar_close", "size_at": "close"}},
            "realistic_fills",
            "reject",
        ),
        ({"costs": {"fees_bps": "10", "slippage_bps": "0"}}, "costs_of_price", "hold"),
        ({"costs": {}}, "costs_of_price", "hold"),
        ({"order_types": ("MARKET", "STOP")}, "order_types_supported", "hold"),
        ({"pins_complete": False}, "models_pinned", "hold"),
        ({"models": {"1h": "m"}, "model_skill": {"1h": False}}, "model_beats_baselines", "hold"),
        ({"models": {"1h": "m"}}, "model_beats_baselines", "hold"),
        ({"metrics": {"num_trades": 99}}, "min_trades", "hold"),
        ({"metrics": {}}, "min_trades", "hold"),
        ({"oos": {"num_trades": 29, "net_return_pct": 1}}, "min_oos_trades", "hold"),
        ({"oos": {"num_trades": 30, "net_return_pct": 0.0}}, "net_of_costs_oos", "reject"),
        ({"oos": {"num_trades": 30, "net_return_pct": None}}, "net_of_costs_oos", "hold"),
    ],
)
def test_each_rule_alone_keeps_a_run_from_being_promoted(
    make_run, thresholds, change, rule, expected
):
    rules = evaluate_rules(make_run(**change), champion(), "embedded", thresholds)
    assert [r.rule for r in rules if not r.passed] == [rule]
    assert verdict(rules) == expected


def test_missing_evidence_is_hold_even_beside_a_clear_failure(make_run, thresholds):
    run = make_run(reproductions=(), oos={"num_trades": 50, "net_return_pct": -3.0})
    assert verdict(evaluate_rules(run, None, "embedded", thresholds)) == "hold"


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


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        ({"oos_return_pct": 1.4}, True),
        ({"oos_return_pct": 1.5}, False),  # a tie keeps the champion
        ({"oos_return_pct": 2.0}, False),
        ({"oos_return_pct": None}, None),
        ({"candidate_return_pct": None}, None),
    ],
)
def test_the_champion_is_beaten_over_the_same_days_or_stays(make_run, thresholds, change, passed):
    rules = evaluate_rules(make_run(), champion(**change), "embedded", thresholds)
    assert row(rules, "better_than_champion").passed is passed


def test_a_later_model_of_the_same_procedure_is_not_compared_with_itself(make_run, thresholds):
    same = champion(spec_hash="a" * 64, oos_return_pct=1.5)
    rule = row(evaluate_rules(make_run(), same, "embedded", thresholds), "better_than_champion")
    assert rule.passed
    assert "later model" in rule.note


def test_rules_quote_the_files_they_read(make_run, thresholds):
    rules = evaluate_rules(make_run(), None, "embedded", thresholds)
    assert row(rules, "min_trades").evidence == ("runs/ema_trend/r1/metrics.json#00",)

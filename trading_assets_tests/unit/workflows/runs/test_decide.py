import dataclasses

import pytest

from trading_assets.backtest import result as result_module
from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    InvariantError,
    MissingPartition,
    RulesChanged,
)
from trading_assets.evaluation.decision import Decision
from trading_assets.evaluation.gates import Check
from trading_assets.workflows.decide import as_of_text, decide, recompute
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec


@pytest.fixture
def run(desk):
    return lambda name: run_backtest(desk, find_spec(desk.settings, name)).run


def rule(decision, name):
    return next(row for row in decision.rules if row["rule"] == name)


def field(decision):
    return {entry["spec"]: entry for entry in decision.document["field"]}


def test_the_first_decision_promotes_the_best_that_the_venue_can_execute(desk, run):
    for name in ("ema_trend", "ib_risk1"):
        run(name)
    decision = decide(desk, "paper")
    assert (decision.verdict, decision.candidate["spec"]) == ("promote", "ema_trend")
    assert field(decision)["ib_risk1"]["failed"][0] == "order_types_supported"
    assert desk.releases.decisions.current("paper") == decision
    assert as_of_text(decision) == "2024-02-06 23:55 UTC"


def test_a_run_that_was_never_repeated_is_repeated_before_it_counts(desk, run):
    stored = run("ema_trend")
    assert desk.runs.reproductions("ema_trend", stored.run_id) == ()
    decision = decide(desk, "paper")
    assert rule(decision, "reproducible")["value"] == {"runs": 2, "equal": 2}
    assert len(desk.runs.reproductions("ema_trend", stored.run_id)) == 1


def test_the_same_evidence_gives_the_same_document(desk, run):
    run("ema_trend")
    first = decide(desk, "paper")
    assert decide(desk, "paper").payload == first.payload
    assert len(desk.releases.decisions.history("paper")) == 1


def test_the_time_of_the_clock_stands_in_no_run_decision_or_release(desk):
    """The ledger of trials alone says when."""

    class Late:
        def now(self):
            return 4_102_444_800_123_456

    late = dataclasses.replace(desk, clock=Late())
    run_backtest(late, find_spec(desk.settings, "ema_trend"))
    decision = decide(late, "paper")
    assert decision.document["as_of"] == desk.runs.current("ema_trend").manifest["last_ts"]
    publish_release(late, "paper", decision.decision_id)
    for kind in ("runs", "releases"):
        files = [p for p in (desk.settings.data_root / kind).rglob("*") if p.is_file()]
        assert files
        assert not any(b"4102444800" in path.read_bytes() for path in files)


def test_recomputing_gives_the_same_bytes_also_after_more_has_happened(desk, run, lay_bars):
    run("ema_trend")
    first = decide(desk, "paper")
    publish_release(desk, "paper", first.decision_id)
    lay_bars(desk, "SOLUSDT", 9)
    run("ema_trend")
    decide(desk, "paper")
    assert recompute(desk, first.decision_id[:12]).payload == first.payload


def test_altered_evidence_is_found_when_recomputing(desk, run):
    stored = run("ema_trend")
    decision = decide(desk, "paper")
    path = stored.folder / "metrics.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(CorruptFile, match=r"metrics\.json"):
        recompute(desk, decision.decision_id)


def test_a_forged_decision_cannot_be_recomputed(desk, run):
    run("ema_trend")
    document = dict(decide(desk, "paper").document)
    forged = Decision({**document, "verdict": "reject"})
    desk.releases.decisions.record(forged)
    with pytest.raises(InvariantError, match="cannot be reproduced") as caught:
        recompute(desk, forged.decision_id)
    assert not isinstance(caught.value, RulesChanged)


@pytest.mark.parametrize("other", [{"verdict": "reject"}, {"schema": 1}])
def test_a_decision_of_other_rules_is_no_forgery(desk, run, other):
    run("ema_trend")
    document = decide(desk, "paper").document
    inputs = {**document["inputs"], "gate_code": "0" * 64}
    old = Decision({**document, **other, "inputs": inputs})
    desk.releases.decisions.record(old)
    with pytest.raises(RulesChanged, match="code of its time"):
        recompute(desk, old.decision_id)


def test_a_run_of_old_data_is_held(desk, run, lay_bars):
    run("ema_trend")
    lay_bars(desk, "SOLUSDT", 9)
    decision = decide(desk, "paper")
    assert decision.verdict == "hold"
    assert rule(decision, "evidence_current")["value"] == [
        "bars_5m/SOLUSDT/2024-01",
        "bars_5m/SOLUSDT/2024-02",
    ]


def test_a_run_that_gives_other_bytes_is_rejected(desk, run, monkeypatch):
    run("ema_trend")
    monkeypatch.setattr(result_module, "title", lambda spec, metrics: "other")
    decision = decide(desk, "paper")
    assert decision.verdict == "reject"
    assert rule(decision, "reproducible")["passed"] is False


def test_a_red_check_from_outside_rejects_and_one_that_did_not_run_holds(desk, run):
    run("ema_trend")
    red = decide(desk, "paper", checks=[Check("forecasts", passed=False, detail="drift")])
    assert (red.verdict, rule(red, "checks_green")["value"]["red"]) == ("reject", ["forecasts"])
    unknown = decide(desk, "paper", checks=[Check("forecasts", passed=None)])
    assert unknown.verdict == "hold"


def test_nothing_to_choose_from_is_hold(desk):
    decision = decide(desk, "paper")
    assert (decision.verdict, decision.candidate) == ("hold", None)
    assert "ema_trend" in decision.document["inputs"]["without_run"]


def test_the_champion_is_no_candidate_against_itself(desk, run):
    run("ema_trend")
    publish_release(desk, "paper", decide(desk, "paper").decision_id)
    decision = decide(desk, "paper")
    assert (decision.verdict, decision.candidate) == ("hold", None)
    assert decision.document["champion"]["spec"] == "ema_trend"


def test_a_challenger_is_compared_with_the_champion_over_the_same_days(desk, run, tmp_path):
    run("ema_trend")
    publish_release(desk, "paper", decide(desk, "paper").decision_id)
    specs = tmp_path / "specs"
    specs.mkdir()
    text = find_spec(desk.settings, "ema_trend").canonical_yaml()
    (specs / "slow.yaml").write_text(
        text.replace("name: ema_trend", "name: slow_trend").replace("slow: 36", "slow: 200")
    )
    desk = dataclasses.replace(desk, settings=desk.settings.model_copy(update={"specs_dir": specs}))
    run_backtest(desk, find_spec(desk.settings, "slow_trend"))
    decision = decide(desk, "paper")
    assert decision.candidate["spec"] == "slow_trend"
    compared = rule(decision, "better_than_champion")
    assert compared["passed"] is False  # both are paid by the same trends
    assert decision.verdict == "hold"
    assert any("/ema_trend/" in path for path in compared["evidence"])
    assert recompute(desk, decision.decision_id).payload == decision.payload


def test_what_the_book_was_taken_back_from_is_held_until_more_is_known(desk, run):
    run("ema_trend")
    publish_release(desk, "paper", decide(desk, "paper").decision_id)
    other = run("ib_risk1")
    before = desk.releases.current_id("paper")
    facts = {
        **desk.releases.require("paper").facts,
        "decision_id": "e" * 64,
        "spec": "ib_risk1",
        "spec_hash": other.manifest["spec_hash"],
    }
    files = {"spec.yaml": other.file("spec.yaml"), "decision.json": b"{}"}
    left, _ = desk.releases.publish("paper", facts, files, after=before)
    desk.releases.roll_back("paper", reason="it lost more than predicted", by="conduct")

    decision = decide(desk, "paper")
    held = rule(decision, "not_taken_back")
    assert decision.candidate["spec"] == "ib_risk1"
    assert held["passed"] is False
    assert held["value"] == {"release": left.release_id, "by": "conduct", "days": 0}
    assert recompute(desk, decision.decision_id).payload == decision.payload


def test_unknown_books_and_decisions_are_named(desk):
    with pytest.raises(ConfigurationError, match="No such book"):
        decide(desk, "nowhere")
    with pytest.raises(MissingPartition):
        recompute(desk, "0" * 64)

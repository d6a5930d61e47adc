"""Words for what makes two decisions differ."""

import pytest

from trading_assets.evaluation.decision import Decision
from trading_assets.evaluation.decision_differences import (
    first_difference,
    is_flip,
    rule_changes,
)


def rule(name, passed, value=1.5, threshold=2, note=""):
    return {
        "rule": name,
        "passed": passed,
        "value": value,
        "threshold": threshold,
        "note": note,
    }


def decision(verdict, spec, rules=(), failed=None, cagr=None):
    failed, cagr = failed or {}, cagr or {}
    return Decision(
        {
            "verdict": verdict,
            "candidate": {"spec": spec} if spec else None,
            "rules": list(rules),
            "field": [
                {"spec": name, "failed": failed.get(name, []), "oos_cagr_pct": cagr.get(name)}
                for name in ("a", "b")
            ],
        }
    )


def test_the_first_rule_that_changes_its_mind_is_told_with_what_was():
    then = decision("promote", "a", [rule("x", passed=True), rule("y", passed=True, value=3.0)])
    now = decision(
        "hold",
        "a",
        [rule("x", passed=True, value=1.25), rule("y", passed=False, note="Too little.")],
    )
    assert is_flip(then, now)
    said = "y is not met any more: 1.5, was 3; wanted 2. Too little."
    assert first_difference(then, now) == said
    assert [change.rule for change in rule_changes(then, now)] == ["x", "y"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (False, True, "y is met now: 1.5; wanted 1 instead of 2."),
        (True, None, "y lacks its evidence now: 1.5; wanted 1 instead of 2."),
        (None, False, "y is not met: 1.5; wanted 1 instead of 2."),
    ],
)
def test_evidence_and_thresholds_are_told(before, after, words):
    then = decision("hold", "a", [rule("y", passed=before)])
    now = decision("hold", "a", [rule("y", passed=after, threshold=1)])
    assert first_difference(then, now) == words


def test_of_many_values_those_that_differ_are_told():
    then = decision("promote", "a", [rule("y", passed=True, value={"p": 0.1, "n": 3})])
    now = decision("hold", "a", [rule("y", passed=False, value={"p": 0.5, "n": 3})])
    assert first_difference(then, now) == "y is not met any more: p 0.5, was p 0.1; wanted 2."


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (
            decision("promote", "a"),
            decision("hold", "b", failed={"a": ["x", "y"]}),
            "a does not pass x any more, and b comes before it.",
        ),
        (
            decision("promote", "a", failed={"b": ["x"]}),
            decision("promote", "b"),
            "b passes x now, and comes before a.",
        ),
        (
            decision("promote", "a", cagr={"a": 2.0, "b": 1.0}),
            decision("promote", "b", cagr={"a": 1.0, "b": 1.5}),
            "b earns 1.5 % a year out of sample, a 1 %: b comes first now.",
        ),
        (decision("promote", "a"), decision("hold", None), "a is no candidate now."),
        (decision("hold", None), decision("promote", "b"), "b is a candidate now."),
    ],
)
def test_another_candidate_is_explained(then, now, words):
    assert is_flip(then, now)
    assert first_difference(then, now) == words
    assert rule_changes(then, now) == ()


def test_the_same_is_no_difference():
    one = decision("hold", "a", [rule("y", passed=False)])
    assert (first_difference(one, one), is_flip(one, one), rule_changes(one, one)) == (
        "",
        False,
        (),
    )

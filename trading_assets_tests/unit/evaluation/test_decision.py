import json

import pytest

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import sha256_hex
from trading_assets.evaluation.decision import Contender, Decision, decide_from

CHAMPION = {"release_id": "old", "spec": "ib_risk1"}


def oos(net, *, growth=None, trades=50):
    growth = net if growth is None else growth
    return {"num_trades": trades, "net_return_pct": net, "cagr_pct": growth}


@pytest.fixture
def decide(thresholds):
    def decide(*runs, champion=None, venue="embedded"):
        return decide_from(
            book="paper",
            venue=venue,
            as_of=1_711_929_300_000_000,
            thresholds=thresholds,
            contenders=[Contender(run, None) for run in runs],
            champion=champion,
            inputs={"runs": [run.run_id for run in runs]},
        )

    return decide


def test_the_document_is_canonical_and_its_id_is_its_hash(decide, make_run):
    decision = decide(make_run())
    assert decision.decision_id == sha256_hex(decision.payload)
    assert (
        decision.payload
        == json.dumps(
            decision.document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
    )
    assert Decision.from_payload(decision.payload) == decision
    assert decide(make_run()).payload == decision.payload


def test_every_rule_stands_with_value_threshold_verdict_and_evidence(decide, make_run):
    for rule in decide(make_run()).rules:
        assert {"rule", "value", "threshold", "passed", "evidence", "on_fail"} <= set(rule)


def test_the_candidate_is_the_best_of_those_that_may_be_promoted(decide, make_run):
    stop = make_run(
        spec="ib_risk1",
        order_types=("STOP",),
        oos=oos(9.0),
    )
    good = make_run(spec="good", oos=oos(2.0))
    fair = make_run(spec="fair", oos=oos(1.0))
    decision = decide(fair, stop, good, champion=CHAMPION)
    assert (decision.candidate["spec"], decision.verdict) == ("good", "promote")
    field = [entry["spec"] for entry in decision.document["field"]]
    assert field == ["good", "fair", "ib_risk1"]
    assert decision.document["field"][2]["failed"] == ["order_types_supported"]


def test_runs_of_different_length_are_compared_by_their_growth_per_year(decide, make_run):
    long = make_run(spec="long", oos=oos(9.0, growth=20.0))
    short = make_run(spec="short", oos=oos(3.0, growth=40.0))
    assert decide(long, short, champion=CHAMPION).candidate["spec"] == "short"


def test_the_first_release_of_a_book_needs_every_rule_too(decide, make_run):
    weak = make_run(spec="weak", oos=oos(-2.0))
    assert decide(weak).verdict == decide(weak, champion=CHAMPION).verdict == "reject"


def test_where_nobody_passes_the_candidate_is_one_that_can_be_believed(decide, make_run):
    stop = make_run(spec="stop", order_types=("STOP",), oos=oos(9.0, trades=5))
    decision = decide(stop, make_run(spec="weak", oos=oos(1.0, trades=5)))
    assert (decision.candidate["spec"], decision.verdict) == ("weak", "hold")


@pytest.mark.parametrize(
    "change",
    [{"reproductions": ()}, {"reproductions": (False,)}, {"order_types": ("STOP",)}],
)
def test_a_run_that_cannot_be_believed_is_not_promoted(decide, make_run, change):
    assert decide(make_run(**change)).verdict in {"hold", "reject"}


def test_a_book_with_real_money_is_not_promoted_for(decide, make_run):
    assert decide(make_run(), venue="binance").verdict == "hold"


def test_without_a_candidate_the_verdict_is_hold(decide):
    decision = decide(champion=CHAMPION)
    assert (decision.verdict, decision.candidate, decision.rules) == ("hold", None, ())
    assert decision.document["reason"]


def test_bytes_that_are_no_decision_are_refused(decide, make_run):
    payload = decide(make_run()).payload
    for bad in (payload[:-1], payload.replace(b":", b": ", 1), b"{}", b"[]", b""):
        with pytest.raises(CorruptFile):
            Decision.from_payload(bad)

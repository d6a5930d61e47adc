"""What a decision tells the runs it judged, with the experiments' place taken by a notebook."""

import pytest

from trading_assets.evaluation.decision import Decision
from trading_assets.workflows.decide import decide
from trading_assets.workflows.log_decision import log_decision
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.registry import CHALLENGER, CHAMPION, PREVIOUS, differences, holders
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec


@pytest.fixture
def run(desk):
    return lambda name: run_backtest(desk, find_spec(desk.settings, name)).run


def with_values(decision, **values):
    rules = [{**r, "value": values.get(r["rule"], r["value"])} for r in decision.rules]
    return Decision({**decision.document, "rules": rules})


def test_stressed_and_deflated_figures_have_their_namespaces(desk, run):
    run("ema_trend")
    decision = with_values(
        decide(desk, "paper"),
        stressed={"costs_x2": 0.4, "one_bar_later": None},
        deflated_sharpe={"deflated_sharpe": 0.9, "trials": 7},
        overfitting_probability={"pbo": 0.1},
    )
    log_decision(desk, decision)
    ((_, _, tags, values, _),) = desk.experiments.runs
    assert tags["gate"] == decision.verdict
    expected = {"oos.dsr": 0.9, "n_trials": 7, "oos.pbo": 0.1}
    expected |= {"stress.costs_x2.sharpe": 0.4, "stress.one_bar_later.sharpe": None}
    assert expected.items() <= values["metrics"].items()


def test_those_that_were_not_chosen_have_their_verdict_and_no_figures(desk, run):
    for name in ("ema_trend", "ib_risk1"):
        run(name)
    decision = decide(desk, "paper")
    log_decision(desk, decision)
    judged = {
        tags["strategy.id"]: (tags, values) for _, _, tags, values, _ in desk.experiments.runs
    }
    assert len(judged) == 2
    for row in decision.document["field"]:
        tags, values = judged[row["spec"]]
        assert (tags["gate"], tags["decision_id"]) == (row["verdict"], decision.decision_id)
        is_candidate = row["spec"] == decision.candidate["spec"]
        assert ("oos.dsr" in values["metrics"]) == is_candidate


def test_a_book_has_one_challenger_whatever_its_family(desk, run):
    run("ib_risk1")
    log_decision(desk, decide(desk, "paper"))
    assert holders(desk, "paper").keys() == {CHALLENGER}
    (held,) = desk.experiments.aliases_held
    assert held != ("ta.ema_trend.paper", CHALLENGER)
    assert held[1] == CHALLENGER

    run("ema_trend")
    decision = decide(desk, "paper")
    log_decision(desk, decision)
    assert desk.experiments.aliases_held == {("ta.ema_trend.paper", CHALLENGER): "1"}
    publish_release(desk, "paper", decision.decision_id)
    assert desk.experiments.aliases_held == {("ta.ema_trend.paper", CHAMPION): "1"}
    assert differences(desk, "paper") == ()

    desk.experiments.move_alias("ta.ema_trend.paper", PREVIOUS, "1")
    (told,) = differences(desk, "paper")
    assert told.startswith("previous of ta.ema_trend.paper is of decision ")
    assert told.endswith("by the ledger nothing")


def test_models_of_forecasts_keep_their_own_challenger(desk, run):
    run("ema_trend")
    publish_release(desk, "paper", decide(desk, "paper").decision_id)
    logged = desk.experiments.runs[0][-1]
    name = "ta.forecast_1h.paper"
    desk.experiments.register(name, logged, source="models:/m-1", tags={"model_id": "m"})
    desk.experiments.move_alias(name, CHALLENGER, "1")
    assert differences(desk, "paper") == ()

"""Views are kept in a real MLflow store, and what they filter and sort by is asked of it."""

import json

import pytest

from trading_assets.storage.experiments import Experiments
from trading_assets.storage.mlflow_views import (
    STRATEGIES,
    strategies_url,
    strategies_view,
    trials_url,
    view_tag,
)

_BACKTESTS = ("ta/one/backtest", "ta/two/backtest")


@pytest.fixture(scope="module")
def experiments(tmp_path_factory) -> Experiments:
    return Experiments(tmp_path_factory.mktemp("mlflow"))


def logged(experiments, experiment, spec, sharpe):
    run = experiments.log_run(
        experiment,
        f"{spec} at {sharpe}",
        metrics={"oos.sharpe": sharpe},
        tags={"stage": "backtest", "strategy.id": spec},
    )
    experiments.mark_newest(experiment, run, spec)
    return run


def found_by(experiments, view, names):
    """What the page asks for, with the view's own filter and order."""
    client = experiments._client
    ids = [client.get_experiment_by_name(name).experiment_id for name in names]
    order = [f"{view['orderByKey']} {'ASC' if view['orderByAsc'] else 'DESC'}"]
    return client.search_runs(ids, view["searchFilter"], order_by=order)


def test_the_view_finds_the_newest_run_of_each_strategy_best_first(experiments):
    logged(experiments, _BACKTESTS[0], "a", 3.0)
    newest_of_a = logged(experiments, _BACKTESTS[0], "a", 1.0)
    best = logged(experiments, _BACKTESTS[1], "b", 2.0)
    other = logged(experiments, _BACKTESTS[0], "c", -1.0)
    experiments.log_run(
        _BACKTESTS[1],
        "a trial",
        metrics={"oos.sharpe": 9.0},
        tags={"kind": "trial", "strategy.id": "b"},
    )
    found = found_by(experiments, json.loads(strategies_view()), _BACKTESTS)
    assert [run.info.run_id for run in found] == [best.run_id, newest_of_a.run_id, other.run_id]


def test_an_older_run_that_counts_again_is_the_newest(experiments):
    old = logged(experiments, "ta/three/backtest", "d", 1.0)
    logged(experiments, "ta/three/backtest", "d", 2.0)
    experiments.mark_newest("ta/three/backtest", old, "d")
    found = found_by(experiments, json.loads(strategies_view()), ["ta/three/backtest"])
    assert [run.info.run_id for run in found] == [old.run_id]


def test_every_experiment_of_backtests_has_the_view_and_no_other_has(experiments):
    logged(experiments, _BACKTESTS[0], "a", 1.0)
    experiments.log_run("ta/forecast/train", "a model")
    client = experiments._client
    tags = client.get_experiment_by_name(_BACKTESTS[0]).tags
    assert tags[view_tag(STRATEGIES)] == strategies_view()
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert view_tag(STRATEGIES) not in client.get_experiment_by_name("ta/forecast/train").tags


def test_a_view_that_was_changed_is_put_back_with_the_next_run(experiments):
    logged(experiments, _BACKTESTS[0], "a", 1.0)
    client = experiments._client
    number = client.get_experiment_by_name(_BACKTESTS[0]).experiment_id
    client.set_experiment_tag(number, view_tag(STRATEGIES), "{}")
    logged(experiments, _BACKTESTS[0], "a", 1.0)
    assert client.get_experiment(number).tags[view_tag(STRATEGIES)] == strategies_view()


def test_the_columns_are_shown_in_their_order_and_the_charts_have_their_metrics():
    view = json.loads(strategies_view())
    assert view["columnOrder"] == view["selectedColumns"]
    assert view["selectedColumns"][:3] == [
        "tags.`strategy.id`",
        "tags.`gate`",
        "metrics.`oos.sharpe`",
    ]
    kinds = {chart["type"]: chart for chart in view["compareRunCharts"]}
    assert kinds["SCATTER"]["xaxis"]["key"] == "is.sharpe"
    assert kinds["SCATTER"]["yaxis"]["key"] == "oos.sharpe"
    assert "oos.sharpe" in kinds["PARALLEL"]["selectedMetrics"]
    sections = {section["uuid"] for section in view["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == sections
    assert len(strategies_view()) < 5000, "MLflow keeps no longer tag"


def test_the_view_of_trials_shows_the_children_and_not_the_parent(experiments):
    name = "ta/four/backtest"
    parent = experiments.log_run(name, "a sweep", tags={"kind": "sweep"})
    trials = [
        experiments.log_run(
            name,
            f"trial {n}",
            params={"fast": n},
            metrics={"oos.sharpe": float(n)},
            tags={"mlflow.parentRunId": parent.run_id},
        )
        for n in range(3)
    ]
    url = experiments.keep_trials_view(name, parent, ["fast"], ["oos.sharpe", "is.sharpe"])
    experiment = experiments._client.get_experiment_by_name(name)
    key = parent.run_id[:12]
    assert url == trials_url(experiments.ui_url, experiment.experiment_id, key)
    view = json.loads(experiment.tags[view_tag(key)])
    found = found_by(experiments, view, [name])
    assert [run.info.run_id for run in found] == [t.run_id for t in reversed(trials)]
    parallel = view["compareRunCharts"][0]
    assert (parallel["selectedParams"], parallel["showAllRuns"]) == (["fast"], True)


def test_the_address_names_every_experiment_and_the_view():
    url = strategies_url("http://127.0.0.1:5000", ["1", "3"])
    assert url == (
        "http://127.0.0.1:5000/#/compare-experiments/s"
        "?experiments=%5B%221%22%2C%223%22%5D&viewStateShareKey=strategies"
    )
    assert strategies_url("http://127.0.0.1:5000", []) == "http://127.0.0.1:5000"

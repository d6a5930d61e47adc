"""The same workflows over the real experiment store, which other tests replace by a notebook."""

import dataclasses
import json
from pathlib import Path

import polars as pl
import pytest

from trading_assets.backtest.sweep_file import load_sweep
from trading_assets.storage.experiments import Experiments
from trading_assets.storage.mlflow_views import view_tag
from trading_assets.workflows.decide import decide, recompute
from trading_assets.workflows.log_decision import log_decision
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.registry import differences, follow_ledger
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_sweep import run_sweep, run_walk_forward
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trial_ledger import trials_of_family

EXAMPLE = Path(__file__).parents[4] / "docs/examples/sweeps/ema_spans.yaml"


@pytest.mark.slow
def test_a_run_is_logged_once_and_its_release_is_the_champion(desk, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    spec = find_spec(desk.settings, "ema_trend")
    first = run_backtest(desk, spec, tags={"dagster.run_id": "d1"})
    assert run_backtest(desk, spec).url == first.url
    _tells_its_story(desk, first)
    run_id = first.run.run_id
    assert desk.experiments.pages({run_id, "0" * 16}) == {run_id: first.url}
    again = run_backtest(desk, spec, tags={"dagster.run_id": "d2"})
    assert _kept(desk, again).data.tags["dagster.run_id"] == "d2", "the latest one that asked"
    release = publish_release(desk, "paper", decide(desk, "paper").decision_id)
    publish_release(desk, "paper", release.decision_id)
    champion = desk.experiments.alias("ta.ema_trend.paper", "champion")
    assert champion.version == "1"
    assert champion.tags["release_id"] == release.release_id
    assert differences(desk, "paper") == ()


@pytest.mark.slow
def test_a_decision_is_told_to_its_runs_and_names_the_challenger(desk, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    record = run_backtest(desk, find_spec(desk.settings, "ema_trend"))
    decision = decide(desk, "paper")
    log_decision(desk, decision)
    kept, client = _kept(desk, record), desk.experiments._client
    assert kept.data.tags["gate"] == decision.verdict
    assert kept.data.tags["decision_id"] == decision.decision_id
    rules = {rule["rule"]: rule["value"] for rule in decision.rules}
    deflated = rules["deflated_sharpe"]["deflated_sharpe"]
    assert kept.data.metrics["oos.dsr"] == pytest.approx(deflated)
    assert kept.data.metrics["n_trials"] == rules["deflated_sharpe"]["trials"]
    assert 0 < kept.data.metrics["oos.psr"] < 1
    stressed = rules["stressed"] or {}
    assert {n for n in kept.data.metrics if n.startswith("stress.")} == {
        f"stress.{name}.sharpe" for name, value in stressed.items() if value is not None
    }
    path = client.download_artifacts(kept.info.run_id, "gate.json", str(tmp_path))
    assert Path(path).read_bytes() == decision.payload

    name = "ta.ema_trend.paper"
    challenger = desk.experiments.alias(name, "challenger")
    assert challenger.tags["gate"] == decision.verdict
    publish_release(desk, "paper", decision.decision_id)
    assert desk.experiments.alias(name, "challenger") is None, "it is the champion now"
    assert desk.experiments.alias(name, "champion").version == challenger.version


@pytest.mark.slow
def test_an_alias_moved_by_hand_is_told_and_put_back(desk, lay_bars, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    spec, name = find_spec(desk.settings, "ema_trend"), "ta.ema_trend.paper"
    run_backtest(desk, spec)
    first = publish_release(desk, "paper", decide(desk, "paper").decision_id)
    logged = desk.experiments.find_run("ta/ema_trend/backtest", {"run_id": first.facts["run_id"]})
    stray = desk.experiments.register(name, logged, source=f"runs:/{logged.run_id}/spec.yaml")
    desk.experiments.move_alias(name, "champion", stray.version)
    (told,) = differences(desk, "paper")
    assert told == (
        f"champion of {name} is of no decision, by the ledger of decision {first.decision_id[:16]}"
    )
    desk.experiments.move_alias(name, "previous", stray.version)
    assert len(differences(desk, "paper")) == 2
    follow_ledger(desk, "paper")
    assert differences(desk, "paper") == ()
    assert desk.experiments.alias(name, "previous") is None


@pytest.mark.slow
def test_a_run_deleted_in_mlflow_changes_no_decision_and_no_count(desk, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    record = run_backtest(desk, find_spec(desk.settings, "ema_trend"))
    decision = decide(desk, "paper")
    counted = trials_of_family(desk.settings.data_root, "ema_trend").n
    desk.experiments._client.delete_run(record.url.rsplit("/", 1)[1])
    assert decide(desk, "paper").decision_id == decision.decision_id
    assert recompute(desk, decision.decision_id).payload == decision.payload
    assert trials_of_family(desk.settings.data_root, "ema_trend").n == counted
    log_decision(desk, decision)
    release = publish_release(desk, "paper", decision.decision_id)
    assert desk.releases.current("paper") == release
    (told,) = differences(desk, "paper")
    assert told.startswith("champion of ta.ema_trend.paper is nothing, by the ledger")


@pytest.mark.slow
def test_a_sweep_has_its_trials_in_and_out_of_sample_and_a_view_of_them(desk, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    tags = {"dagster.run_id": "d1", "dagster.asset_key": "sweep/ema_spans"}
    record = run_sweep(desk, load_sweep(EXAMPLE), tags=tags)
    client, parent = desk.experiments._client, _kept(desk, record)
    assert parent.data.tags["stage"] == "research"
    assert "/assets/sweep/ema_spans)" in parent.data.tags["mlflow.note.content"]
    assert parent.data.metrics["n_trials"] == 9, "costs are no parameter of a trial"
    names = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"report.html", "in_and_out.png", "trials.parquet"} <= names

    experiment = client.get_experiment(parent.info.experiment_id)
    view = json.loads(experiment.tags[view_tag(parent.info.run_id[:12])])
    trials = client.search_runs([experiment.experiment_id], view["searchFilter"])
    assert len(trials) == 18
    parallel, scatter = view["compareRunCharts"]
    for name in parallel["selectedParams"]:
        assert len({trial.data.params[name] for trial in trials}) > 1
    for axis in ("xaxis", "yaxis"):
        assert all(scatter[axis]["key"] in trial.data.metrics for trial in trials)
    shown = record.metadata["mlflow trials"]
    assert shown.endswith(f"viewStateShareKey={parent.info.run_id[:12]}&compareRunsMode=CHART")
    assert f"({shown})" in parent.data.tags["mlflow.note.content"]
    (data,) = parent.inputs.dataset_inputs
    assert data.dataset.name.startswith("bars_5m 2024-01")
    assert len(parent.data.tags["data.hash"]) == 64


@pytest.mark.slow
def test_the_folds_of_a_walk_forward_are_steps_of_one_run(desk, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    record = run_walk_forward(desk, load_sweep(EXAMPLE))
    assert run_walk_forward(desk, load_sweep(EXAMPLE)).url == record.url
    kept, client = _kept(desk, record), desk.experiments._client
    folds = pl.read_parquet(record.folder / "folds.parquet")
    steps = client.get_metric_history(kept.info.run_id, "wf.sharpe")
    assert {s.step: s.value for s in steps} == pytest.approx(
        {n: v for n, v in enumerate(folds["out_sharpe"]) if v is not None}
    )
    assert kept.data.tags["kind"] == "walk_forward"
    assert {f.path for f in client.list_artifacts(kept.info.run_id)} >= {"folds.parquet"}


def _kept(desk, record):
    return desk.experiments._client.get_run(record.url.rsplit("/", 1)[1])


def _artifact(kept, name):
    return Path(kept.info.artifact_uri.removeprefix("file://")) / name


def _tells_its_story(desk, record):
    kept, run = _kept(desk, record), record.run
    tags, metrics = kept.data.tags, kept.data.metrics
    assert tags["newest"] == "yes"
    assert "/runs/d1)" in tags["mlflow.note.content"]
    expected = {"stage", "strategy.id", "trial_family", "config.hash", "data.hash", "seed"}
    assert expected | {"code.commit", "code.dirty", "result.hash"} <= tags.keys()
    assert metrics["oos.sharpe"] == pytest.approx(run.metrics["oos"]["sharpe"])
    whole, oos = run.metrics["all"], run.metrics["oos"]
    assert metrics["is.num_trades"] == whole["num_trades"] - oos["num_trades"]
    growth = [1 + metrics[name] / 100 for name in ("is.net_return_pct", "oos.net_return_pct")]
    assert growth[0] * growth[1] == pytest.approx(1 + whole["net_return_pct"] / 100)
    (data,) = kept.inputs.dataset_inputs
    assert len(data.dataset.digest) == 32
    assert {tag.key: tag.value for tag in data.tags}["sha256"].startswith(data.dataset.digest)
    names = {file.path for file in desk.experiments._client.list_artifacts(kept.info.run_id)}
    assert {"report.html", "spec.yaml", "manifest.json", "metrics.json"} <= names
    path = _artifact(kept, "round_trips.json")
    told, trips = json.loads(path.read_text()), run.table("round_trips")
    assert len(told["data"]) == trips.height > 0
    assert told["columns"][:2] == ["entry_ts_utc", "pnl"]
    pnl = [row[told["columns"].index("pnl")] for row in told["data"]]
    assert pnl == pytest.approx(trips["pnl"].cast(pl.Float64).to_list())

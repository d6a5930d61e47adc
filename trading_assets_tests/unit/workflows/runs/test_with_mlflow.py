"""The same workflows over the real experiment store, which other tests replace by a notebook."""

import dataclasses

import pytest

from trading_assets.storage.experiments import Experiments
from trading_assets.workflows.decide import decide
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec


@pytest.mark.slow
def test_a_run_is_logged_once_and_its_release_is_the_champion(desk, tmp_path):
    desk = dataclasses.replace(desk, experiments=Experiments(tmp_path / "mlflow"))
    spec = find_spec(desk.settings, "ema_trend")
    first = run_backtest(desk, spec, tags={"dagster.run_id": "d1"})
    assert run_backtest(desk, spec).url == first.url
    _tells_its_story(desk, first)
    again = run_backtest(desk, spec, tags={"dagster.run_id": "d2"})
    assert _kept(desk, again).data.tags["dagster.run_id"] == "d2", "the latest one that asked"
    release = publish_release(desk, "paper", decide(desk, "paper").decision_id)
    publish_release(desk, "paper", release.decision_id)
    champion = desk.experiments.alias("ta.ema_trend.paper", "champion")
    assert champion.version == "1"
    assert champion.tags["release_id"] == release.release_id


def _kept(desk, record):
    return desk.experiments._client.get_run(record.url.rsplit("/", 1)[1])


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

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
    release = publish_release(desk, "paper", decide(desk, "paper").decision_id)
    publish_release(desk, "paper", release.decision_id)
    champion = desk.experiments.alias("ta.ema_trend.paper", "champion")
    assert champion.version == "1"
    assert champion.tags["release_id"] == release.release_id

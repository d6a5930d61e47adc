"""A search is counted, shown and suggested; it is the same again, and changes no model."""

import json
import tomllib
from dataclasses import replace

import pytest

from trading_assets.backtest.space import Range, Space
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.settings import load_settings
from trading_assets.storage.mlflow_views import view_tag
from trading_assets.storage.trial_ledger import ledger_at
from trading_assets.workflows import tune_model as module
from trading_assets.workflows.training_data import TrainingData, training_config
from trading_assets.workflows.trial_ledger import trials_of_family
from trading_assets.workflows.tune_model import FAMILY, tune_model

_FEBRUARY = Month(2024, 2)
_SMALL = Space(
    axes={
        "rounds": Range(low=2, high=12, step=2),
        "num_leaves": Range(low=3, high=7, step=4),
        "learning_rate": Range(low="0.05", high="0.2", log=True),
        "min_data_in_leaf": Range(low=200, high=2000, step=200),
    }
)


@pytest.fixture(scope="module")
def tune(desk):
    """Search among small trees: `tune(trials, month=..., groups=...)`."""
    settings = desk.settings
    model = settings.model.model_copy(update={"rounds": 5, "num_leaves": 3})

    def search(trials, *, month=_FEBRUARY, groups=2):
        tuning = settings.tuning.model_copy(update={"groups": groups})
        small = settings.model_copy(update={"tuning": tuning, "model": model})
        return tune_model(
            replace(desk, settings=small),
            month,
            "1h",
            trials=trials,
            tags={"dagster.run_id": "r1"},
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SPACE", _SMALL)
        yield search


@pytest.fixture(scope="module")
def tuned(tune):
    return tune(2)


def test_the_settings_own_parameters_are_tried_first(desk, tuned):
    own = desk.settings.model
    assert len(tuned.trials) == 3
    assert tuned.trials[0]["params"] == {
        "rounds": 5,
        "num_leaves": 3,
        "learning_rate": own.learning_rate,
        "min_data_in_leaf": own.min_data_in_leaf,
    }
    scores = [trial["r2"] for trial in tuned.trials]
    assert tuned.best == scores.index(max(scores))


def test_a_search_is_the_same_again_and_each_trial_is_counted_once(desk, tune, tuned):
    assert trials_of_family(desk.settings.data_root, FAMILY).n == 3
    assert tune(2) == tuned  # trials, folder, hash and page
    assert trials_of_family(desk.settings.data_root, FAMILY).n == 3
    more = tune(3)
    assert more.trials[:3] == tuned.trials
    assert more.folder != tuned.folder
    assert trials_of_family(desk.settings.data_root, FAMILY).n == 4


def test_other_splits_are_another_run_of_the_same_trial(desk, tune, tuned):
    def rows():
        return [row["trial_id"] for row in ledger_at(desk.settings.data_root).read().rows]

    before = rows()
    tune(0)
    assert rows() == before
    tune(0, groups=3)
    (new,) = rows()[len(before) :]
    assert new in before


def test_what_models_could_not_learn_from_is_not_searched(desk, tune, monkeypatch):
    whole = TrainingData.tables.func

    def crumbs(data):
        return {symbol: (rows.tail(600), bars) for symbol, (rows, bars) in whole(data).items()}

    monkeypatch.setattr(TrainingData, "tables", property(crumbs))
    with pytest.raises(DataError, match="at least 3,000 complete rows"):
        tune(0)


def test_a_suggestion_is_lines_for_the_settings_and_nothing_uses_it(desk, tuned, tmp_path):
    lines = tuned.suggestion
    assert f"{tuned.trials[tuned.best]['r2']:+.6f}" in lines
    suggested = tomllib.loads(lines).get("model", {})
    assert suggested == ({} if tuned.best == 0 else tuned.trials[tuned.best]["params"])
    (tmp_path / "trading_assets.toml").write_text(lines)
    read = load_settings({"TA_HOME": str(tmp_path)}).settings.model
    for name, value in suggested.items():
        assert getattr(read, name) == value
    used = desk.settings.model
    assert training_config(desk).rounds == used.rounds != suggested.get("rounds", 0)


def test_mlflow_shows_a_parent_with_a_child_per_trial(desk, tuned):
    client = desk.experiments._client
    parent = client.get_run(tuned.url.rsplit("/", 1)[1])
    assert parent.data.tags["kind"] == "tuning"
    experiment = [parent.info.experiment_id]
    children = client.search_runs(experiment, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    found = {int(run.data.tags["trial"]): run.data.metrics["cv.r2"] for run in children}
    assert found == {trial["number"]: trial["r2"] for trial in tuned.trials}
    assert {run.data.tags["dagster.run_id"] for run in children} == {"r1"}
    names = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"trials.json", "suggestion.toml"} <= names
    key = parent.info.run_id[:12]
    assert f"viewStateShareKey={key}" in parent.data.tags["mlflow.note.content"]
    view = json.loads(client.get_experiment(experiment[0]).tags[view_tag(key)])
    assert len(client.search_runs(experiment, view["searchFilter"])) == len(tuned.trials)

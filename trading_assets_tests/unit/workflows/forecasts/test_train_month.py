import json
from dataclasses import replace

import pytest

from trading_assets.domain.errors import CorruptFile, DataError, MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.features import registry
from trading_assets.features.core import CORE
from trading_assets.workflows import training_data as module
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.feature_importance import importances
from trading_assets.workflows.forecast_month import forecast_month
from trading_assets.workflows.freeze_dataset import freeze_dataset
from trading_assets.workflows.log_training import registered_name
from trading_assets.workflows.train_month import train_month

_JANUARY, _FEBRUARY, _MARCH = Month(2024, 1), Month(2024, 2), Month(2024, 3)


@pytest.fixture(scope="module")
def desk(tmp_path_factory, make_filled_desk):
    """A desk of our own: here models come and go."""
    return make_filled_desk(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def trained(desk):
    return train_month(desk, _MARCH, tags={"dagster.run_id": "r1"})


def test_a_month_learns_from_all_symbols_of_the_months_before(desk, trained):
    model = trained.models["1h"]
    assert set(trained.dataset.members) == {
        *freeze_dataset(desk, "features_5m").members,
        *freeze_dataset(desk, "bars_5m").members,
    }
    assert dict(model.parents) == dict(trained.dataset.members)
    assert model.summary["symbols"] == ["BTCUSDT", "SOLUSDT"]
    assert model.summary["rows"] == 2 * ((60 - 3) * 288 + 1 - 12)
    assert model.summary["scores"]["model"]["r2"] > 0
    assert trained.changed == ("1h",)
    assert trained.metadata["1h model_id"] == model.model_id
    bars = desk.tables.require("bars_5m", "BTCUSDT", _JANUARY)
    reached = blast_radius(desk, bars.address, bars.version)
    assert f"{model.address} {model.model_id[:16]}" in reached.models
    assert blast_radius(desk, bars.address, "another").models == ()


def test_no_label_of_the_month_itself_is_used(desk, trained, publish_bars, monkeypatch):
    seen = {}
    true = module.sample_from_tables

    def watch(*arguments, **options):
        seen["sample"] = true(*arguments, **options)
        return seen["sample"]

    monkeypatch.setattr(module, "sample_from_tables", watch)
    monkeypatch.setattr(
        type(desk.models), "standing", lambda *_arguments, **_options: None, raising=True
    )
    again = train_month(desk, _FEBRUARY)
    assert seen["sample"].known.max() <= _FEBRUARY.start
    assert all(address.endswith("2024-01") for address in again.dataset.members)


def test_the_same_inputs_train_nothing_and_log_nothing(desk, trained):
    again = train_month(desk, _MARCH)
    assert again.changed == ()
    assert again.version == trained.version
    assert again.urls == trained.urls
    client = desk.experiments._client
    experiment = client.get_experiment_by_name("ta/forecast/train")
    model_id = trained.models["1h"].model_id
    runs = client.search_runs([experiment.experiment_id], f"tags.model_id = '{model_id}'")
    assert len(runs) == 1


def test_what_matters_is_told_month_by_month(desk, trained):
    shares = importances(desk, _MARCH)
    assert set(shares) <= {_FEBRUARY, _MARCH}
    found = shares[_MARCH]
    assert sum(found.values()) == pytest.approx(1.0)
    assert set(found) == set(CORE.columns)
    assert importances(desk, _JANUARY) == {}


def test_every_horizon_is_trained(desk, make_desk_in):
    """A day ahead too; its leaves are as large as its labels overlap."""
    other = make_desk_in(
        desk.settings.home, TA_MODEL__HORIZONS='["4h", "1d"]', TA_MODEL__LABEL="triple_barrier"
    )
    again = train_month(other, _MARCH)
    assert again.changed == ("4h", "1d")
    day = again.models["1d"].summary
    assert day["params"]["min_data_in_leaf"] == 24 * 400
    assert (day["params"]["label"], day["params"]["upper"]) == ("triple_barrier", 1.5)
    assert set(day["scores"]) == {"model", "zero", "mean", "ridge", "arx", "ewma"}
    train_month(other, _FEBRUARY)
    for symbol in desk.settings.symbols:
        made = forecast_month(other, symbol, _FEBRUARY)
        assert {"4h r2", "1d r2"} <= set(made.metadata)


def test_another_configuration_trains_again(desk, trained, make_desk_in):
    other = make_desk_in(desk.settings.home, TA_MODEL__SEED="8")
    again = train_month(other, _MARCH)
    assert again.changed == ("1h",)
    assert again.models["1h"].n == trained.models["1h"].n + 1
    assert again.version != trained.version
    back = train_month(desk, _MARCH)
    assert back.models["1h"].model_id == trained.models["1h"].model_id
    assert back.changed == ("1h",)  # trained again, with the same result


def test_the_run_in_mlflow_tells_the_whole_story(desk, trained):
    client = desk.experiments._client
    run = client.get_run(trained.urls["1h"].rsplit("/", 1)[1])
    summary = trained.models["1h"].summary
    assert run.info.run_name.startswith("forecast 1h for 2024-03 | 2 symbols 5m | 2024-01..02 | R2")
    tags = run.data.tags
    assert tags["dagster.run_id"] == "r1"
    assert tags["data.hash"] == trained.dataset.version
    assert tags["stage"] == "train"
    assert run.data.metrics["oos.r2"] == summary["scores"]["model"]["r2"]
    for name in ("zero", "mean", "ridge", "arx", "ewma"):
        assert run.data.metrics[f"oos.{name}.r2"] == summary["scores"][name]["r2"]
    assert run.data.params["min_data_in_leaf"] == "400"
    assert len(client.get_metric_history(run.info.run_id, "wf.r2")) == 3
    read = {data.tags[0].value: data.dataset for data in run.inputs.dataset_inputs}
    assert read.keys() == {"train", "validation"}
    assert read["train"].digest == trained.dataset.version[:32]
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    card = {"card.md", "card.json", "card.png"}
    assert names == {*card, "baselines.json", "model.txt", "model.json"}
    assert len(run.outputs.model_outputs) == 1


def test_a_run_deleted_in_mlflow_changes_no_model_and_is_logged_again(desk, trained):
    client = desk.experiments._client
    run_id = trained.urls["1h"].rsplit("/", 1)[1]
    client.delete_run(run_id)
    again = train_month(desk, _MARCH)
    assert again.changed == ()
    assert again.version == trained.version
    assert again.urls["1h"] != trained.urls["1h"]
    client.delete_run(again.urls["1h"].rsplit("/", 1)[1])
    client.restore_run(run_id)


def test_the_newest_month_is_the_challenger(desk, trained):
    name = registered_name("1h")
    train_month(desk, _MARCH)
    train_month(desk, _FEBRUARY)  # a backfill of an older month does not take the place
    holder = desk.experiments.alias(name, "challenger")
    assert holder.tags["month"] == "2024-03"
    older = desk.experiments.find_version(name, {"month": "2024-02"})
    assert older is not None


def test_the_card_is_there_for_people_and_machines(desk, trained):
    model = trained.models["1h"]
    text = desk.models.read(model, model.card).decode()
    picture = next(name for name in model.files if name.endswith(".png"))
    assert f"]({picture})" in text
    assert desk.models.read(model, picture).startswith(b"\x89PNG")
    assert model.summary["confidence"]["reason"] in text
    facts = next(n for n in model.files if n.startswith("card-") and n.endswith(".json"))
    assert json.loads(desk.models.read(model, facts))["model_id"] == model.model_id


def test_without_an_earlier_month_there_is_nothing_to_learn_from(desk):
    with pytest.raises(DataError, match="nothing to learn from before 2024-01"):
        train_month(desk, _JANUARY)


def test_features_of_other_code_are_refused(desk, monkeypatch):
    monkeypatch.setattr(registry, "SHIPPED", {"core": replace(CORE, version=99)})
    with pytest.raises(DataError, match=r"computed by other code.*features_5m/BTCUSDT/2024-01"):
        train_month(desk, _FEBRUARY)


def test_a_missing_horizon_is_named(desk, trained):
    with pytest.raises(MissingPartition, match="no 4h model of 2024-01"):
        desk.models.require(_JANUARY, "4h")


def test_a_damaged_model_is_found_and_not_trained_over(desk, trained):
    model = desk.models.require(_MARCH, "1h")
    path = desk.models.path(model, model.booster)
    data = path.read_bytes()
    try:
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(CorruptFile, match=path.name):
            train_month(desk, _MARCH)
    finally:
        path.write_bytes(data)

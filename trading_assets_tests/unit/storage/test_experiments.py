import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.forecasting.booster import Booster, train_booster
from trading_assets.storage.experiments import Experiments, LoggedRun
from trading_assets.storage.mlflow_writing import DatasetInput

_TRAIN = "ta/forecast/train"
_FEATURES = ("one", "two", "three")


@pytest.fixture(scope="module")
def experiments(tmp_path_factory) -> Experiments:
    store = Experiments(tmp_path_factory.mktemp("mlflow"))
    store.prepare()
    return store


@pytest.fixture(scope="module")
def booster_text() -> str:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(2_000, 3))
    y = 0.3 * x[:, 1] + draw.normal(size=2_000)
    return train_booster(x, y, names=_FEATURES, params={"seed": 7}, rounds=10)


@pytest.fixture(scope="module")
def run(experiments) -> LoggedRun:
    return experiments.log_run(_TRAIN, "a run", tags={"model_id": "m1"})


def _read(experiments: Experiments, run: LoggedRun):
    return experiments._client.get_run(run.run_id)


def test_a_run_is_whole(experiments, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("hello")
    run = experiments.log_run(
        "ta/inside_bar/backtest",
        "ib_risk1 | SOLUSDT 5m | 2024-01..03 | fees 2bps | 120 trades | SR 1.3",
        params={"risk_pct": 1, "symbols": ["SOLUSDT"], "long": "x" * 7000},
        metrics={"oos.sharpe": 1.3},
        tags={"data.hash": "d" * 64},
        artifacts={"report/note.txt": note, "top.txt": note},
        curves={"equity": [(day, 100.0 + day) for day in range(1000)]},
        datasets=[DatasetInput("bars_5m 2024-01..03", "ab" * 32, tmp_path, "backtest")],
    )
    kept = _read(experiments, run)
    assert kept.info.status == "FINISHED"
    assert kept.info.run_name.startswith("ib_risk1 | SOLUSDT 5m")
    assert kept.data.params["risk_pct"] == "1"
    assert kept.data.params["symbols"] == '["SOLUSDT"]'
    assert len(kept.data.params["long"]) == 500
    assert kept.data.metrics["oos.sharpe"] == 1.3
    assert kept.data.tags["data.hash"] == "d" * 64
    assert set(kept.data.tags) >= {"code.commit", "code.dirty"}
    curve = experiments._client.get_metric_history(run.run_id, "equity")
    assert len(curve) == 300
    assert (curve[0].step, curve[-1].step, curve[-1].value) == (0, 999, 1099.0)
    names = {f.path for f in experiments._client.list_artifacts(run.run_id)}
    assert names == {"report", "top.txt"}
    assert run.url == (
        f"http://127.0.0.1:5000/#/experiments/{kept.info.experiment_id}/runs/{run.run_id}"
    )


def test_the_digest_fits_and_the_full_hash_is_a_tag(experiments, tmp_path):
    data = DatasetInput("features_5m 2024-01", "0123456789abcdef" * 4, tmp_path, "train")
    kept = _read(experiments, experiments.log_run(_TRAIN, "read", datasets=[data]))
    (logged,) = kept.inputs.dataset_inputs
    assert logged.dataset.digest == "0123456789abcdef" * 2
    tags = {tag.key: tag.value for tag in logged.tags}
    assert tags == {"sha256": "0123456789abcdef" * 4, "mlflow.data.context": "train"}


def test_metrics_that_cannot_be_drawn_become_tags(experiments):
    odd = {"profit_factor": float("inf"), "sharpe": float("nan"), "dsr": None, "fine": 1.5}
    kept = _read(experiments, experiments.log_run(_TRAIN, "odd", metrics=odd))
    assert kept.data.metrics == {"fine": 1.5}
    assert kept.data.tags["metric.profit_factor"] == "inf"
    assert kept.data.tags["metric.sharpe"] == "nan"
    assert kept.data.tags["metric.dsr"] == "none"


def test_more_values_than_one_request_takes_are_all_kept(experiments):
    params = {f"p{i}": i for i in range(250)}
    metrics = {f"m{i}": float(i) for i in range(1_700)}
    kept = _read(experiments, experiments.log_run(_TRAIN, "many", params=params, metrics=metrics))
    assert len(kept.data.params) == 250
    assert kept.data.metrics == metrics


def test_a_run_that_breaks_off_is_marked_failed_and_not_found(experiments, tmp_path):
    with pytest.raises(FileNotFoundError):
        experiments.log_run(
            _TRAIN, "broken", tags={"key": "b"}, artifacts={"none": tmp_path / "none"}
        )
    assert experiments.find_run(_TRAIN, {"key": "b"}) is None


def test_a_run_is_found_by_its_tags(experiments, run):
    assert experiments.find_run(_TRAIN, {"model_id": "m1"}) == run
    assert experiments.find_run(_TRAIN, {"model_id": "m2"}) is None
    with pytest.raises(DataError, match="quotes"):
        experiments.find_run(_TRAIN, {"model_id": "m1' or '1'='1"})


def test_a_model_is_logged_in_less_than_a_second_and_says_the_same(experiments, run, booster_text):
    started = time.perf_counter()
    address = experiments.log_model(run, booster_text, _FEATURES, name="forecast_1h")
    first = time.perf_counter() - started
    started = time.perf_counter()
    experiments.log_model(run, booster_text, _FEATURES, name="forecast_4h")
    assert time.perf_counter() - started < 1, f"the first one took {first:.1f} s, with imports"

    client = experiments._client
    model = client.get_logged_model(address.removeprefix("models:/"))
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert folder.is_relative_to(experiments.artifact_root)
    x = np.random.default_rng(1).normal(size=(50, 3))
    logged = Booster((folder / "model.lgb").read_text())
    assert logged.predict(x).tobytes() == Booster(booster_text).predict(x).tobytes()
    requirements = (folder / "requirements.txt").read_text().split()
    assert all("==" in line for line in requirements)
    assert {line.split("==")[0] for line in requirements} >= {"lightgbm", "numpy"}
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".pickle"}]


def test_the_signature_refuses_a_missing_column(experiments, run, booster_text):
    pd = pytest.importorskip("pandas")
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model
    from mlflow.models.utils import _enforce_schema

    address = experiments.log_model(run, booster_text, _FEATURES, name="signed")
    location = experiments._client.get_logged_model(address.removeprefix("models:/"))
    inputs = Model.load(location.artifact_location.removeprefix("file://")).signature.inputs
    assert inputs.input_names() == list(_FEATURES)
    with pytest.raises(MlflowException, match="missing"):
        _enforce_schema(pd.DataFrame({"one": [1.0], "two": [1.0]}), inputs)


def test_aliases_move_and_tell_who_holds_them(experiments, run, booster_text):
    name = "ta.forecast_1h.spot"
    assert experiments.alias(name, "champion") is None
    source = experiments.log_model(run, booster_text, _FEATURES, name="aliased")
    first = experiments.register(name, run, source=source, tags={"model_id": "a"})
    second = experiments.register(name, run, source=source, tags={"model_id": "b"})
    assert (first.version, second.version) == ("1", "2")
    assert experiments.alias(name, "champion") is None
    experiments.move_alias(name, "champion", first.version)
    experiments.move_alias(name, "champion", second.version)
    experiments.move_alias(name, "previous", first.version)
    assert experiments.alias(name, "champion") == second
    assert experiments.alias(name, "previous") == first
    assert experiments.find_version(name, {"model_id": "a"}) == first
    assert experiments.find_version(name, {"model_id": "c"}) is None


def test_a_rule_is_registered_by_its_file(experiments, tmp_path):
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: rule\n")
    run = experiments.log_run("ta/rule/backtest", "rule", artifacts={"spec.yaml": spec})
    made = experiments.register("ta.rule.spot", run, source=f"runs:/{run.run_id}/spec.yaml")
    assert made.run_id == run.run_id


def test_names_of_another_form_are_refused(experiments, run):
    for name in ("forecast", "ta/forecast", "ta/forecast/debug", "ta/../train"):
        with pytest.raises(ConfigurationError, match="name of an experiment"):
            experiments.log_run(name, "x")
    with pytest.raises(ConfigurationError, match="registered model"):
        experiments.register("forecast", run, source="models:/m-1")


def test_the_retired_file_store_and_relative_paths_are_refused(tmp_path):
    for uri in (f"file://{tmp_path}", str(tmp_path), "mlruns"):
        with pytest.raises(ConfigurationError, match="file store is retired"):
            Experiments(tmp_path, tracking_uri=uri)
    with pytest.raises(ConfigurationError, match="Not a usable MLflow database"):
        Experiments(tmp_path, tracking_uri="sqlite:///mlflow.db")


def test_addresses_do_not_depend_on_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Experiments(Path("somewhere"))
    monkeypatch.chdir("/")
    assert store.tracking_uri == f"sqlite:///{tmp_path}/somewhere/mlflow.db"
    assert store.artifact_root == tmp_path / "somewhere" / "artifacts"
    assert not store.root.exists()


def test_nothing_is_kept_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Experiments(tmp_path / "store")
    store.log_run(_TRAIN, "a run")
    places = [e.artifact_location for e in store._client.search_experiments()]
    assert len(places) == 2
    assert all(place.startswith(f"file://{tmp_path}/store/artifacts") for place in places)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_importing_and_making_the_store_does_not_import_mlflow():
    code = (
        "import sys, pathlib\n"
        "from trading_assets.storage.experiments import Experiments\n"
        "Experiments(pathlib.Path('/nowhere'))\n"
        "print([m for m in ('mlflow', 'lightgbm', 'pandas') if m in sys.modules])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "[]"


@pytest.mark.slow
def test_four_processes_meet_at_an_empty_database(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from trading_assets.storage.experiments import Experiments\n"
        "store = Experiments(pathlib.Path(sys.argv[1]))\n"
        "for i in range(3):\n"
        "    store.log_run('ta/forecast/train', f'{sys.argv[2]} {i}', metrics={'i': i},\n"
        "                  tags={'worker': sys.argv[2]})\n"
    )
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(n)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        )
        for n in range(4)
    ]
    said = [worker.communicate(timeout=200)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, said
    assert said == [""] * 4
    store = Experiments(tmp_path)
    for n in range(4):
        assert store.find_run(_TRAIN, {"worker": str(n)}) is not None
    experiment = store._client.get_experiment_by_name(_TRAIN)
    assert len(store._client.search_runs([experiment.experiment_id])) == 12


def test_of_a_day_that_is_told_again_the_latest_value_counts(experiments):
    run = experiments.log_run("ta/ema_trend/live", "paper")
    for at, day, value in ((1, 19_800, 3.0), (2, 19_800, 1.0), (3, 19_799, 9.0)):
        experiments.add_to_run(run, at=at * 1_000_000, curves={"unknown": [(day, value)]})
    assert _read(experiments, run).data.metrics["unknown"] == 1.0

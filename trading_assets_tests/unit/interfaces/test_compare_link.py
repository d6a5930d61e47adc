"""The link that compares strategies, asked of a real MLflow server."""

import io
import socket
from pathlib import Path

import pytest
from rich.console import Console

from trading_assets.domain.errors import StorageUnavailable
from trading_assets.interfaces.compare_link import compare_link
from trading_assets.interfaces.desk_services import desk_services
from trading_assets.interfaces.running_services import start, stop
from trading_assets.settings import load_settings
from trading_assets.storage.experiments import Experiments
from trading_assets.storage.mlflow_views import STRATEGIES, strategies_view, view_tag

# The server outlives the command that starts it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_the_server_gives_the_experiments_and_has_the_view(tmp_path: Path) -> None:
    environ = {"TA_HOME": str(tmp_path), "TA_MLFLOW__PORT": str(a_free_port())}
    settings = load_settings(environ).settings
    store = Experiments(settings.data_root / "mlflow", ui_url=settings.mlflow.url)
    store.log_run("ta/forecast/train", "a model")
    for family in ("one", "two"):
        run = store.log_run(f"ta/{family}/backtest", family, tags={"stage": "backtest"})
        store.mark_newest(f"ta/{family}/backtest", run, family)
    client = store._client
    ids = [client.get_experiment_by_name(f"ta/{f}/backtest").experiment_id for f in ("one", "two")]
    client.delete_experiment_tag(ids[0], view_tag(STRATEGIES))
    client.set_experiment_tag(ids[1], view_tag(STRATEGIES), "{}")  # as an older version's
    (mlflow,) = [s for s in desk_services(settings) if s.name == "mlflow"]
    run_folder = tmp_path / "run"
    start((mlflow,), run_folder, tmp_path, Console(file=io.StringIO()))
    try:
        link = compare_link(settings.mlflow.url)
        assert link.startswith(f"{settings.mlflow.url}/#/compare-experiments/s?experiments=")
        assert f"%5B%22{ids[0]}%22%2C%22{ids[1]}%22%5D" in link
    finally:
        stop(run_folder, patience_s=10)
    for number in ids:
        assert client.get_experiment(number).tags[view_tag(STRATEGIES)] == strategies_view()


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StorageUnavailable, match="MLflow does not answer"):
        compare_link(f"http://127.0.0.1:{a_free_port()}")

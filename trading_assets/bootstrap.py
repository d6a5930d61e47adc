"""The one place that joins ports to adapters; everything below it takes ports as arguments."""

from __future__ import annotations

from functools import partial

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.settings import Settings
from trading_assets.storage.experiments import Experiments
from trading_assets.storage.model_store import ModelStore
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.raw_store import RawStore
from trading_assets.storage.release_store import ReleaseStore
from trading_assets.storage.run_store import RunStore
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import open_history


def desk(settings: Settings) -> Desk:
    """Build the desk that these settings describe; nothing is opened or created yet."""
    root = settings.data_root
    clock = WallClock()
    return Desk(
        settings=settings,
        clock=clock,
        tables=PartitionStore(root / "tables"),
        raw=RawStore(settings.raw_root),
        models=ModelStore(root / "models"),
        runs=RunStore(root / "runs"),
        releases=ReleaseStore(root / "releases"),
        experiments=Experiments(
            root / "mlflow", ui_url=f"http://{settings.mlflow.host}:{settings.mlflow.port}"
        ),
        history=partial(open_history, settings, clock),
    )

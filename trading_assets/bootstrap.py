"""The one place that joins ports to adapters; everything below it takes ports as arguments."""

from __future__ import annotations

from functools import partial

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.market.column_map import DecodedFiles
from trading_assets.market.history import DataFeed
from trading_assets.settings import Settings
from trading_assets.storage.examination_store import ExaminationStore
from trading_assets.storage.experiments import Experiments
from trading_assets.storage.frame_cache import FrameCache
from trading_assets.storage.model_store import ModelStore
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.raw_store import RawStore
from trading_assets.storage.release_store import ReleaseStore
from trading_assets.storage.run_store import RunStore
from trading_assets.workflows.data_feed import PublishedFeed, VendorFeed
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import open_history


def desk(settings: Settings) -> Desk:
    """Build the desk that these settings describe; nothing is opened or created yet."""
    root = settings.data_root
    clock, decoded = WallClock(), DecodedFiles()
    return Desk(
        settings=settings,
        clock=clock,
        tables=PartitionStore(
            settings.tables_root, FrameCache(root / "cache") if settings.storage.cache else None
        ),
        raw=RawStore(settings.raw_root),
        models=ModelStore(root / "models"),
        runs=RunStore(root / "runs"),
        releases=ReleaseStore(root / "releases"),
        examinations=ExaminationStore(root / "examinations"),
        experiments=Experiments(root / "mlflow", ui_url=settings.mlflow.url),
        history=partial(open_history, settings, clock, decoded),
        decoded=decoded,
    )


def data_feed(
    settings: Settings, *, from_vendor: bool = False, as_of: Micros | None = None
) -> DataFeed:
    """Give the bars of the desk by one door.

    Args:
        settings: of the desk.
        from_vendor: read the sources themselves, nothing published; else the tables.
        as_of: read the tables as they stood at this instant.

    Raises:
        ConfigurationError: if a vendor is to be read as of an instant.
    """
    if not from_vendor:
        return PublishedFeed(desk(settings), as_of=as_of)
    if as_of is not None:
        raise ConfigurationError(
            "A vendor gives its history as it is now",
            expected="as_of with the tables only",
            found=f"as_of={as_of}, from_vendor=True",
        )
    return VendorFeed(desk(settings))

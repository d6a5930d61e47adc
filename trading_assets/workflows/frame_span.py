"""Which bars a live signal looks at, and how far a version of them goes."""

from __future__ import annotations

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Micros, Month
from trading_assets.live.signal_desk import history_start
from trading_assets.settings import Settings
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import set_of_pin
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.release_parts import strategy_of


def frame_start(settings: Settings, release: Release, tag: str, month: Month) -> Micros:
    """Give the first instant that signals of a month, of one strategy of a release, look at."""
    part = strategy_of(release, tag)
    strategy, sees_regimes = part.build_strategy(), part.filters.regime is not None
    features = None
    if strategy.horizon:
        features = set_of_pin(settings, release.models.get(strategy.horizon, {}))
    return history_start(strategy, month, features, sees_regimes=sees_regimes)


def reach(manifest: Manifest, size: Timeframe) -> Micros:
    """Give the instant up to which a version of bars has all that there was."""
    found: Micros = manifest.extra.get("expected_end", (manifest.max_ts or 0) + size.micros)
    return found


def pinned_reach(desk: Desk, name: str, version: str, size: Timeframe) -> Micros:
    """Give how far a version of a partition of bars goes; 0 when it is gone or damaged."""
    try:
        manifest = Provenance(desk).manifest((name, version))
    except CorruptFile:
        return 0
    return reach(manifest, size) if manifest is not None else 0

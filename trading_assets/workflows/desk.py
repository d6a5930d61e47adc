"""The desk: every port that a use case may need, joined once by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from trading_assets.domain.ports import Clock
from trading_assets.market.column_map import DecodedFiles
from trading_assets.market.history import HistorySources
from trading_assets.settings import Settings
from trading_assets.storage.examination_store import ExaminationStore
from trading_assets.storage.experiments import Experiments
from trading_assets.storage.model_store import ModelStore
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.raw_store import RawStore
from trading_assets.storage.release_store import ReleaseStore
from trading_assets.storage.run_store import RunStore


@dataclass(frozen=True, slots=True)
class Desk:
    """What workflows work with; nothing in it is opened before it is used.

    Attributes:
        history: opens the sources of market history; a context manager, since the embedded
            exchange is started for it and stopped after it.
        decoded: files of all history that this desk has decoded; each month of them asks.
    """

    settings: Settings
    clock: Clock
    tables: PartitionStore
    raw: RawStore
    models: ModelStore
    runs: RunStore
    releases: ReleaseStore
    examinations: ExaminationStore
    experiments: Experiments
    history: Callable[[], AbstractContextManager[HistorySources]]
    decoded: DecodedFiles = field(default_factory=DecodedFiles, compare=False)

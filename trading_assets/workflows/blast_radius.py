"""Who has used one version of a partition: tables, models, runs, decisions, releases."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from trading_assets.workflows.desk import Desk
from trading_assets.workflows.lineage import Kind, lineage, standing_on


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What stands, directly or through others, on a version; each sorted.

    Attributes:
        partitions: addresses of other partitions, any version of them.
        models: `forecast_model/2024-03/1h <id>`.
        backtests: `<spec> <run id>`.
        decisions: `<book> <decision id>`.
        releases: `<book> <release id>`.
    """

    partitions: tuple[str, ...]
    models: tuple[str, ...]
    backtests: tuple[str, ...]
    decisions: tuple[str, ...]
    releases: tuple[str, ...]


def blast_radius(desk: Desk, address: str, version: str) -> BlastRadius:
    """Follow one version of a partition through everything that was made of it.

    Every version of every table, model, run, decision and release is looked at, also those that
    are no longer current: what was decided on rows that were restated later stays decided on them.

    Raises:
        CorruptFile: if the record of one of them is damaged.
    """
    found: dict[Kind, set[str]] = defaultdict(set)
    for thing in standing_on(lineage(desk), (address, version)):
        found[thing.kind].add(thing.name)
    return BlastRadius(
        partitions=tuple(sorted(found["partition"] - {address})),
        models=tuple(sorted(found["model"])),
        backtests=tuple(sorted(found["backtest"])),
        decisions=tuple(sorted(found["decision"])),
        releases=tuple(sorted(found["release"])),
    )

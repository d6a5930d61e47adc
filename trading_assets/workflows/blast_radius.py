"""Who has used one version of a partition: tables, models, runs, decisions, releases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trading_assets.domain.ids import Symbol
from trading_assets.storage.model_store import StoredModel
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.workflows.desk import Desk

Node = tuple[str, str]
"""Address and version, as the lists of parents hold them."""


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
    children: dict[Node, set[Node]] = defaultdict(set)
    models: dict[Node, str] = {}
    for manifest in _manifests(desk.tables):
        _note(children, manifest.parents, (manifest.address, manifest.version))
    for model in _models(desk):
        node = (model.address, model.model_id)
        models[node] = f"{model.address} {model.model_id[:16]}"
        _note(children, model.parents, node)
    reached = _reached(children, (address, version))
    runs = {
        (spec, run_id)
        for spec in desk.runs.specs()
        for run_id in desk.runs.history(spec)
        if reached & set(desk.runs.get(spec, run_id).manifest["inputs"].items())
    }
    ids = {model_id for place, model_id in reached if (place, model_id) in models}
    return BlastRadius(
        partitions=tuple(
            sorted({place for place, v in reached if (place, v) not in models} - {address})
        ),
        models=tuple(sorted(models[node] for node in reached if node in models)),
        backtests=tuple(sorted(f"{spec} {run_id[:16]}" for spec, run_id in runs)),
        decisions=tuple(sorted(_decisions(desk, runs, ids))),
        releases=tuple(sorted(_releases(desk, runs, ids))),
    )


def _note(children: dict[Node, set[Node]], parents: Mapping[str, str], child: Node) -> None:
    for parent in parents.items():
        children[parent].add(child)


def _reached(children: Mapping[Node, set[Node]], start: Node) -> set[Node]:
    reached, waiting = {start}, [start]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in reached:
                reached.add(child)
                waiting.append(child)
    return reached


def _manifests(tables: PartitionStore) -> Iterator[Manifest]:
    for table in tables.tables():
        symbols: list[Symbol | None] = [None, *tables.symbols(table)]
        for symbol in symbols:
            for month in (None, *tables.months(table, symbol)):
                yield from tables.history(table, symbol, month)


def _models(desk: Desk) -> Iterator[StoredModel]:
    for month in desk.models.months():
        for horizon in desk.models.horizons(month):
            yield from desk.models.history(month, horizon)


def _decisions(desk: Desk, runs: set[tuple[str, str]], models: set[str]) -> Iterator[str]:
    for book in desk.releases.decisions.books():
        for decision in desk.releases.decisions.history(book):
            inputs = decision.document["inputs"]
            looked_at = [
                *inputs["candidates"],
                *([inputs["champion"]] if inputs["champion"] else []),
            ]
            if any(
                (entry["spec"], entry["run_id"]) in runs or models & set(entry["models"].values())
                for entry in looked_at
            ):
                yield f"{book} {decision.decision_id[:16]}"


def _releases(desk: Desk, runs: set[tuple[str, str]], models: set[str]) -> Iterator[str]:
    for book in desk.settings.books:
        for entry in desk.releases.history(book):
            release = desk.releases.get(entry["release_id"])
            pinned = {facts["model_id"] for facts in release.models.values()}
            if (release.facts["spec"], release.facts["run_id"]) in runs or pinned & models:
                yield f"{book} {release.release_id}"

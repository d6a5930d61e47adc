"""What stands on what: partitions, models, runs, decisions and releases as one graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.model_store import StoredModel, model_address
from trading_assets.storage.partition_store import Manifest, PartitionStore, address
from trading_assets.storage.release_store import Release
from trading_assets.workflows.build_regimes import PARAMETERS_TABLE
from trading_assets.workflows.desk import Desk

Node = tuple[str, str]
"""Address and version, as the lists of parents hold them."""

Kind = Literal["partition", "model", "backtest", "decision", "release", "journal", "orders"]


@dataclass(frozen=True, slots=True)
class Thing:
    """One version of something that was made of others.

    Attributes:
        name: for people, such as `forecast_model/1h/2024-03 <id>`.
        stands_on: what it names; part of it may be no thing at all, such as a hash of rules.
    """

    kind: Kind
    name: str
    node: Node
    stands_on: frozenset[Node]


def lineage(desk: Desk) -> tuple[Thing, ...]:
    """Read every version of every table, model, run, decision and release, current or not.

    Raises:
        CorruptFile: if the record of one of them is damaged.
        MissingPartition: if a ledger names a run that is gone.
    """
    models = [_of_model(model) for model in _models(desk)]
    by_id: dict[str, set[Node]] = defaultdict(set)
    for model in models:
        by_id[model.node[1]].add(model.node)
    return (
        *(thing_of_manifest(manifest) for manifest in manifests(desk.tables)),
        *models,
        *_runs(desk),
        *_decisions(desk, by_id),
        *_releases(desk),
    )


def manifests(tables: PartitionStore) -> Iterator[Manifest]:
    """Give every version of every partition; of each partition the oldest first."""
    for partition in tables.partitions():
        yield from tables.history(*partition)


def thing_of_manifest(manifest: Manifest) -> Thing:
    """Give a version of a partition as a thing."""
    node = (manifest.address, manifest.version)
    return Thing("partition", manifest.address, node, frozenset(manifest.parents.items()))


def release_node(book: str, release_id: str) -> Node:
    """Name a release."""
    return f"releases/{book}", release_id


def regime_nodes(pins: Mapping[str, Mapping[str, str]]) -> dict[str, Node]:
    """Give the partition that the pinned parameters of each symbol come from."""
    return {
        symbol: (
            address(PARAMETERS_TABLE, Symbol(symbol), Month.from_text(pin["month"])),
            pin["version"],
        )
        for symbol, pin in sorted(pins.items())
    }


def nodes_of_release(release: Release) -> tuple[Node, ...]:
    """Name what a release stands on: models and regimes that it pins, its run, and its inputs."""
    facts = release.facts
    pins = release.models.items()
    return (
        *((model_address(horizon, pin["month"]), str(pin["model_id"])) for horizon, pin in pins),
        *regime_nodes(release.regimes).values(),
        _run_node(facts["spec"], str(facts["run_id"])),
        *sorted(facts["inputs"].items()),
    )


def standing_on(things: Iterable[Thing], starts: Iterable[Node]) -> tuple[Thing, ...]:
    """Give the things that stand on one of several versions, directly or through others."""
    users: dict[Node, list[Thing]] = defaultdict(list)
    for thing in things:
        for node in thing.stands_on:
            users[node].append(thing)
    found: dict[Thing, None] = {}
    waiting = list(starts)
    while waiting:
        for thing in users.get(waiting.pop(), ()):
            if thing not in found:
                found[thing] = None
                waiting.append(thing.node)
    return tuple(found)


def stood_on(things: Iterable[Thing], roots: Iterable[Thing]) -> Mapping[Node, Thing]:
    """Give what roots stand on, directly or through others, each with a thing that names it."""
    versions: dict[Node, list[Thing]] = defaultdict(list)
    for thing in things:
        versions[thing.node].append(thing)
    found: dict[Node, Thing] = {}
    waiting = list(roots)[::-1]
    while waiting:
        thing = waiting.pop()
        for node in sorted(thing.stands_on):
            if node not in found:
                found[node] = thing
                waiting += versions.get(node, ())
    return found


def _models(desk: Desk) -> Iterator[StoredModel]:
    for month in desk.models.months():
        for horizon in desk.models.horizons(month):
            yield from desk.models.history(month, horizon)


def _of_model(model: StoredModel) -> Thing:
    name = f"{model.address} {model.model_id[:16]}"
    node = (model.address, model.model_id)
    return Thing("model", name, node, frozenset(model.parents.items()))


def _run_node(spec: str, run_id: str) -> Node:
    return f"runs/{spec}", run_id


def _runs(desk: Desk) -> Iterator[Thing]:
    for spec, run_id in desk.runs.runs():
        inputs = desk.runs.get(spec, run_id).manifest["inputs"]
        name = f"{spec} {run_id[:16]}"
        yield Thing("backtest", name, _run_node(spec, run_id), frozenset(inputs.items()))


def _decisions(desk: Desk, models: Mapping[str, set[Node]]) -> Iterator[Thing]:
    for book in desk.releases.decisions.books():
        for decision in desk.releases.decisions.history(book):
            inputs = decision.document["inputs"]
            nodes: set[Node] = set()
            for entry in (*inputs["candidates"], *filter(None, [inputs["champion"]])):
                nodes.add(_run_node(entry["spec"], str(entry["run_id"])))
                nodes |= {node for found in entry["models"].values() for node in models[found]}
                nodes |= {*regime_nodes(entry.get("regimes", {})).values()}
                nodes |= _read_by(desk, entry.get("holdout"))
            name = f"{book} {decision.decision_id[:16]}"
            node = (f"decisions/{book}", decision.decision_id)
            yield Thing("decision", name, node, frozenset(nodes))


def _read_by(desk: Desk, holdout: Mapping[str, Any] | None) -> set[Node]:
    """Name what a candidate has read of the months held out."""
    if holdout is None or holdout["address"] is None:
        return set()
    inputs = desk.examinations.get(holdout["address"]).document["facts"]["inputs"]
    return set(inputs.items())


def _releases(desk: Desk) -> Iterator[Thing]:
    for release in desk.releases.releases():
        node = release_node(release.book, release.release_id)
        nodes = frozenset(nodes_of_release(release))
        yield Thing("release", f"{release.book} {release.release_id}", node, nodes)

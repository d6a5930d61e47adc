"""Garbage collection: a version goes when it is past its grace and nothing stands on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.events import SessionOpened
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.storage.frame_cache import Evicted
from trading_assets.storage.partition_store import Manifest, Partition, address
from trading_assets.storage.raw_store import RawManifest
from trading_assets.storage.removal import Removed
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import RAW_TABLE, Told
from trading_assets.workflows.lineage import (
    Node,
    Thing,
    lineage,
    release_node,
    stood_on,
    thing_of_manifest,
)
from trading_assets.workflows.live_book import journals

_DAY: Micros = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One version, and why it stays.

    Attributes:
        address: such as `bars_1m/BTCUSDT/2024-03`; raw months begin with their source's folder.
        published_at: when it became current.
        why: `current`, `grace`, or the kind and name of a thing that stands on it; "" when it may
            go.
    """

    address: str
    n: int
    published_at: Micros
    why: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What may go or has gone, and what stays.

    Attributes:
        garbage: versions that nothing needs, by address and number.
        kept: the others.
        removed: manifests, files and bytes of the garbage, with files that a killed writer left.
        deleted: whether they are gone.
        evicted: of the cache, beyond `storage.cache_max_gb`; what was read longest ago goes first.
    """

    garbage: tuple[Judged, ...]
    kept: tuple[Judged, ...]
    removed: Removed
    deleted: bool
    evicted: Evicted


@dataclass(frozen=True, slots=True)
class _Version:
    """A manifest of either store, and when another became current in its place."""

    manifest: Manifest | RawManifest
    superseded_at: Micros | None

    @property
    def node(self) -> Node:
        m = self.manifest
        if isinstance(m, Manifest):
            return m.address, m.version
        return address(RAW_TABLE, m.symbol, m.month), m.version

    @property
    def place(self) -> str:
        m = self.manifest
        return m.address if isinstance(m, Manifest) else address(m.source, m.symbol, m.month)

    def judged(self, cutoff: Micros, reached: Mapping[Node, Thing]) -> Judged:
        why = ""
        if self.superseded_at is None:
            why = "current"
        elif self.superseded_at >= cutoff:
            why = "grace"
        elif (thing := reached.get(self.node)) is not None:
            why = f"{thing.kind} {thing.name}"
        return Judged(self.place, self.manifest.n, self.manifest.published_at, why)


def collect_garbage(
    desk: Desk, *, grace_days: int | None = None, delete: bool = False, told: Told | None = None
) -> Collection:
    """Remove the versions of partitions and raw months that nothing needs, or only list them.

    A version stays while it is current, and for the days of grace after another has become
    current, so that whoever has just found it can read it. It stays as long as something that
    stays was made of it: a version of a partition, a model, a backtest, a decision, a release, or
    a journal that names the release. A file stays while a version that stays lists it.

    Args:
        desk: whose stores to look at.
        grace_days: instead of `storage.gc_grace_days`; at least 1.
        delete: False removes nothing.
        told: hears how many folders are done, and of how many.

    Raises:
        CorruptFile: if a manifest, model, run, decision or release is damaged; nothing was removed.
        RecoveryError: if a journal is damaged; nothing was removed.
        MissingPartition: if a run or release that is named is gone; nothing was removed.
    """
    days = desk.settings.storage.gc_grace_days if grace_days is None else max(grace_days, 1)
    cutoff = desk.clock.now() - days * _DAY
    versions = [*_tables(desk), *_raw(desk)]
    things = (*lineage(desk), *_journals(desk))
    roots = [thing for thing in things if thing.kind != "partition"]
    roots += (
        thing_of_manifest(version.manifest)
        for version in versions
        if isinstance(version.manifest, Manifest) and version.judged(cutoff, {}).why
    )
    reached = stood_on(things, roots)
    judged = [(version, version.judged(cutoff, reached)) for version in versions]
    doomed = [version.manifest for version, found in judged if not found.why]
    removed = _remove(desk, doomed, cutoff, delete=False, told=None)
    if delete:
        removed = _remove(desk, doomed, cutoff, delete=True, told=told)
    return Collection(
        garbage=tuple(found for _, found in judged if not found.why),
        kept=tuple(found for _, found in judged if found.why),
        removed=removed,
        deleted=delete,
        evicted=_evicted(desk, delete=delete),
    )


def _evicted(desk: Desk, *, delete: bool) -> Evicted:
    if desk.tables.cache is None:
        return Evicted(0, 0, 0)
    most = round(desk.settings.storage.cache_max_gb * 1e9)
    return desk.tables.cache.evict(most, delete=delete)


def _tables(desk: Desk) -> Iterator[_Version]:
    for partition in desk.tables.partitions():
        yield from _versions(desk.tables.history(*partition))


def _raw(desk: Desk) -> Iterator[_Version]:
    for month in desk.raw.months():
        yield from _versions(desk.raw.history(*month))


def _versions(history: Sequence[Manifest] | Sequence[RawManifest]) -> Iterator[_Version]:
    """Tell of each version when the next one that is still there became current."""
    ends = [*(manifest.published_at for manifest in history[1:]), None]
    yield from map(_Version, history, ends)


def _journals(desk: Desk) -> Iterator[Thing]:
    """Give every journal, proven, with the releases that were traded in it."""
    known = {release.release_id: release for release in desk.releases.releases()}
    for journal in journals(desk.settings):
        journal.verify()
        traded = {e.release_id for _, e in journal.read() if isinstance(e, SessionOpened)}
        gone = sorted(traded - {*known})
        if gone:
            raise MissingPartition(
                f"The journal in {journal.folder} names a release that is gone",
                expected=f"release {gone[0]}",
                found="none",
                fix="Restore the releases from a copy; what was traded is never deleted.",
            )
        nodes = frozenset(release_node(known[name].book, name) for name in traded)
        yield Thing("journal", journal.folder.name, (f"journals/{journal.folder.name}", ""), nodes)


def _remove(
    desk: Desk,
    doomed: Iterable[Manifest | RawManifest],
    cutoff: Micros,
    *,
    delete: bool,
    told: Told | None,
) -> Removed:
    """Go through every folder, also those without garbage: a killed writer may have left files."""
    tables: dict[Partition, set[int]] = defaultdict(set)
    raw: dict[tuple[str, Symbol], dict[Month, set[int]]] = defaultdict(lambda: defaultdict(set))
    for partition in desk.tables.partitions():
        tables[partition] = set()
    for source, symbol, _ in desk.raw.months():
        raw[source, symbol].clear()
    for m in doomed:
        if isinstance(m, Manifest):
            tables[m.table, m.symbol, m.month].add(m.n)
        else:
            raw[m.source, m.symbol][m.month].add(m.n)
    removed = Removed()
    total = len(tables) + len(raw)
    for done, (partition, numbers) in enumerate(tables.items(), 1):
        removed += desk.tables.remove(partition, numbers, before=cutoff, delete=delete)
        if told:
            told(done, total)
    for done, ((source, symbol), months) in enumerate(raw.items(), len(tables) + 1):
        removed += desk.raw.remove(source, symbol, months, before=cutoff, delete=delete)
        if told:
            told(done, total)
    return removed

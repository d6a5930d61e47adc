"""Whether the data that a release was decided on still say the same: what was restated since."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.policy_events import FoundUpstream
from trading_assets.market.bar_frame import instant
from trading_assets.storage.partition_store import Manifest, Partition, PartitionStore, address
from trading_assets.storage.release_store import Release
from trading_assets.workflows.build_regimes import PARAMETERS_TABLE
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.lineage import Node, regime_nodes
from trading_assets.workflows.provenance import partition_from_address

_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, order=True)
class UpstreamFinding:
    """One partition behind a release that is not what the release was decided on.

    Attributes:
        address: of the partition.
        kind: `restated`: its rows of that time are others now; `stale`: it has not been made again
            since one that it stands on was restated, be it that this failed; `missing`: there is
            none any more; `damaged`: its record cannot be read; `aged`: the release pins it, and
            there is one of a later month.
    """

    address: str
    kind: Literal["restated", "stale", "missing", "damaged", "aged"]
    detail: str

    def __str__(self) -> str:
        """Give one line."""
        return f"{self.address} is {self.kind}: {self.detail}"


def upstream_findings(desk: Desk, release: Release) -> tuple[UpstreamFinding, ...]:
    """Compare all that a release stands on, directly or through others, with what is current.

    Rows that were only added behind the recorded ones are no finding: a month grows while it lasts.

    Args:
        desk: holds tables and models.
        release: its facts name the versions of its inputs, its models and its regimes.

    Returns:
        Findings, sorted by address.
    """
    tables = desk.tables
    places = {address(*partition): partition for partition in tables.partitions()}
    waiting: list[Node] = [
        *release.facts.get("inputs", {}).items(),
        *_of_models(desk, release),
        *regime_nodes(release.regimes).values(),
    ]
    seen: set[Node] = set()
    found: set[UpstreamFinding] = set()
    while waiting:
        node = waiting.pop()
        if node in seen or not _is_partition(tables, node[0]):
            continue  # a hash of rules, say, which no later data can restate
        seen.add(node)
        partition = places.get(node[0])
        if partition is None:
            found.add(UpstreamFinding(node[0], "missing", f"version {node[1][:16]} was used"))
            continue
        try:
            found |= set(_of_partition(tables, places, partition, node[1]))
            waiting += _parents(tables, partition, node[1]).items()
        except CorruptFile as error:
            found.add(UpstreamFinding(node[0], "damaged", error.what))
    return tuple(sorted(found.union(_aged(tables, release))))


def _aged(tables: PartitionStore, release: Release) -> Iterator[UpstreamFinding]:
    """Find parameters of regimes that a backtest of a later month would not use any more."""
    for symbol, (name, _) in regime_nodes(release.regimes).items():
        pinned = Month.from_text(release.regimes[symbol]["month"])
        newest = max(tables.months(PARAMETERS_TABLE, Symbol(symbol)), default=pinned)
        if newest > pinned:
            yield UpstreamFinding(name, "aged", f"those of {newest} are known, the release goes on")


def _is_partition(tables: PartitionStore, name: str) -> bool:
    """Tell a partition from the settings of a table, such as `regimes/settings`."""
    return partition_from_address(name) is not None and name.partition("/")[0] in tables.tables()


def _of_models(desk: Desk, release: Release) -> Iterator[Node]:
    """Give what the pinned models were trained on."""
    pinned = {str(pin["model_id"]) for pin in release.models.values()}
    for month in desk.models.months() if pinned else ():
        for horizon in desk.models.horizons(month):
            for model in desk.models.history(month, horizon):
                if model.model_id in pinned:
                    yield from model.parents.items()


def _of_partition(
    tables: PartitionStore, places: Mapping[str, Partition], partition: Partition, used: str
) -> Iterator[UpstreamFinding]:
    current = tables.require(*partition)
    if _says_otherwise(tables, partition, used, current):
        detail = f"version {used[:16]} was used, {current.version[:16]} is current"
        yield UpstreamFinding(current.address, "restated", detail)
    for parent, version in sorted(current.parents.items()):
        place = places.get(parent)
        newest = tables.current(*place) if place is not None else None
        if place is None or newest is None:
            continue
        if _says_otherwise(tables, place, version, newest):
            detail = f"{parent} was restated and it was not made again"
            yield UpstreamFinding(current.address, "stale", detail)


def _says_otherwise(
    tables: PartitionStore, partition: Partition, used: str, current: Manifest
) -> bool:
    """Tell whether the rows that were used are others now; the last one may have been unfinished.

    What was used and has been removed since cannot be compared, and counts as changed.
    """
    if current.version == used:
        return False
    old = _version(tables, partition, used)
    if old is None or old.max_ts is None or current.max_ts is None or old.max_ts > current.max_ts:
        return True
    before = pl.col("ts") < instant(old.max_ts)
    rows, now = tables.read_manifest(old), tables.read_manifest(current)
    if rows.schema != now.schema:
        return True
    return not rows.filter(before).equals(now.filter(before))


def _parents(tables: PartitionStore, partition: Partition, used: str) -> Mapping[str, str]:
    return (_version(tables, partition, used) or tables.require(*partition)).parents


def _version(tables: PartitionStore, partition: Partition, version: str) -> Manifest | None:
    found = [m for m in tables.history(*partition) if m.version == version]
    return found[-1] if found else None


class UpstreamWatch:
    """Looks once an hour, beside the executor: reading a store may take longer than a bar.

    Args:
        look: gives what is found at the present moment.
        monotonic: local seconds.
    """

    def __init__(self, look: Callable[[], FoundUpstream], monotonic: Callable[[], float]) -> None:
        self._look = look
        self._monotonic = monotonic
        self._due_s = 0.0
        self._thread: threading.Thread | None = None
        self._found: FoundUpstream | None = None

    def __call__(self) -> FoundUpstream | None:
        """Give the findings of a look that has ended, each look once; returns at once."""
        if self._thread is not None:
            if self._thread.is_alive():
                return None
            self._thread = None
            return self._found
        if self._monotonic() >= self._due_s:
            self._due_s = self._monotonic() + _EVERY_S
            self._thread = threading.Thread(target=self._run, name="upstream", daemon=True)
            self._thread.start()
        return None

    def wait(self) -> None:
        """Wait for a look that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._found = self._look()
        except Exception as error:  # whatever it is: the book's journal gets it as a finding
            what = str(error) or type(error).__name__
            said = f"the data behind the release cannot be looked at: {what}"
            self._found = FoundUpstream((said,))


def upstream_watch(desk: Desk, release: Release, monotonic: Callable[[], float]) -> UpstreamWatch:
    """Give the watch of a release."""

    def look() -> FoundUpstream:
        found = upstream_findings(desk, release)
        aged = tuple(str(finding) for finding in found if finding.kind == "aged")
        return FoundUpstream(tuple(str(f) for f in found if f.kind != "aged"), aged)

    return UpstreamWatch(look, monotonic)

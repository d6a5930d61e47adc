"""From a version of anything down to the vendor's files, each file hashed again on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from trading_assets.domain.errors import CorruptFile, DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol, symbol_from_text
from trading_assets.storage import folders, pointers
from trading_assets.storage.partition_store import Manifest, Partition
from trading_assets.storage.raw_store import RawManifest
from trading_assets.storage.roots import Place
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import RAW_TABLE
from trading_assets.workflows.lineage import Node
from trading_assets.workflows.trace_links import DIFFERS, FileProof, Link, filed

_MODELS = "forecast_model"
_RULES = (
    "source", "outages", "listing", "news", "sessions_", "universe/rules", "regimes/settings",
    "risk_factor/settings", "forecast_calibration/settings", "journal/",
)  # fmt: skip
"""Parents that are hashes of settings and calendars, or of a journal that has grown since: no file
of their content is behind them."""

_Found = tuple[Link, Mapping[str, str]]
"""A link, and its parents: version by address."""


class Provenance:
    """Proves versions and all that they stand on; of several orders each file is hashed once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._files: dict[tuple[str, str], FileProof] = {}
        self._links: dict[Node, _Found | None] = {}

    def links(self, roots: Iterable[Node]) -> tuple[Link, ...]:
        """Give a link for each version that is reached, the nearest first.

        Hashes of rules among the parents are facts of the link that names them.
        """
        waiting, seen = list(roots), set()
        links = []
        while waiting:
            node = waiting.pop(0)
            if node in seen:
                continue
            seen.add(node)
            found = self._of(node)
            if found is not None:
                links.append(found[0])
                waiting += sorted(found[1].items())
        return tuple(links)

    def manifest(self, node: Node) -> Manifest | None:
        """Find a version of a partition, None when it is none or is gone.

        Raises:
            CorruptFile: if a manifest of the partition is damaged.
        """
        place = partition_from_address(node[0])
        history = self._desk.tables.history(*place) if place is not None else ()
        return next((m for m in reversed(history) if m.version == node[1]), None)

    def require(self, node: Node) -> Manifest:
        """Find a version of a partition.

        Raises:
            MissingPartition: if it is gone.
            CorruptFile: if a manifest of the partition is damaged.
        """
        found = self.manifest(node)
        if found is None:
            raise _gone(*node)
        return found

    def file(self, path: Place, sha256: str, vendor: str = "") -> FileProof:
        """Hash a file, unless it was done before."""
        key = (str(path), sha256)
        if key not in self._files:
            found = ""
            try:
                pointers.check_file(path, sha256)
            except CorruptFile as error:
                found = error.found
            self._files[key] = FileProof(str(path), sha256, found, vendor)
        return self._files[key]

    def _of(self, node: Node) -> _Found | None:
        if node not in self._links:
            try:
                self._links[node] = self._look(*node)
            except (CorruptFile, MissingPartition) as error:
                link = Link(_kind_of(node[0]), node[0], DIFFERS, error.what, node[1], error.found)
                self._links[node] = link, {}
        return self._links[node]

    def _look(self, name: str, version: str) -> _Found | None:
        head = name.partition("/")[0]
        if name.startswith(_RULES):
            return None
        if head == _MODELS:
            return self._model(version)
        if head == RAW_TABLE:
            return self._raw(name, version)
        if head == "runs":
            return self._run(name, version)
        if partition_from_address(name) is None:
            return None
        manifest = self.require((name, version))
        file = self.file(self._desk.tables.path(manifest), manifest.file_sha256)
        rules = {k: v for k, v in manifest.parents.items() if k.startswith(_RULES)}
        link = filed(
            _kind_of(name), name, version, (file,), rows=manifest.rows, manifest=manifest.n,
            code_version=manifest.code_version, rules=rules,
        )  # fmt: skip
        return link, manifest.parents

    def _model(self, model_id: str) -> _Found:
        store = self._desk.models
        model = store.get(model_id)
        files = tuple(self.file(store.path(model, n), sha) for n, sha in model.files.items())
        said = f"{len(model.parents)} partitions that it learned from"
        link = filed("model", model.address, model.model_id, files, said, manifest=model.n)
        return link, model.parents

    def _run(self, name: str, run_id: str) -> _Found:
        run = self._desk.runs.get(name.partition("/")[2], run_id)
        files = self.folder(run.folder)
        code = run.manifest.get("code_hash")
        link = filed("run", f"{run.spec}/{run_id}", run_id, files, code_hash=code)
        return link, run.manifest["inputs"]

    def folder(self, folder: Path) -> tuple[FileProof, ...]:
        """Hash every file of a published folder.

        Raises:
            CorruptFile: if its index is missing or damaged.
        """
        index = folders.read_index(folder)
        return tuple(self.file(folder / name, sha) for name, sha in sorted(index.items()))

    def _raw(self, name: str, version: str) -> _Found:
        manifest = self._raw_manifest(name, version)
        raw = self._desk.raw
        files = tuple(
            self.file(raw.path(manifest, item), item.sha256, item.described.name)
            for item in manifest.objects
        )
        said = f"{len(files)} objects of {manifest.source}"
        return filed("raw", name, version, files, said, manifest=manifest.n), {}

    def _raw_manifest(self, name: str, version: str) -> RawManifest:
        _, symbol, month = name.split("/")
        for source in self._raw_sources[Symbol(symbol), Month.from_text(month)]:
            history = self._desk.raw.history(source, Symbol(symbol), Month.from_text(month))
            for manifest in reversed(history):
                if manifest.version == version:
                    return manifest
        raise _gone(name, version)

    @cached_property
    def _raw_sources(self) -> Mapping[tuple[Symbol, Month], list[str]]:
        found: dict[tuple[Symbol, Month], list[str]] = defaultdict(list)
        for source, symbol, month in self._desk.raw.months():
            found[symbol, month].append(source)
        return found


def partition_from_address(name: str) -> Partition | None:
    """Read `bars_1m/BTCUSDT/2024-03`; None for what cannot be the address of a partition."""
    table, *parts = name.split("/")
    symbol: Symbol | None = None
    month: Month | None = None
    try:
        for part in parts:
            if part[:4].isdecimal() and part[4:5] == "-":
                month = Month.from_text(part)
            else:
                symbol = symbol_from_text(part)
    except DataError:
        return None
    return (table, symbol, month) if len(parts) <= 2 else None


def _gone(name: str, version: str) -> MissingPartition:
    return MissingPartition(
        f"Version {version[:16] or 'none'} of {name} is gone", found="no such version"
    )


def _kind_of(name: str) -> str:
    """Name the kind of a partition: bars of any size are bars."""
    head = name.partition("/")[0]
    named = {_MODELS: "model", "runs": "run", RAW_TABLE: "raw"}
    sizes = {"native": "bars"}  # of a source that gives larger bars
    first = head.partition("_")[0]
    return named.get(head) or sizes.get(first, first)

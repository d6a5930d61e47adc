"""Tables as Parquet partitions: immutable files, found only through manifests with checksums."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from trading_assets.domain.bar import Gap
from trading_assets.domain.errors import (
    ConfigurationError,
    DataError,
    MissingPartition,
)
from trading_assets.domain.ids import Micros, Month, Symbol, sha256_hex
from trading_assets.market.bar_frame import between, schema_hash, version_of
from trading_assets.storage import parquet_files, partition_tree, pointers, removal, roots
from trading_assets.storage.frame_cache import FrameCache
from trading_assets.storage.partition_tree import part_of, partition_folders, values
from trading_assets.storage.roots import Place, folder_at
from trading_assets.storage.verification import Told, Verification, verify_files

_STEM = "manifest"
_TABLE = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")

Partition = tuple[str, Symbol | None, Month | None]
"""Table, symbol and month."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one version of one partition is made of; the highest `n` is current.

    Attributes:
        version: row-content hash; equal rows have equal versions, whatever the file's bytes. Where
            they stand for rows of another partition, the hash of both.
        file: name of the Parquet file beside the manifest.
        min_ts: first `ts` of the rows, None without rows or without such a column.
        parents: version of everything it was made from, by address.
        gaps: what is missing inside; never filled.
        extra: plain values that explain the partition.
        published_at: file time of the manifest; copies of a store must keep file times.
    """

    table: str
    symbol: Symbol | None
    month: Month | None
    n: int
    version: str
    file: str
    file_sha256: str
    rows: int
    min_ts: Micros | None
    max_ts: Micros | None
    schema_hash: str
    code_version: str
    parents: dict[str, str]
    gaps: tuple[Gap, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    published_at: Micros = field(default=0, compare=False)

    @property
    def address(self) -> str:
        """Name of the partition, as used for parents: `bars_1m/BTCUSDT/2024-03`."""
        return address(self.table, self.symbol, self.month)


def address(table: str, symbol: Symbol | None, month: Month | None) -> str:
    """Name a partition for people and for parent lists."""
    return "/".join(str(part) for part in (table, symbol, month) if part is not None)


class PartitionStore:
    """Parquet partitions under one root: a folder, or the URL of an object store.

    A partition is `<root>/<table>/symbol=X/month=YYYY-MM/`; tables without symbols or months leave
    that level out (pass None).
    """

    def __init__(self, root: Place | str, cache: FrameCache | None = None) -> None:
        self.root = roots.open_root(root)
        self.cache = cache

    def publish(
        self,
        table: str,
        symbol: Symbol | None,
        month: Month | None,
        frame: pl.DataFrame,
        *,
        code_version: str,
        parents: Mapping[str, str],
        gaps: tuple[Gap, ...] = (),
        extra: Mapping[str, Any] | None = None,
        stands_for: str = "",
    ) -> tuple[Manifest, bool]:
        """Make `frame` the current content of a partition.

        With `stands_for`, the version of rows elsewhere, it has another version whenever they have.

        Returns:
            The current manifest, and whether it is new. Nothing is written when rows, code
            version, parents, gaps and extra are those of the current one and its file is sound.

        Raises:
            ConflictError: if another writer published this partition meanwhile.
            CorruptFile: if a file of this content is there and damaged.
            DataError: if rows are not in the order of `ts`, or (StorageUnavailable) have no room.
        """
        folder = self.folder(table, symbol, month)
        before = self.current(table, symbol, month)
        facts = {
            "version": version_of(frame, stands_for),
            "schema_hash": schema_hash(frame),
            "rows": frame.height,
            "min_ts": parquet_files.bound(frame, "min"),
            "max_ts": parquet_files.bound(frame, "max"),
            "code_version": code_version,
            "parents": dict(parents),
            "gaps": [[gap.start, gap.end, gap.minutes, gap.cause] for gap in gaps],
            "extra": pointers.plain(extra or {}),
        }
        if before is not None and _facts(before) == facts and self._is_sound(before):
            return before, False
        roots.make_folder(folder)
        pointers.sweep(folder)
        data = parquet_files.encode(frame, address(table, symbol, month))
        with removal.turn(folder):
            path = pointers.write_immutable(folder, "part", ".parquet", data)
            facts |= {"file": path.name, "file_sha256": sha256_hex(data)}
            payload = pointers.sealed(facts)
            pointers.publish_exclusive(folder, _STEM, payload, after=before.n if before else 0)
        return self.require(table, symbol, month), True

    def standing(
        self,
        table: str,
        symbol: Symbol | None,
        month: Month | None,
        *,
        code_version: str,
        parents: Mapping[str, str],
    ) -> Manifest | None:
        """Give the current manifest if this code made it from these parents and its file is sound.

        Then making it again would give the same, and can be left out.

        Raises:
            CorruptFile: if the file is damaged.
        """
        manifest = self.current(table, symbol, month)
        if manifest is None or (manifest.code_version, manifest.parents) != (
            code_version,
            dict(parents),
        ):
            return None
        return manifest if self._is_sound(manifest) else None

    def current(self, table: str, symbol: Symbol | None, month: Month | None) -> Manifest | None:
        """Give the current manifest, or None when the partition was never published."""
        pointer = pointers.current(self.folder(table, symbol, month), _STEM)
        return self._manifest(table, symbol, month, *pointer) if pointer else None

    def require(self, table: str, symbol: Symbol | None, month: Month | None) -> Manifest:
        """Give the current manifest.

        Raises:
            MissingPartition: if the partition was never published.
        """
        manifest = self.current(table, symbol, month)
        if manifest is None:
            raise MissingPartition(
                f"Partition {address(table, symbol, month)} is missing",
                expected=f"a manifest in {self.folder(table, symbol, month)}",
                found="none",
                fix=f"Materialise {table} for it first.",
            )
        return manifest

    def history(
        self, table: str, symbol: Symbol | None, month: Month | None
    ) -> tuple[Manifest, ...]:
        """List every manifest of a partition that was not removed, oldest first."""
        found = []
        for n, payload in pointers.history(self.folder(table, symbol, month), _STEM):
            with suppress(FileNotFoundError):  # removed since it was read
                found.append(self._manifest(table, symbol, month, n, payload))
        return tuple(found)

    def as_of(
        self, table: str, symbol: Symbol | None, month: Month | None, instant: Micros
    ) -> Manifest | None:
        """Give the manifest that was current at an instant, by the file times of the store.

        Raises:
            MissingPartition: if that version may be one that was removed.
        """
        history = self.history(table, symbol, month)
        removal.require_unbroken(address(table, symbol, month), history, instant)
        known = [m for m in history if m.published_at <= instant]
        return known[-1] if known else None

    def read(self, table: str, symbol: Symbol | None, month: Month | None) -> pl.DataFrame:
        """Read the current rows of a partition.

        Raises:
            MissingPartition: if the partition was never published.
            CorruptFile: if its file is missing, truncated or altered; nothing was decoded.
        """
        return self.read_manifest(self.require(table, symbol, month))

    def read_manifest(self, manifest: Manifest) -> pl.DataFrame:
        """Read the rows of one version; the file is hashed before it is decoded.

        Raises:
            CorruptFile: if it is missing, truncated, altered, or cannot be decoded.
        """
        data = pointers.read_verified(self.path(manifest), manifest.file_sha256)
        return parquet_files.decode(data, self.path(manifest))

    def read_mapped(self, manifest: Manifest) -> pl.DataFrame:
        """Read one version for an engine: decoded once, then mapped from the cache.

        A local file is hashed all the same: rot is found however often it was read. An object is
        fetched once. Raises what `read_manifest` does.
        """
        if self.cache is None:
            return self.read_manifest(manifest)
        path = self.path(manifest)
        if isinstance(path, Path):
            pointers.check_file(path, manifest.file_sha256)
        return self.cache.read(manifest.version, lambda: self.read_manifest(manifest))

    def read_range(
        self, table: str, symbol: Symbol | None, start: Micros, end: Micros
    ) -> pl.DataFrame:
        """Read the rows with `ts` in [start, end) over months; missing months are skipped.

        Raises:
            MissingPartition: if there is no month at all in the range.
            DataError: if the months have different columns.
        """
        first, last = Month.of(start), Month.of(end - 1)
        months = [m for m in self.months(table, symbol) if first <= m <= last]
        if not months:
            raise MissingPartition(
                f"Table {address(table, symbol, None)} has nothing from {first} to {last}",
                expected="at least one month",
                found=f"months {', '.join(map(str, self.months(table, symbol))) or 'none'}",
                fix=f"Materialise {table} for these months first.",
            )
        manifests = [self.require(table, symbol, month) for month in months]
        odd = [m for m in manifests if m.schema_hash != manifests[-1].schema_hash]
        if odd:
            raise DataError(
                f"Months of {address(table, symbol, None)} have different columns",
                expected=f"the columns of {manifests[-1].month} in every month",
                found=f"others in {', '.join(str(m.month) for m in odd)}",
                fix=f"Materialise {table} again for these months.",
            )
        frames = [self.read_manifest(manifest) for manifest in manifests]
        return pl.concat(frames).filter(between(start, end))

    def tables(self) -> tuple[str, ...]:
        """List the tables that have a partition."""
        return tuple(
            name
            for name in folder_at(self.root).folders()
            if _TABLE.fullmatch(name) and next(partition_folders(self.root / name, _STEM), None)
        )

    def symbols(self, table: str) -> tuple[Symbol, ...]:
        """List the symbols of a table, sorted."""
        folder = self.folder(table, None, None)
        return tuple(Symbol(name) for name in values(folder, "symbol="))

    def months(self, table: str, symbol: Symbol | None) -> tuple[Month, ...]:
        """List the months of a table that were published, in order."""
        folder = self.folder(table, symbol, None)
        return tuple(
            Month.from_text(name)
            for name in values(folder, "month=")
            if pointers.current(folder / f"month={name}", _STEM)
        )

    def partitions(self) -> Iterator[Partition]:
        """Name every partition that was published."""
        for table in self.tables():
            for symbol in (None, *self.symbols(table)):
                if pointers.current(self.folder(table, symbol, None), _STEM):
                    yield table, symbol, None
                yield from ((table, symbol, month) for month in self.months(table, symbol))

    def remove(
        self, partition: Partition, numbers: Collection[int], *, before: Micros, delete: bool
    ) -> removal.Removed:
        """Remove versions by number, with files that no other lists; see `removal.remove`."""
        folder = self.folder(*partition)
        with removal.turn(folder, alone=delete):
            return removal.remove({folder: numbers}, _STEM, part_of, before=before, delete=delete)

    def verify(
        self, table: str | None = None, *, every_version: bool = True, told: Told | None = None
    ) -> Verification:
        """Hash the files of all partitions again, also those of earlier versions.

        A manifest must bear its seal, and say as many rows and the same columns as its file does.

        Args:
            table: only this table; None for all.
            every_version: False hashes only what is current.
            told: is told how many files of how many are done.
        """
        tables = self.tables() if table is None else (table,)
        folders = [self.folder(name, None, None) for name in tables]
        promised, faults = partition_tree.promised(folders, _STEM, every_version=every_version)
        return verify_files(
            {path: sha256 for path, (sha256, _) in promised.items()},
            faults,
            lambda: partition_tree.promised(folders, _STEM, every_version=every_version)[0],
            look=lambda path, data: parquet_files.check_footer(data, promised[path][1], path),
            told=told,
        )

    def folder(self, table: str, symbol: Symbol | None, month: Month | None) -> Place:
        """Give the folder of a partition.

        Raises:
            ConfigurationError: if the name of the table could leave the store.
        """
        if not _TABLE.fullmatch(table):
            raise ConfigurationError(
                "Not the name of a table", expected="a-z, 0-9 and _", found=repr(table)[:80]
            )
        folder = self.root / table
        if symbol is not None:
            folder = folder / f"symbol={symbol}"
        return folder if month is None else folder / f"month={month}"

    def path(self, manifest: Manifest) -> Place:
        """Give the Parquet file of one version: a path, or a place in an object store."""
        return self.folder(manifest.table, manifest.symbol, manifest.month) / manifest.file

    def local_path(self, manifest: Manifest) -> Path:
        """Give the Parquet file of one version to a reader that opens files by itself.

        Raises:
            ConfigurationError: if the root is an object store.
        """
        path = self.path(manifest)
        if isinstance(path, Path):
            return path
        raise ConfigurationError(
            f"{path} is no file of this machine",
            expected="tables in a local folder",
            found=f"root {self.root}",
            fix="Set tables_root to a folder that holds a copy of the tables.",
        )

    def _is_sound(self, manifest: Manifest) -> bool:
        """Tell whether the file is there as promised; a missing one is written again."""
        path = self.path(manifest)
        if not folder_at(path.parent).exists(path.name):
            return False
        pointers.check_file(path, manifest.file_sha256)
        return True

    def _manifest(
        self, table: str, symbol: Symbol | None, month: Month | None, n: int, payload: bytes
    ) -> Manifest:
        folder = self.folder(table, symbol, month)
        facts = pointers.unsealed(payload, folder)
        return Manifest(
            table=table,
            symbol=symbol,
            month=month,
            n=n,
            published_at=folder_at(folder).modified(f"{_STEM}-{n}.json"),
            **(facts | {"gaps": tuple(Gap(*gap) for gap in facts["gaps"])}),
        )


def _facts(manifest: Manifest) -> dict[str, Any]:
    """Give what makes two versions the same, in the form of the manifest file."""
    return {
        "version": manifest.version,
        "schema_hash": manifest.schema_hash,
        "rows": manifest.rows,
        "min_ts": manifest.min_ts,
        "max_ts": manifest.max_ts,
        "code_version": manifest.code_version,
        "parents": manifest.parents,
        "gaps": [[gap.start, gap.end, gap.minutes, gap.cause] for gap in manifest.gaps],
        "extra": manifest.extra,
    }

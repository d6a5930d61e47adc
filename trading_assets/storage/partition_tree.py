"""Where partitions lie: folders of symbols and months below a table, and what they promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trading_assets.domain.errors import CorruptFile
from trading_assets.storage import pointers
from trading_assets.storage.parquet_files import Footer
from trading_assets.storage.roots import Place, folder_at


def values(folder: Place, key: str) -> list[str]:
    """Give the values of the folders `<key><value>` directly inside, sorted."""
    names = folder_at(folder).folders()
    return [name.removeprefix(key) for name in names if name.startswith(key)]


def partition_folders(table: Place, stem: str) -> Iterator[Place]:
    """Walk the folders of a table that hold a manifest."""
    if pointers.current(table, stem):
        yield table
    for name in folder_at(table).folders():
        if name.startswith(("symbol=", "month=")):
            yield from partition_folders(table / name, stem)


def promised(
    tables: Iterable[Place], stem: str, *, every_version: bool
) -> tuple[dict[Place, tuple[str, Footer]], list[CorruptFile]]:
    """Give SHA-256 and footer that the manifests promise of each file, and damaged manifests."""
    files: dict[Place, tuple[str, Footer]] = {}
    faults: list[CorruptFile] = []
    for table in tables:
        for folder in partition_folders(table, stem):
            versions = pointers.history(folder, stem)
            for _, payload in versions if every_version else versions[-1:]:
                try:
                    facts = pointers.unsealed(payload, folder)
                except CorruptFile as fault:
                    faults.append(fault)
                else:
                    said = Footer(facts["rows"], facts["schema_hash"])
                    files[folder / facts["file"]] = facts["file_sha256"], said
    return files, faults


def part_of(folder: Place, payload: bytes) -> tuple[Place]:
    """Give the file that a manifest in this folder names."""
    return (folder / str(pointers.unsealed(payload, folder)["file"]),)

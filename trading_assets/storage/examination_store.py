"""Examinations of runs: further runs that a decision asks for, one immutable folder each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import tag_from_text
from trading_assets.storage import folders, parquet_files

DOCUMENT, RETURNS = "examination.json", "returns.parquet"


@dataclass(frozen=True, slots=True)
class StoredExamination:
    """One examination as it stands in the store.

    Attributes:
        address: `<spec>/<run_id>/<id>`.
        document: what was run and what came of it, as plain values.
    """

    address: str
    folder: Path
    document: Mapping[str, Any]

    def returns(self) -> pl.DataFrame:
        """Read the daily returns: `day` and one column per series.

        Raises:
            CorruptFile: if the table is not there as it was published.
        """
        return parquet_files.decode(folders.read_file(self.folder, RETURNS), self.folder / RETURNS)

    def evidence(self) -> dict[str, str]:
        """Give file name -> `examinations/<address>/<file>#<sha256>`, as decisions quote it."""
        index = folders.read_index(self.folder)
        return {
            name: f"examinations/{self.address}/{name}#{sha256}"
            for name, sha256 in sorted(index.items())
        }


class ExaminationStore:
    """Examinations under one folder: `<root>/<spec>/<run_id>/<id>/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(
        self, spec: str, run_id: str, identity: str, files: Mapping[str, bytes]
    ) -> StoredExamination:
        """Store an examination; one of this identity that is there already is left alone."""
        address = f"{tag_from_text(spec)}/{run_id}/{identity}"
        folders.publish_folder(self.root / address, files)
        return self.get(address)

    def find(self, spec: str, run_id: str, identity: str) -> StoredExamination | None:
        """Give the examination of an identity, or None when there is none yet."""
        address = f"{tag_from_text(spec)}/{run_id}/{identity}"
        return self.get(address) if (self.root / address).is_dir() else None

    def get(self, address: str) -> StoredExamination:
        """Give an examination.

        Raises:
            MissingPartition: if there is none.
            CorruptFile: if its index or document is damaged.
        """
        folder = self.root / address
        if not folder.is_dir():
            raise MissingPartition(
                f"No examination {address}",
                expected=f"a folder {folder}",
                found="none",
                fix="Decide again: the candidate is examined anew.",
            )
        return StoredExamination(address, folder, folders.read_json(folder, DOCUMENT))

    def verify(self) -> int:
        """Hash every file of every examination and give their number.

        Raises:
            CorruptFile: naming the first that is missing or altered.
        """
        found = [path.parent for path in self.root.glob(f"*/*/*/{folders.INDEX}")]
        return sum(folders.verify_folder(folder) for folder in found)

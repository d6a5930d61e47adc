"""Hashing files again: what was promised against what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trading_assets.domain.errors import CorruptFile
from trading_assets.storage import pointers


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of hashing files again: how much was read, and every file that is not as promised."""

    files: int
    size_bytes: int
    faults: tuple[CorruptFile, ...]


def verify_files(files: Mapping[Path, str], faults: Sequence[CorruptFile] = ()) -> Verification:
    """Hash files again (path -> promised SHA-256); `faults` are known already."""
    size = 0
    faults = list(faults)
    for path, sha256 in files.items():
        try:
            size += pointers.check_file(path, sha256)
        except CorruptFile as fault:
            faults.append(fault)
    return Verification(len(files), size, tuple(faults))

"""Hashing files again: what was promised against what is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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


def verify_files(
    files: Mapping[Path, str],
    faults: Sequence[CorruptFile],
    still_promised: Callable[[], Collection[Path]],
) -> Verification:
    """Hash files again.

    Args:
        files: promised SHA-256 by path.
        faults: known already.
        still_promised: gives the paths anew, when one is at fault: what has been removed with its
            manifest meanwhile is no fault.
    """
    size = 0
    found: dict[Path, CorruptFile] = {}
    for path, sha256 in files.items():
        try:
            size += pointers.check_file(path, sha256)
        except CorruptFile as fault:
            found[path] = fault
    if found:
        promised = still_promised()
        found = {path: fault for path, fault in found.items() if path in promised}
    return Verification(len(files), size, (*faults, *found.values()))

"""Hashing files again: what was promised against what is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trading_assets.domain.errors import CorruptFile
from trading_assets.storage import pointers
from trading_assets.storage.roots import Place

_Place = TypeVar("_Place", bound=Place)
Told = Callable[[int, int], None]
"""Is told how many of how many are done."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of hashing files again: how much was read, and every file that is not as promised."""

    files: int
    size_bytes: int
    faults: tuple[CorruptFile, ...]


def verify_files(
    files: Mapping[_Place, str],
    faults: Sequence[CorruptFile],
    still_promised: Callable[[], Collection[_Place]],
    *,
    look: Callable[[_Place, bytes], None] | None = None,
    told: Told | None = None,
) -> Verification:
    """Hash files again.

    Args:
        files: promised SHA-256 by path.
        faults: known already.
        still_promised: gives the paths anew, when one is at fault: what has been removed with its
            manifest meanwhile is no fault.
        look: sees each sound file's bytes, and raises CorruptFile for what is wrong in them.
        told: is told after each file how many are done, of how many.
    """
    size = 0
    found: dict[_Place, CorruptFile] = {}
    for done, (path, sha256) in enumerate(files.items(), start=1):
        try:
            if look is None:
                size += pointers.check_file(path, sha256)
            else:
                data = pointers.read_verified(path, sha256)
                size += len(data)
                look(path, data)
        except CorruptFile as fault:
            found[path] = fault
        if told is not None:
            told(done, len(files))
    if found:
        promised = still_promised()
        found = {path: fault for path, fault in found.items() if path in promised}
    return Verification(len(files), size, (*faults, *found.values()))

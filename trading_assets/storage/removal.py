"""How versions go: manifests first, then files that nothing lists; writers and removal take turns.

A kill between the two leaves files without a manifest, which the next removal takes; it never
leaves a manifest without its files.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trading_assets.domain.errors import ConfigurationError, InvariantError, MissingPartition
from trading_assets.domain.ids import Micros
from trading_assets.storage import pointers, roots
from trading_assets.storage.roots import Place, folder_at

_DATA_FILE = re.compile(r".+-[0-9a-f]{16}(\.[A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Removed:
    """What has gone, or would go.

    Attributes:
        manifests: number of versions.
        files: data files, each once; a file that another version lists is not among them.
        size_bytes: of manifests and files.
        swept: temporary files of dead writers.
    """

    manifests: int = 0
    files: int = 0
    size_bytes: int = 0
    swept: int = 0

    def __add__(self, other: Removed) -> Removed:
        """Count both."""
        return Removed(
            self.manifests + other.manifests,
            self.files + other.files,
            self.size_bytes + other.size_bytes,
            self.swept + other.swept,
        )


class Numbered(Protocol):
    """A version: its number, and when it became current."""

    @property
    def n(self) -> int:
        """Number of the manifest."""
        ...

    @property
    def published_at(self) -> Micros:
        """File time of the manifest."""
        ...


@contextmanager
def turn(folder: Place, *, alone: bool = False) -> Iterator[None]:
    """Hold a folder: writers together, a removal alone.

    A writer holds it from the look at an existing file to the manifest that lists it, so that no
    removal takes the file in between. The lock is on the folder itself and dies with its process.

    Raises:
        ConfigurationError: if a removal wants a folder of an object store, which has no locks.
    """
    if not isinstance(folder, Path):
        if alone:
            raise ConfigurationError(
                f"Nothing is removed from {folder}",
                expected="a local folder, where writers and removal can take turns",
                found="an object store, which has no locks",
                fix="Leave out --delete to see what would go.",
            )
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def remove(
    doomed: Mapping[Place, Collection[int]],
    stem: str,
    listed_by: Callable[[Place, bytes], Iterable[Place]],
    *,
    beside: Collection[Place] = (),
    noted: Collection[Place] = (),
    before: Micros,
    delete: bool,
) -> Removed:
    """Remove versions, and the files in their folders that no other version lists.

    Args:
        doomed: numbers of manifests by folder; every folder whose manifests may list the files,
            also one that loses none.
        stem: of the manifests.
        listed_by: gives the files that a manifest lists, from its folder and content.
        beside: further folders that hold files of these manifests.
        noted: files that stay though no manifest lists them.
        before: a file that no manifest has ever listed goes when it is older than this.
        delete: False only counts.

    Raises:
        InvariantError: if a number is the highest of its folder; nothing was removed.
        CorruptFile: if a manifest is damaged; nothing was removed.
    """
    going: set[Place] = set()
    staying = set(noted)
    for folder, numbers in doomed.items():
        history = pointers.history(folder, stem)
        if history and history[-1][0] in numbers:
            raise InvariantError(f"The current version of {folder} would be removed")
        for n, payload in history:
            (going if n in numbers else staying).update(listed_by(folder, payload))
    files = [
        path
        for home in (*doomed, *beside)
        for path in _data_files(home)
        if path not in staying and (path in going or _modified(path) < before)
    ]
    manifests = [
        path
        for folder, numbers in doomed.items()
        for n in sorted(numbers)
        if _exists(path := folder / f"{stem}-{n}.json")
    ]
    size = sum(folder_at(path.parent).size(path.name) for path in (*manifests, *files))
    if not delete:
        return Removed(len(manifests), len(files), size)
    _unlink(manifests)
    _unlink(files)
    swept = sum(pointers.sweep(home) for home in (*doomed, *beside))
    return Removed(len(manifests), len(files), size, swept)


def require_unbroken(name: str, history: Sequence[Numbered], instant: Micros) -> None:
    """Refuse to say what was current at an instant when that version may have been removed.

    Raises:
        MissingPartition: if numbers are missing just after the newest version of that time.
    """
    n = max((version.n for version in history if version.published_at <= instant), default=0)
    following = min((version.n for version in history if version.n > n), default=n + 1)
    if following != n + 1:
        raise MissingPartition(
            f"The version of {name} that was current then is gone",
            expected=f"version {n + 1}, or an instant from version {following} on",
            found="a number that garbage collection has removed",
            fix="Restore it from a copy; nothing that is still there was made of it.",
        )


def _data_files(folder: Place) -> list[Place]:
    return [
        folder / name for name in sorted(folder_at(folder).names()) if _DATA_FILE.fullmatch(name)
    ]


def _exists(path: Place) -> bool:
    return folder_at(path.parent).exists(path.name)


def _modified(path: Place) -> Micros:
    return folder_at(path.parent).modified(path.name)


def _unlink(paths: Sequence[Place]) -> None:
    """Remove files, durably: a later step must never survive a power cut that this one does not."""
    for path in paths:
        folder_at(path.parent).delete(path.name)
    for folder in sorted({path.parent for path in paths if isinstance(path, Path)}):
        roots.sync_folder(folder)

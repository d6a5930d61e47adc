"""Where stores keep their files: a local folder or an object store, behind one port.

A place is a `Path`, or an `ObjectPath` when the root is a URL; both join with `/` and print as what
they are. What can be done there is a `Folder`, given by `folder_at`. Its one promise that matters:
`create` makes a name appear once, durable and whole, or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from trading_assets.domain.errors import StorageUnavailable
from trading_assets.domain.ids import Micros
from trading_assets.storage.object_root import ObjectPath

Place = Path | ObjectPath
"""Where something lies: joins with `/`, has a name and a parent, and prints."""

_counter = itertools.count()
_CHUNK = 1 << 20
_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Folder(Protocol):
    """What a store needs of one folder, wherever it is.

    Every method raises `StorageUnavailable` when disk or service cannot do it.
    """

    def read(self, name: str) -> bytes:
        """Read a whole file; FileNotFoundError when there is none."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Make a file appear with this content, durable; False when the name is taken.

        Nothing is ever overwritten, and of several writers exactly one gets True.
        """
        ...

    def exists(self, name: str) -> bool:
        """Tell whether there is a file."""
        ...

    def modified(self, name: str) -> Micros:
        """Give the time of a file; FileNotFoundError when there is none."""
        ...

    def size(self, name: str) -> int:
        """Give the bytes of a file; FileNotFoundError when there is none."""
        ...

    def names(self) -> list[str]:
        """List the files directly inside, in no order; none when the folder is missing."""
        ...

    def folders(self) -> list[str]:
        """List the folders directly inside, sorted; none when the folder is missing."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""
        ...

    def digest(self, name: str) -> tuple[str, int]:
        """Give SHA-256 and size of a file; FileNotFoundError when there is none."""
        ...

    def sweep(self) -> int:
        """Remove what killed writers left half-written, and give the number of files."""
        ...


def open_root(text: str | Place) -> Place:
    """Give the place that a setting names: a folder, or `s3://bucket/prefix`.

    Nothing is opened or created yet. Credentials, region and endpoint of an object store come from
    the standard `AWS_*` variables.
    """
    if not isinstance(text, str):
        return text
    return ObjectPath.from_url(text) if "://" in text else Path(text)


def folder_at(place: Place) -> Folder:
    """Give what can be done in a folder."""
    return LocalFolder(place) if isinstance(place, Path) else place.folder()


def uri_of(place: Place) -> str:
    """Give the address of a place for others: `file:///...` or `s3://...`."""
    return place.absolute().as_uri() if isinstance(place, Path) else str(place)


class LocalFolder:
    """A folder of this machine.

    Files appear by hard link from a synced temporary file, which holds an exclusive flock while its
    writer lives: one that can be locked by somebody else has lost its writer, and is swept away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        return (self.path / name).read_bytes()

    def create(self, name: str, data: bytes) -> bool:
        """Make a file appear with this content, durable; False when the name is taken."""
        target = self.path / name
        with disk_errors(target):
            make_folder(self.path)
            with temporary(target, data) as written:
                try:
                    os.link(written, target)
                except FileExistsError:
                    return False
                sync_folder(self.path)
        return True

    def exists(self, name: str) -> bool:
        """Tell whether there is a file."""
        return (self.path / name).exists()

    def modified(self, name: str) -> Micros:
        """Give the time of a file."""
        return (self.path / name).stat().st_mtime_ns // 1000

    def size(self, name: str) -> int:
        """Give the bytes of a file."""
        return (self.path / name).stat().st_size

    def names(self) -> list[str]:
        """List the files directly inside; folders, which no caller mistakes for one, too."""
        try:
            return os.listdir(self.path)  # noqa: PTH208 - names only: several times faster
        except FileNotFoundError:
            return []

    def folders(self) -> list[str]:
        """List the folders directly inside, sorted."""
        try:
            with os.scandir(self.path) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def delete(self, name: str) -> None:
        """Remove a file."""
        (self.path / name).unlink(missing_ok=True)

    def digest(self, name: str) -> tuple[str, int]:
        """Hash a file without holding it in memory."""
        digest, size = hashlib.sha256(), 0
        with (self.path / name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return digest.hexdigest(), size

    def sweep(self) -> int:
        """Remove temporary files whose writer is gone (a crash, a kill)."""
        swept = 0
        for path in self.path.glob("*.tmp-*"):
            try:
                descriptor = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue  # its writer finished in between
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                swept += 1
            except BlockingIOError:
                continue  # its writer is alive
            finally:
                os.close(descriptor)
        return swept


def make_folder(folder: Place) -> None:
    """Create a folder and its parents so that they survive a power cut; object stores have none."""
    if not isinstance(folder, Path):
        return
    missing = [folder, *folder.parents]
    missing = list(itertools.takewhile(lambda path: not path.exists(), missing))
    for path in reversed(missing):
        with disk_errors(path):
            path.mkdir(exist_ok=True)
            sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Say which disk is full, instead of a bare error of the system."""
    try:
        yield
    except OSError as error:
        if error.errno not in _SPACE:
            raise
        raise StorageUnavailable(
            f"There is no space left to write {place.name}",
            expected=f"room on the disk that holds {place.parent}",
            found=error.strerror or "a full disk",
            fix="Nothing was published, and what stood before is intact. Free space on that disk "
            "(`trading-assets data gc` shows what may go), then run again.",
        ) from error


@contextmanager
def turn(lock: Path, *, shared: bool = False) -> Iterator[None]:
    """Wait for the others that use this file of a lock; a killed one frees its turn by dying.

    Args:
        lock: is created where it is missing; nothing is written to it.
        shared: at the same time as others that share.
    """
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary(target: Path, data: bytes) -> Iterator[Path]:
    """Give a durable file beside `target` with this content, locked and gone at the end."""
    descriptor, path = _locked_file(target)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def replace(target: Path, data: bytes) -> None:
    """Put a file with this content in the place of one, or of none; durable and whole.

    Raises:
        StorageUnavailable: if the disk cannot do it; what stood there still does.
    """
    with disk_errors(target):
        with temporary(target, data) as written:
            written.replace(target)
        sync_folder(target.parent)


def _locked_file(target: Path) -> tuple[int, Path]:
    while True:
        path = target.with_name(f"{target.name}.tmp-{os.getpid()}-{next(_counter)}")
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            continue  # left by an earlier process with our number
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)  # a sweep came between; it removes the name
            continue
        if os.fstat(descriptor).st_nlink:
            return descriptor, path
        os.close(descriptor)

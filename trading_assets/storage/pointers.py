"""Immutable files and versioned pointers: how every store writes, so that no reader sees half.

A data file is content-addressed and never changes after its name appears. What is current is said
by a pointer, `<stem>-<n>.json`: the highest n counts, and each n can be created only once, so two
writers cannot both win. Temporary files hold an exclusive flock while their writer lives; one that
can be locked by somebody else has lost its writer and is swept away.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConflictError, CorruptFile
from trading_assets.domain.ids import canonical_json, content_hash, sha256_hex

_counter = itertools.count()
_CHUNK = 1 << 20
_SEAL = "sealed_sha256"


def publish_exclusive(folder: Path, stem: str, payload: bytes, *, after: int | None = None) -> int:
    """Create the next pointer `<stem>-<n>.json`, durable and whole, and give its n.

    Args:
        folder: is created when missing.
        stem: name of the pointer, such as `manifest`.
        payload: the whole content.
        after: the n that the caller has read and builds on (0 for none). When another writer has
            published since, the call fails; None builds on whatever is current now.

    Raises:
        ConflictError: if another writer took the number; nothing was overwritten.
    """
    make_folder(folder)
    latest = max(_numbers(folder, stem), default=0)
    n = (latest if after is None else after) + 1
    target = folder / f"{stem}-{n}.json"
    if n <= latest:
        raise _conflict(target, latest)
    with _temporary(target, payload) as temporary:
        try:
            os.link(temporary, target)
        except FileExistsError:
            raise _conflict(target, n) from None
        sync_folder(folder)
    return n


def current(folder: Path, stem: str) -> tuple[int, bytes] | None:
    """Give number and content of the highest pointer, or None when there is none."""
    n = max(_numbers(folder, stem), default=0)
    return (n, (folder / f"{stem}-{n}.json").read_bytes()) if n else None


def history(folder: Path, stem: str) -> tuple[tuple[int, bytes], ...]:
    """List number and content of every pointer that was not removed, oldest first."""
    found = []
    for n in sorted(_numbers(folder, stem)):
        with suppress(FileNotFoundError):  # removed since the folder was listed
            found.append((n, (folder / f"{stem}-{n}.json").read_bytes()))
    return tuple(found)


def sealed(facts: Mapping[str, Any]) -> bytes:
    """Encode a pointer's content with its own checksum, so that a flipped bit is noticed."""
    return canonical_json({**facts, _SEAL: content_hash(facts)})


def unsealed(payload: bytes, folder: Path) -> dict[str, Any]:
    """Decode what `sealed` made; `folder` is named in the error.

    Raises:
        CorruptFile: if it is not JSON, or not the content that was sealed.
    """
    try:
        facts: dict[str, Any] = json.loads(payload)
        seal = facts.pop(_SEAL)
        found = content_hash(facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        seal, found = "a JSON object with its checksum", repr(payload[:60])
    if found != seal:
        raise CorruptFile(
            f"A pointer in {folder} is damaged",
            expected=str(seal),
            found=found,
            fix="Restore it from a copy, or move it away: then the one before it is current.",
        )
    return facts


def plain(value: Any) -> Any:
    """Give a value as it reads back from JSON (tuples become lists)."""
    return json.loads(canonical_json(value))


def write_immutable(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Store `data` as `<stem>-<sha16><suffix>` and give the path.

    A file that is already there with the same content is left alone.

    Raises:
        CorruptFile: if the file is there with other content (it rotted; it is never overwritten).
    """
    make_folder(folder)
    sha256 = sha256_hex(data)
    target = folder / f"{stem}-{sha256[:16]}{suffix}"
    if not target.exists():
        with _temporary(target, data) as temporary, suppress(FileExistsError):
            os.link(temporary, target)
            sync_folder(folder)
            return target
    check_file(target, sha256)
    return target


def read_verified(path: Path, sha256: str) -> bytes:
    """Read a whole file, after proving that its bytes are the promised ones.

    Raises:
        CorruptFile: if it is missing, truncated or altered.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise missing(path, sha256) from None
    found = sha256_hex(data)
    if found != sha256:
        raise _altered(path, sha256, found, len(data))
    return data


def check_file(path: Path, sha256: str) -> int:
    """Hash a file without holding it in memory and give its size.

    Raises:
        CorruptFile: if it is missing, truncated or altered.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        raise missing(path, sha256) from None
    if digest.hexdigest() != sha256:
        raise _altered(path, sha256, digest.hexdigest(), size)
    return size


def sweep(folder: Path) -> int:
    """Remove temporary files whose writer is gone (a crash, a kill) and give their number."""
    swept = 0
    for path in folder.glob("*.tmp-*"):
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


def make_folder(folder: Path) -> None:
    """Create a folder and its parents so that they survive a power cut."""
    missing = [folder, *folder.parents]
    missing = list(itertools.takewhile(lambda path: not path.exists(), missing))
    for path in reversed(missing):
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
def _temporary(target: Path, data: bytes) -> Iterator[Path]:
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


def _numbers(folder: Path, stem: str) -> list[int]:
    pattern = re.compile(re.escape(stem) + r"-([1-9]\d*)\.json")
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only: several times faster than Path
    except FileNotFoundError:
        return []
    return [int(match[1]) for name in names if (match := pattern.fullmatch(name))]


def _conflict(target: Path, found: int) -> ConflictError:
    return ConflictError(
        f"Another writer has published {target.name} in {target.parent}",
        expected="to be the only writer of it",
        found=f"{target.name.rsplit('-', 1)[0]}-{found}.json",
        fix="Nothing was overwritten. Read the current version and run again.",
    )


def missing(path: Path, sha256: str) -> CorruptFile:
    """Say that a file that was promised is not there."""
    return CorruptFile(
        f"File {path} is missing",
        expected=f"sha256 {sha256}",
        found="no file",
        fix="Restore it from a copy, or materialise the partition again.",
    )


def _altered(path: Path, sha256: str, found: str, size: int) -> CorruptFile:
    return CorruptFile(
        f"File {path} is damaged",
        expected=f"sha256 {sha256}",
        found=f"sha256 {found} over {size} bytes",
        fix="Move the file away, then restore it from a copy or materialise the partition again.",
    )

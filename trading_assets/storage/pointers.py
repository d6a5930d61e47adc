"""Immutable files and versioned pointers: how every store writes, so that no reader sees half.

A data file is content-addressed and never changes after its name appears. What is current is said
by a pointer, `<stem>-<n>.json`: the highest n counts, and each n can be created only once, so two
writers cannot both win. The rules are the same on a disk and in an object store; `roots` knows how
a name is made there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast

from trading_assets.domain.errors import ConflictError, CorruptFile
from trading_assets.domain.ids import canonical_json, content_hash, sha256_hex
from trading_assets.storage.roots import Place, folder_at

_Place = TypeVar("_Place", bound=Place)
_SEAL = "sealed_sha256"


def publish_exclusive(folder: Place, stem: str, payload: bytes, *, after: int | None = None) -> int:
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
    latest = max(_numbers(folder, stem), default=0)
    n = (latest if after is None else after) + 1
    target = folder / f"{stem}-{n}.json"
    if n <= latest:
        raise _conflict(target, latest)
    if not folder_at(folder).create(target.name, payload):
        raise _conflict(target, n)
    return n


def current(folder: Place, stem: str) -> tuple[int, bytes] | None:
    """Give number and content of the highest pointer, or None when there is none."""
    n = max(_numbers(folder, stem), default=0)
    return (n, folder_at(folder).read(f"{stem}-{n}.json")) if n else None


def history(folder: Place, stem: str) -> tuple[tuple[int, bytes], ...]:
    """List number and content of every pointer that was not removed, oldest first."""
    found = []
    for n in sorted(_numbers(folder, stem)):
        with suppress(FileNotFoundError):  # removed since the folder was listed
            found.append((n, folder_at(folder).read(f"{stem}-{n}.json")))
    return tuple(found)


def sealed(facts: Mapping[str, Any]) -> bytes:
    """Encode a pointer's content with its own checksum, so that a flipped bit is noticed."""
    return canonical_json({**facts, _SEAL: content_hash(facts)})


def unsealed(payload: bytes, folder: Place) -> dict[str, Any]:
    """Decode what `sealed` made; `folder` is named in the error.

    Raises:
        CorruptFile: if it is not JSON, or not the content that was sealed.
    """
    try:
        facts: dict[str, Any] = json.loads(payload)
        seal = facts.pop(_SEAL)
        found = content_hash(facts)
        is_whole = found == seal and sealed(facts) == payload  # to the byte: 1e-7 is not 1E-7
    except (ValueError, KeyError, TypeError, AttributeError):
        seal, found, is_whole = "a JSON object with its checksum", repr(payload[:60]), False
    if not is_whole:
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


def write_immutable(folder: _Place, stem: str, suffix: str, data: bytes) -> _Place:
    """Store `data` as `<stem>-<sha16><suffix>` and give the path.

    A file that is already there with the same content is left alone.

    Raises:
        CorruptFile: if the file is there with other content (it rotted; it is never overwritten).
    """
    sha256 = sha256_hex(data)
    target = cast("_Place", folder / f"{stem}-{sha256[:16]}{suffix}")
    there = folder_at(folder)
    if there.exists(target.name) or not there.create(target.name, data):
        check_file(target, sha256)
    return target


def read_verified(path: Place, sha256: str) -> bytes:
    """Read a whole file, after proving that its bytes are the promised ones.

    Raises:
        CorruptFile: if it is missing, truncated or altered.
    """
    try:
        data = folder_at(path.parent).read(path.name)
    except FileNotFoundError:
        raise missing(path, sha256) from None
    found = sha256_hex(data)
    if found != sha256:
        raise _altered(path, sha256, found, len(data))
    return data


def check_file(path: Place, sha256: str) -> int:
    """Hash a file without holding it in memory and give its size.

    Raises:
        CorruptFile: if it is missing, truncated or altered.
    """
    try:
        found, size = folder_at(path.parent).digest(path.name)
    except FileNotFoundError:
        raise missing(path, sha256) from None
    if found != sha256:
        raise _altered(path, sha256, found, size)
    return size


def sweep(folder: Place) -> int:
    """Remove temporary files whose writer is gone (a crash, a kill) and give their number."""
    return folder_at(folder).sweep()


def _numbers(folder: Place, stem: str) -> list[int]:
    pattern = re.compile(re.escape(stem) + r"-([1-9]\d*)\.json")
    names = folder_at(folder).names()
    return [int(match[1]) for name in names if (match := pattern.fullmatch(name))]


def _conflict(target: Place, found: int) -> ConflictError:
    return ConflictError(
        f"Another writer has published {target.name} in {target.parent}",
        expected="to be the only writer of it",
        found=f"{target.name.rsplit('-', 1)[0]}-{found}.json",
        fix="Nothing was overwritten. Read the current version and run again.",
    )


def missing(path: Place, sha256: str) -> CorruptFile:
    """Say that a file that was promised is not there."""
    return CorruptFile(
        f"File {path} is missing",
        expected=f"sha256 {sha256}",
        found="no file",
        fix="Restore it from a copy, or materialise the partition again.",
    )


def _altered(path: Place, sha256: str, found: str, size: int) -> CorruptFile:
    return CorruptFile(
        f"File {path} is damaged",
        expected=f"sha256 {sha256}",
        found=f"sha256 {found} over {size} bytes",
        fix="Move the file away, then restore it from a copy or materialise the partition again.",
    )

"""Immutable folders: many files that appear together, under a name that says what they are."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from trading_assets.domain.errors import CorruptFile, InvariantError
from trading_assets.domain.ids import sha256_hex
from trading_assets.storage import pointers, roots

INDEX = "index.json"
"""File of a folder that lists the others: path -> SHA-256."""


def publish_folder(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Create `folder` with these files and an index of them: whole, durable, once.

    Writers of one parent folder take turns; what a killed writer left behind is removed.

    Args:
        folder: does not exist yet, or holds an earlier publication, which is left alone.
        files: relative path (may contain `/`) to content.

    Returns:
        False when the folder was there already, whatever is in it.

    Raises:
        StorageUnavailable: if the disk is full; nothing of it is left.
    """
    roots.make_folder(folder.parent)
    with roots.turn(folder.parent / ".turn"):
        if folder.exists():
            return False
        for orphan in folder.parent.glob(".tmp-*"):
            shutil.rmtree(orphan)
        with roots.disk_errors(folder):
            temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
        try:
            with roots.disk_errors(folder):
                _fill(temporary, files)
                temporary.rename(folder)
                roots.sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return True


def index_of(files: Mapping[str, bytes]) -> bytes:
    """Give the index of a folder: equal files have equal bytes."""
    return pointers.sealed({"files": {name: sha256_hex(data) for name, data in files.items()}})


def read_index(folder: Path) -> dict[str, str]:
    """Give path -> SHA-256 of a published folder.

    Raises:
        CorruptFile: if the index is missing or damaged.
    """
    try:
        payload = (folder / INDEX).read_bytes()
    except FileNotFoundError:
        raise CorruptFile(
            f"Folder {folder} has no index",
            expected=INDEX,
            found="no such file",
            fix="Restore the folder from a copy.",
        ) from None
    files: dict[str, str] = pointers.unsealed(payload, folder)["files"]
    return files


def read_file(folder: Path, name: str) -> bytes:
    """Read a file of a published folder after proving its bytes.

    Raises:
        CorruptFile: if it is not listed, missing or altered.
    """
    files = read_index(folder)
    if name not in files:
        raise CorruptFile(
            f"Folder {folder} has no file {name}",
            expected=f"one of {', '.join(sorted(files))}",
            found=name,
        )
    return pointers.read_verified(folder / name, files[name])


def read_json(folder: Path, name: str) -> Any:
    """Read a JSON file of a published folder after proving its bytes."""
    return json.loads(read_file(folder, name))


def verify_folder(folder: Path) -> int:
    """Hash every file of a published folder and give their number.

    Raises:
        CorruptFile: naming the first that is missing or altered.
    """
    files = read_index(folder)
    for name, sha256 in files.items():
        pointers.check_file(folder / name, sha256)
    return len(files)


def _fill(temporary: Path, files: Mapping[str, bytes]) -> None:
    temporary.chmod(0o755)
    for name, data in {**files, INDEX: index_of(files)}.items():
        _write(temporary, name, data)
    for path in (*temporary.rglob("*"), temporary):
        if path.is_dir():
            roots.sync_folder(path)


def _write(folder: Path, name: str, data: bytes) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InvariantError("A file would leave its folder", found=name)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

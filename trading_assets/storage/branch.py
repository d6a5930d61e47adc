"""A branch: a folder of results that are made beside a desk, whose own files stay as they are.

What a branch uses of the desk is a link in it, and what is made in it is a folder of its own: both
are read alike, and removing the branch removes links and what it made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trading_assets.domain.errors import ConflictError
from trading_assets.domain.ids import tag_from_text
from trading_assets.storage import roots

BRANCHES = "branches"
_LOCK = "branch.lock"


@contextmanager
def open_branch(data_root: Path, name: str = "") -> Iterator[Path]:
    """Give the folder of a branch; one without a name is gone at the end, however that comes.

    Args:
        data_root: of the desk.
        name: a branch of a name lies in `<data_root>/branches/<name>` and stays there, so that
            what was interrupted goes on, and what is asked next finds what was made.

    Raises:
        ConfigurationError: if it is no name.
        ConflictError: if somebody else works in this branch.
    """
    if not name:
        folder = Path(tempfile.mkdtemp(prefix="trading-assets-branch-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
        return
    folder = data_root / BRANCHES / tag_from_text(name)
    roots.make_folder(folder)
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        _take(descriptor, name)
        yield folder
    finally:
        os.close(descriptor)


def link_folder(link: Path, folder: Path) -> None:
    """Make a folder of the desk part of a branch; it is there already when it was asked before."""
    roots.make_folder(link.parent)
    if link.is_symlink() and not link.exists():
        link.unlink()  # the desk was moved since
    with suppress(FileExistsError):
        link.symlink_to(folder.absolute(), target_is_directory=True)


def _take(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConflictError(
            f"Somebody works in branch {name}",
            expected="one at a time in a branch",
            found="a process that holds its lock",
            fix="Wait for it, or take another name, or none.",
        ) from None

"""The durable latch of a book: while its file exists entries are stopped, whoever made it.

The file is asked right before every send, so it works the moment it exists, whatever the executor
is doing. A file that cannot be read counts as a halt. `touch` is enough to make one.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

from trading_assets.domain.control import HaltLevel, HaltRequest
from trading_assets.domain.ids import canonical_json, content_hash

_LONGEST_REASON = 200
_NO_REASON = "the HALT file is there"


def read_latch(path: Path) -> HaltRequest | None:
    """Give the halt that stands in a file, None when there is no file; never fails.

    A latch that a process has put aside to look at, and then died, is up.
    """
    found = _read(path)
    return _read(_aside(path)) if found is None else found


def _read(path: Path) -> HaltRequest | None:
    try:
        with path.open("rb") as file:
            text = file.read(8192).decode(errors="replace").strip()
            changed = os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
    except OSError as error:
        return HaltRequest(
            f"the HALT file cannot be read ({error.strerror})", identity="unreadable"
        )
    return _request(text, content_hash([text, changed]))


def write_latch(path: Path, request: HaltRequest) -> None:
    """Put the latch up, durably; one that is up already is never lowered.

    Where there is no space for its text an empty file is made, which halts as well.

    Raises:
        OSError: if not even that is possible; the caller must stop by other means.
    """
    standing = read_latch(path)
    level = max(request.level, standing.level if standing else HaltLevel.NONE)
    values = {
        "level": level.name,
        "reason": request.reason[:_LONGEST_REASON],
        "source": request.source,
        "who": request.who,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with mine.open("wb") as file:
            file.write(canonical_json(values) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        mine.replace(path)
    except OSError:
        mine.unlink(missing_ok=True)
        path.touch()
    _sync(path.parent)


def lift_latch(path: Path, identity: str) -> bool:
    """Take the latch down if it is still the one that a person saw.

    Returns:
        Whether none is up now. A latch that came later stays, and so does a folder of that name.
    """
    aside = _aside(path)
    try:
        path.replace(aside)
    except FileNotFoundError:
        if not aside.exists():
            return True
    lifted = _read(aside)
    if aside.is_dir():
        aside.replace(path)
        return False
    if lifted is not None and lifted.identity != identity:
        with suppress(FileExistsError):  # one that has come since is of no lower level
            path.hardlink_to(aside)
        _sync(path.parent)  # up under its own name before the other one goes
        aside.unlink()
        return False
    aside.unlink()
    _sync(path.parent)
    return not path.exists()


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lifted")


def _request(text: str, identity: str) -> HaltRequest:
    try:
        values = json.loads(text)
        return HaltRequest(
            str(values["reason"])[:_LONGEST_REASON] or _NO_REASON,
            HaltLevel[values["level"]],
            str(values["source"]),
            str(values["who"]),
            identity,
        )
    except (ValueError, KeyError, TypeError):  # not ours: a person's own words
        return HaltRequest(text[:_LONGEST_REASON] or _NO_REASON, identity=identity)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""One executor per venue account: a lock that the kernel releases when its holder dies.

The lock says who may run; the fencing token in every journal row says who may write. Both are
needed: a lock file can be deleted or copied with its folder, a token cannot.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Self

from trading_assets.domain.errors import ConfigurationError, LeaseHeld
from trading_assets.domain.ids import canonical_json

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs")


class Lease:
    """An exclusive flock on a file, held until `release` or the end of the process.

    The file is closed when the process executes another program, and it is never deleted (a lock
    on a deleted file excludes nobody). Processes that hold a lease must not fork.
    """

    def __init__(self, path: Path) -> None:
        """Take the lease, or fail at once.

        Raises:
            LeaseHeld: if another process holds it, naming that process.
            ConfigurationError: if the folder is on a network file system, where locks are advice.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_remote(path.parent)
        self.path = path
        self.holder = holder()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = os.pread(self._fd, 4096, 0).decode(errors="replace").strip()
            os.close(self._fd)
            raise LeaseHeld(
                f"Another executor trades this account ({path.name})",
                expected="to be the only one",
                found=_readable(found),
                fix="Leave it to that process, or stop it first.",
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, canonical_json(self.holder), 0)

    def release(self) -> None:
        """Let the next executor in."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lease at this moment."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def holder() -> dict[str, str | int]:
    """Name this process, so that another one on this machine or after a reboot can tell."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "boot_id": boot_id()}


def boot_id() -> str:
    """Give the id of this boot of the machine, "" where the system has none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def refuse_remote(folder: Path) -> None:
    """Refuse a folder whose file system does not keep locks to itself.

    Raises:
        ConfigurationError: if it lies on a network file system.
    """
    kind = _file_system(folder.resolve())
    if kind.startswith(_REMOTE):
        raise ConfigurationError(
            f"{folder} is on a network file system",
            expected="a local disk: locks and durable writes must be the kernel's own",
            found=kind,
            fix="Set data_root to a folder on a local disk.",
        )


def _file_system(folder: Path) -> str:
    """Give the type of the file system that a folder is on, "" when the system does not say."""
    try:
        lines = _MOUNTS.read_text().splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        mount, _, rest = line.partition(" - ")
        point = Path(mount.split()[4])
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), rest.split()[0]
    return kind


def _readable(text: str) -> str:
    try:
        found = json.loads(text)
        return f"process {found['pid']} on {found['host']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said its name"

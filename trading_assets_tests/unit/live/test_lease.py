"""Two executors never trade one account."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trading_assets.domain.errors import ConfigurationError, LeaseHeld
from trading_assets.live import lease as lease_module
from trading_assets.live.lease import Lease, is_held, refuse_remote

_HOLDER = """
import sys
from pathlib import Path
from trading_assets.live.lease import Lease
lease = Lease(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def _start(path):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    return process


def _close(process):
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_the_second_process_is_told_who_is_first(tmp_path):
    path = tmp_path / "locks" / "embedded-paper.lock"
    path.parent.mkdir()
    process = _start(path)
    try:
        assert is_held(path)
        with pytest.raises(LeaseHeld, match=f"process {process.pid}"):
            Lease(path)
    finally:
        _close(process)

    assert not is_held(path)
    Lease(path).release()


def test_a_killed_holder_leaves_the_lease_free(tmp_path):
    process = _start(tmp_path / "lock")
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()

    with Lease(tmp_path / "lock"):
        assert is_held(tmp_path / "lock")


def test_a_lease_is_not_inherited_by_a_program_that_its_holder_starts(tmp_path):
    lease = Lease(tmp_path / "lock")
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    assert child.stdout.readline() == b"up\n"
    lease.release()
    try:
        assert not is_held(tmp_path / "lock")
    finally:
        _close(child)


def test_a_lease_that_never_was_is_not_held(tmp_path):
    assert not is_held(tmp_path / "none")


def test_the_file_stays_so_that_nobody_locks_a_deleted_one(tmp_path):
    with Lease(tmp_path / "lock"):
        inode = (tmp_path / "lock").stat().st_ino
    with Lease(tmp_path / "lock"):
        assert (tmp_path / "lock").stat().st_ino == inode


def test_a_network_file_system_is_refused(tmp_path, monkeypatch):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"2 1 0:40 / {tmp_path.resolve()} rw - nfs4 server:/share rw\n"
    )
    monkeypatch.setattr(lease_module, "_MOUNTS", mounts)

    with pytest.raises(ConfigurationError, match="network file system"):
        refuse_remote(tmp_path / "deeper")

"""A real Redis server in a folder, on a private port, with a password and a user of few rights."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis

PROGRAM = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(PROGRAM is None, reason="Debian's redis-server is not on PATH")
ADMIN, USER, PASSWORD = "an-admins", "desk", "a-desks"
RIGHTS = (
    "resetkeys ~forecast_updates ~risk_updates ~strategy_config ~*:cursor resetchannels "
    "&forecast_updates &risk_updates &strategy_config -@all "
    "+watch +unwatch +multi +exec +type +hgetall +hset +hdel +xadd +publish"
)
"""What docs/how-to/redis.md gives to the mirror."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """Keeps what it was told on disk before it answers, so that it can be killed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        acl = f"user {USER} on >{PASSWORD} {RIGHTS}\nuser default on >{ADMIN} ~* &* +@all\n"
        (folder / "users.acl").write_text(acl)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        words = (
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *("--aclfile", str(self.folder / "users.acl"), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always"),
            *self._options,
        )
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, *words], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError((self.folder / "redis.log").read_text())
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with self.admin() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def admin(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=ADMIN, decode_responses=True)

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

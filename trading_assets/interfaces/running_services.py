"""Which servers of the desk run, by the pid files that whoever started them left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Started:
    """A running server, as remembered in its pid file; `created` guards against a reused pid."""

    name: str
    pid: int
    created: float
    address: str

    def process(self) -> psutil.Process | None:
        """Give the process, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < 1.0
            alive = is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


def running(run_folder: Path) -> tuple[Started, ...]:
    """Give the servers that pid files name and that still run; forget the others."""
    found = []
    for path in sorted(run_folder.glob("*.pid.json")):
        try:
            service = Started(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            path.unlink()
            continue
        if service.process() is None:
            path.unlink()
        else:
            found.append(service)
    return tuple(found)


def pid_file(run_folder: Path, name: str) -> Path:
    """Give where a server is remembered."""
    return run_folder / f"{name}.pid.json"

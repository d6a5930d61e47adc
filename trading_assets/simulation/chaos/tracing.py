"""The outside observer of system calls: strace around a process, and what it has seen."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from trading_assets.domain.errors import ConfigurationError

_PATIENCE_S = 10.0


def traced(command: list[str], log: Path, calls: str, *, shown: int = 160) -> list[str]:
    """Give the command that runs another one under observation.

    Args:
        command: what to run.
        log: gets one line per system call, of all threads, with the time in microseconds.
        calls: what to look at, such as `%network` or `fdatasync,connect`.
        shown: bytes of each argument to write down.

    Raises:
        ConfigurationError: if this machine has no strace.
    """
    tracer = shutil.which("strace")
    if tracer is None:
        raise ConfigurationError(
            "System calls cannot be observed on this machine",
            expected="strace on the PATH",
            found="none",
            fix="Install it (`apt-get install strace`), then run the command again.",
        )
    options = ["-f", "-qq", "-ttt", "-y", "--seccomp-bpf", "-s", str(shown)]
    return [tracer, *options, "-e", f"trace={calls}", "-e", "signal=none", "-o", str(log), *command]


def end_traced(tracer: subprocess.Popen[bytes]) -> None:
    """End what runs under a strace with -9, and with it the strace, which reaps it first.

    A strace that is killed itself lets go of its process, which would run on for nobody.
    """
    with suppress(ProcessLookupError, FileNotFoundError, IndexError):
        os.kill(tracee(tracer.pid), signal.SIGKILL)
    try:
        tracer.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()


def tracee(tracer: int) -> int:
    """Give the process id of what runs under a strace of this process."""
    return int(Path(f"/proc/{tracer}/task/{tracer}/children").read_text().split()[0])

"""The first load of a model file, in a throw-away process: its parser may abort, crash or hang."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import sha256_hex
from trading_assets.forecasting.booster import Booster, Floats

_TIMEOUT_S = 60.0
_ROWS = 64
_LAST_SECTION = "\nend of parameters\n"


def probe_model(path: Path, sha256: str, *, timeout_s: float = _TIMEOUT_S) -> str:
    """Load a model file in a child process and give the hash of its predictions on fixed rows.

    A loaded model that gives another hash (`predictions_hash`) is not the model that was probed.

    Args:
        path: LightGBM text model.
        sha256: promised hash of the file; the child checks it before it parses.
        timeout_s: after it the child is killed.

    Raises:
        CorruptFile: if the file has other bytes, or loading it fails, kills the child or hangs.
    """
    # A cut or damaged file makes LightGBM's parser read past its end. This child then dies of
    # SIGSEGV, and the kernel's log names lib_lightgbm: that is what the child is for.
    command = [sys.executable, "-m", __name__, str(path), sha256]
    try:
        child = subprocess.run(  # noqa: S603 - our own module, no shell
            command, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise _unloadable(path, f"no end after {timeout_s:g} s") from None
    if child.returncode != 0:
        # A parser that lost its way prints anything: its words need not even be text.
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise _unloadable(path, f"exit status {child.returncode}: {last[0][:200]}")
    return str(json.loads(child.stdout)["predictions"])


def predictions_hash(booster: Booster) -> str:
    """Give the hash of what a loaded model says of fixed rows."""
    rows: Floats = np.random.default_rng(0).standard_normal((_ROWS, len(booster.features)))
    rows[::7] *= 1e-3
    return hashlib.sha256(booster.predict(rows).astype("<f8").tobytes()).hexdigest()


def _unloadable(path: Path, found: str) -> CorruptFile:
    return CorruptFile(
        f"Model file {path} cannot be loaded",
        expected="a LightGBM text model",
        found=found,
        fix="Restore it from a copy, or train the month again.",
    )


def _main(path: str, sha256: str) -> None:
    data = Path(path).read_bytes()
    if sha256_hex(data) != sha256:
        sys.exit(f"the file has sha256 {sha256_hex(data)}, not {sha256}")
    text = data.decode()
    # The parser is content with all trees, and silently leaves out what is cut off behind them.
    if _LAST_SECTION not in text:
        sys.exit("the file is cut: it has no 'end of parameters'")
    # Native code prints what it likes where it likes: only the answer goes to our own output.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # LightGBM's table adapters import these when they are there, for seconds; trees need neither.
    for name in ("sklearn", "pandas", "pyarrow", "matplotlib"):
        sys.modules[name] = None  # type: ignore[assignment] # "not importable"
    with answer:
        answer.write(json.dumps({"predictions": predictions_hash(Booster(text))}))


if __name__ == "__main__":
    _main(*sys.argv[1:])

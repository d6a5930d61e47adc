"""Gradient-boosted trees: the one home of LightGBM, which works on text models only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import CorruptFile, DataError

Floats = NDArray[np.float64]

_THREADS = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)
_FIXED = {
    "objective": "regression",
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def lightgbm() -> Any:
    """Import LightGBM, with OpenMP told to sleep while it waits.

    By default its threads spin at every barrier: on shared cores two of them were seen to take 58
    seconds for 4 seconds of work. The variable counts only before the first import.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import lightgbm

    return lightgbm


def lightgbm_version() -> str:
    """Give the version of the installed library, without importing it."""
    from importlib.metadata import version

    return version("lightgbm")


def train_booster(
    x: Floats,
    y: Floats,
    *,
    names: Sequence[str],
    params: Mapping[str, Any],
    rounds: int,
    threads: int = 0,
) -> str:
    """Train on rows and give the model as text; equal input gives equal text, on any threads.

    Args:
        x: float64[rows, features], finite.
        y: float64[rows], finite.
        names: one per feature.
        params: LightGBM parameters; those that make training reproducible are fixed here.
        rounds: number of trees.
        threads: 0 takes the CPU quota of the process.
    """
    library = lightgbm()
    data = library.Dataset(x, y, feature_name=list(names), params={"verbosity": -1})
    settings = {**params, **_FIXED, "num_threads": threads or cpu_quota()}
    text = str(library.train(settings, data, num_boost_round=rounds).model_to_string())
    return _THREADS.sub("[num_threads: 0]", text)


class Booster:
    """A loaded model.

    Loading parses foreign text in C++, where damage can abort the process: only ever load bytes
    whose SHA-256 was checked, and for the first time in a child process (`load_probe`).
    """

    def __init__(self, text: str) -> None:
        library = lightgbm()
        try:
            self._booster = library.Booster(model_str=text)
        except library.basic.LightGBMError as error:
            raise CorruptFile("The model is not a LightGBM text model", found=str(error)) from None
        self.features = tuple(str(name) for name in self._booster.feature_name())

    def predict(self, x: Floats) -> Floats:
        """Predict float64[rows, features]; a row's bits do not depend on the rows around it."""
        if x.ndim != 2 or x.shape[1] != len(self.features):
            raise DataError(
                "The model was given the wrong number of features",
                expected=f"{len(self.features)} columns",
                found=f"shape {x.shape}",
            )
        if len(x) == 0:
            return np.empty(0)
        threads = 1 if len(x) < 1000 else cpu_quota()
        return np.asarray(self._booster.predict(x, num_threads=threads), dtype=np.float64)

    def gains(self) -> dict[str, float]:
        """Give the share of the total gain that each feature brought, largest first."""
        gains = self._booster.feature_importance("gain")
        total = float(gains.sum()) or 1.0
        shares = {n: float(g) / total for n, g in zip(self.features, gains, strict=True)}
        return dict(sorted(shares.items(), key=lambda item: -item[1]))


def cpu_quota() -> int:
    """Give the whole cores that this process may use: affinity, and the limit of its cgroup."""
    cores = len(os.sched_getaffinity(0))
    for folder in _cgroup_folders():
        try:
            limit, period = (folder / "cpu.max").read_text().split()
        except (OSError, ValueError):
            continue
        if limit != "max":
            cores = min(cores, max(int(limit) // int(period), 1))
    return cores


def _cgroup_folders() -> tuple[Path, ...]:
    """List the cgroup (version 2) of this process and those around it; any of them may limit."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ()
    own = next((root / line[3:].lstrip("/") for line in lines if line.startswith("0::")), root)
    return (own, *(folder for folder in own.parents if folder.is_relative_to(root)))

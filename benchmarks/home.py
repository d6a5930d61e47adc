"""Where the benchmark of peers lies, and its `common` module; without it our own stands in."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = Path(os.environ.get("PEERS_HOME") or HERE.parents[1] / "shared/bench/peers")


def peers_module(name: str) -> ModuleType | None:
    """Import a module of the peers' folder, or give None where there is no such folder."""
    if not (PEERS / f"{name}.py").is_file():
        return None
    sys.dont_write_bytecode = True
    if str(PEERS) not in sys.path:
        sys.path.append(str(PEERS))
    return importlib.import_module(name)


def common() -> ModuleType:
    """Give options, bars, timing and report: those of the peers' folder, else our own."""
    return peers_module("common") or importlib.import_module("own_common")


def portfolio_bars(module: ModuleType, symbols: int, n: int, seed: int) -> list[dict]:
    """Make W4's bars: the first symbol has the seed, each one after it the next seed and price."""
    return [module.make_bars(n=n, seed=seed + i, s0=30_000.0 / (1 + i % 7)) for i in range(symbols)]


def options_of(common: ModuleType, **extra: Any) -> Any:
    """Read the harness's options; it knows no W4, so that name is put in afterwards."""
    named = [i for i, word in enumerate(sys.argv) if word in {"w4", "--work=w4"}]
    for i in named:
        sys.argv[i] = sys.argv[i].replace("w4", "w1")
    options = common.args(seed=common.SEED, fast=common.FAST, slow=common.SLOW, **extra)
    if named:
        options.work = "w4"
    return options

"""The sweep files of this desk: YAML files in the folder `sweeps` beside its specs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trading_assets.backtest.sweep_file import SweepFile, load_sweep, load_sweeps
from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import Settings
from trading_assets.workflows.strategy_specs import own_folders

FOLDER = "sweeps"


def list_sweeps(settings: Settings) -> Mapping[str, SweepFile]:
    """Give every sweep of this desk, by name.

    Raises:
        ConfigurationError: if a file is wrong, or a name is taken twice.
    """
    return load_sweeps([folder / FOLDER for folder in own_folders(settings)])


def find_sweep(settings: Settings, name: str) -> SweepFile:
    """Give a sweep by its name on this desk, or by the path of its file.

    Raises:
        ConfigurationError: if there is none.
    """
    known = list_sweeps(settings)
    if name in known:
        return known[name]
    if Path(name).is_file():
        return load_sweep(Path(name))
    raise ConfigurationError(
        "No such sweep",
        expected=f"a YAML file, or one of {', '.join(known) or 'none yet'}",
        found=repr(name)[:80],
        fix=f"Sweep files lie in the folder `{FOLDER}` beside your specs (TA_SPECS_DIR).",
    )

"""What starts without what: heavy libraries load in the function that needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HEAVY = (
    "binance",
    "duckdb",
    "exchange_calendars",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "polars",
    "scipy",
    "sklearn",
    "statsmodels",
)
DAGSTER = ("dagster", "dagster_duckdb", "dagster_graphql", "dagster_webserver")


def run(program: str, home: Path) -> str:
    # Containers often forbid bytecode, and each start would compile the package anew.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = {k: v for k, v in kept.items() if not k.startswith("TA_")}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"TA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout


def loaded_by(statement: str, names: Sequence[str], home: Path) -> list[str]:
    return run(
        f"{statement}\nimport sys\nprint(*sorted(set(sys.modules) & {set(names)!r}))", home
    ).split()


def test_the_definitions_load_no_heavy_library(tmp_path: Path) -> None:
    assert loaded_by("import trading_assets.definitions", HEAVY, tmp_path) == []


def test_no_command_line_loads_dagster_or_a_heavy_library_to_be_read(tmp_path: Path) -> None:
    """Every module of commands, with what its own help needs; the root loads none of them."""
    statement = (
        "from trading_assets.interfaces.cli import command_table, lazy\n"
        "for name, where in command_table.COMMANDS.items():\n"
        "    lazy.Listed(name, *where).load()"
    )
    assert loaded_by(statement, (*DAGSTER, *HEAVY, "httpx", "pydantic_settings"), tmp_path) == []


def _starting(command: str) -> str:
    return (
        f"import sys\nsys.argv = ['trading-assets', *{command.split()!r}]\n"
        "from trading_assets.interfaces.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )


@pytest.mark.parametrize("command", ["--help", "version", "config show", "up --help"])
def test_a_command_that_needs_no_dagster_loads_none(tmp_path: Path, command: str) -> None:
    assert not set(loaded_by(_starting(command), DAGSTER, tmp_path)) & set(DAGSTER)


@pytest.mark.parametrize("command", ["--help", "version"])
def test_the_root_loads_neither_settings_nor_a_command(tmp_path: Path, command: str) -> None:
    names = (*DAGSTER, *HEAVY, "httpx", "psutil", "pydantic_settings", "trading_assets.settings")
    assert not set(loaded_by(_starting(command), names, tmp_path)) & set(names)


@pytest.mark.parametrize("command", ["--help", "version", "up --help"])
def test_the_command_line_starts_in_the_blink_of_an_eye(tmp_path: Path, command: str) -> None:
    """Of a processor, whatever else the machine does; that only ever adds, so the least counts."""
    program = f"import time\n{_starting(command)}\nprint(time.process_time())"
    assert min(float(run(program, tmp_path).split()[-1]) for _ in range(5)) < 0.4


def test_importing_the_package_loads_nothing_of_it(tmp_path: Path) -> None:
    loaded = run(
        "import trading_assets, sys; print(*[m for m in sys.modules if m.startswith('trading')])",
        tmp_path,
    )
    assert loaded.split() == ["trading_assets"]


@pytest.mark.slow
def test_the_definitions_start_about_as_fast_as_dagster(tmp_path: Path) -> None:
    """At most 1.5 times, compiled once: every run and every reload of the code location pays."""
    program = (
        "import time, dagster\nalone = time.process_time()\n"
        "import trading_assets.definitions\nprint(time.process_time() / alone)"
    )
    # One process measures both, so that other work on the machine slows both alike. It only ever
    # adds, so the smallest ratio is the truest.
    assert min(float(run(program, tmp_path)) for _ in range(7)) <= 1.5

"""What starts without what: heavy libraries load in the function that needs them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HEAVY = (
    "binance",
    "exchange_calendars",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "numba",
    "pandas",
    "scipy",
    "sklearn",
    "statsmodels",
)
DAGSTER = ("dagster", "dagster_duckdb", "dagster_graphql", "dagster_webserver")


def run(program: str, home: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TA_")}
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


def test_the_command_line_loads_neither_dagster_nor_a_heavy_library(tmp_path: Path) -> None:
    statement = "import trading_assets.interfaces.cli.main"
    assert loaded_by(statement, (*DAGSTER, *HEAVY, "polars"), tmp_path) == []


@pytest.mark.parametrize("command", ["--help", "version", "config show", "up --help"])
def test_a_command_that_needs_no_dagster_loads_none(tmp_path: Path, command: str) -> None:
    statement = (
        f"import sys\nsys.argv = ['trading-assets', *{command.split()!r}]\n"
        "from trading_assets.interfaces.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not set(loaded_by(statement, DAGSTER, tmp_path)) & set(DAGSTER)


def test_importing_the_package_loads_nothing_of_it(tmp_path: Path) -> None:
    loaded = run(
        "import trading_assets, sys; print(*[m for m in sys.modules if m.startswith('trading')])",
        tmp_path,
    )
    assert loaded.split() == ["trading_assets"]


@pytest.mark.slow
def test_the_definitions_start_about_as_fast_as_dagster(tmp_path: Path) -> None:
    """At most 1.6 times: every run and every reload of the code location pays for it."""
    alone, ours = [], []
    for _ in range(5):
        alone.append(cpu_seconds("import dagster", tmp_path))
        ours.append(cpu_seconds("import trading_assets.definitions", tmp_path))
    # Other work on the machine only ever adds, so the smallest is the truest.
    assert min(ours) / min(alone) <= 1.6


def cpu_seconds(statement: str, home: Path) -> float:
    """Measure a child's own time, which other programs on the machine change little."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(statement, home)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

"""Identity of the code that a run executes, so that equal ids mean equal results."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_ROOMS = ("domain", "records", "market", "features", "portfolio", "risk", "engine", "backtest")
_FILES = (
    "evaluation/metrics.py",
    "evaluation/performance.py",
    "evaluation/position_table.py",
    "evaluation/report.py",
    "evaluation/run_tables.py",
    "strategies/evaluate.py",
    "strategies/filter_sections.py",
    "strategies/filtered.py",
    "strategies/filters.py",
    "strategies/spec.py",
    "strategies/spec_sections.py",
    "workflows/listing.py",
    "workflows/news_flags.py",
    "workflows/run_backtest.py",
    "workflows/run_checks.py",
    "workflows/run_plan.py",
)
_PACKAGES = ("numpy", "numba", "polars", "matplotlib")


def code_hash(strategy: object) -> str:
    """Give the SHA-256 over the source of everything between bars and results.

    Args:
        strategy: its module counts too, wherever it comes from; filters are looked through.
    """
    inner = getattr(strategy, "inner", strategy)
    own = sys.modules[type(inner).__module__].__file__
    parts = hashlib.sha256(_between_bars_and_results().encode())
    if own is not None:
        parts.update(Path(own).read_bytes())
    return parts.hexdigest()


def package_versions() -> dict[str, str]:
    """Give the versions that results depend on, the interpreter and the processor included."""
    versions = {name: version(name) for name in _PACKAGES}
    return {**versions, "python": platform.python_version(), "machine": platform.machine()}


def source_hash(*names: str) -> str:
    """Give the SHA-256 over files of the package, by their names and bytes.

    Args:
        names: paths relative to the package, such as `evaluation/gates.py`, or folders.
    """
    files = {
        path
        for name in names
        for path in ([_PACKAGE / name] if name.endswith(".py") else (_PACKAGE / name).rglob("*.py"))
    }
    parts = hashlib.sha256()
    for path in sorted(files):
        parts.update(str(path.relative_to(_PACKAGE)).encode() + b"\0")
        parts.update(hashlib.sha256(path.read_bytes()).digest())
    return parts.hexdigest()


@cache
def _between_bars_and_results() -> str:
    return source_hash(*_ROOMS, *_FILES)

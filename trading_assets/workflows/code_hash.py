"""Identity of the code that a run executes, so that equal ids mean equal results."""

from __future__ import annotations

import hashlib
import linecache
import platform
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType

from trading_assets.domain.errors import ConfigurationError
from trading_assets.strategies.sources import source_files

_PACKAGE = Path(__file__).parents[1]
_ROOMS = ("domain", "records", "market", "features", "portfolio", "risk", "engine", "backtest")
_FILES = (
    "evaluation/account_tables.py",
    "evaluation/book_tables.py",
    "evaluation/glossary.py",
    "evaluation/labels.py",
    "evaluation/metrics.py",
    "evaluation/page",
    "evaluation/page_shell.py",
    "evaluation/performance.py",
    "evaluation/position_table.py",
    "evaluation/report.py",
    "evaluation/report_books.py",
    "evaluation/report_figures.py",
    "evaluation/report_series.py",
    "evaluation/run_report.py",
    "evaluation/run_tables.py",
    "strategies/asked.py",
    "strategies/candle_breaks.py",
    "strategies/changes.py",
    "strategies/columns.py",
    "strategies/evaluate.py",
    "strategies/events.py",
    "strategies/filter_sections.py",
    "strategies/filtered.py",
    "strategies/filters.py",
    "strategies/portfolio_spec.py",
    "strategies/protocol.py",
    "strategies/spec.py",
    "strategies/spec_fit.py",
    "strategies/spec_sections.py",
    "strategies/spec_yaml.py",
    "workflows/listing.py",
    "workflows/measured_costs.py",
    "workflows/news_flags.py",
    "workflows/run_backtest.py",
    "workflows/run_checks.py",
    "workflows/run_plan.py",
    "workflows/simulate_run.py",
)
GATE_SOURCES = (
    "evaluation/bootstrap.py",
    "evaluation/cscv.py",
    "evaluation/daily_returns.py",
    "evaluation/decision.py",
    "evaluation/gates.py",
    "evaluation/judging.py",
    "evaluation/metrics.py",
    "evaluation/overfitting.py",
    "evaluation/predicted_band.py",
    "evaluation/return_samples.py",
    "evaluation/serial_correlation.py",
    "evaluation/stage_better.py",
    "evaluation/stage_held_out.py",
    "evaluation/stage_plausible.py",
    "evaluation/stage_robust.py",
    "evaluation/stage_valid.py",
    "evaluation/superior_ability.py",
    "strategies/filter_sections.py",
    "workflows/decide.py",
    "workflows/run_evidence.py",
)
"""All that a verdict is computed by, once evidence is gathered."""

COST_SOURCES = (
    "domain",
    "records",
    "portfolio",
    "risk",
    "engine",
    "evaluation/cost_estimation.py",
    "market/table_columns.py",
    "workflows/expected_fills.py",
    "workflows/fill_costs.py",
    "workflows/fill_differences.py",
    "workflows/publish_costs.py",
)
"""All that the costs of a book's fills are estimated by, the engine that fills its orders once more
included; beside its journal and its releases, and what reads those."""

_SOURCES = (".py", ".css", ".js")
_PACKAGES = ("numpy", "numba", "polars", "matplotlib", "plotly")


def code_hash(strategy: object) -> str:
    """Give the SHA-256 over the source of everything between bars and results.

    Args:
        strategy: its module counts too, wherever it comes from; filters and portfolios
            are looked through.
    """
    parts = hashlib.sha256(_between_bars_and_results().encode())
    for one in getattr(strategy, "strategies", (strategy,)):
        parts.update(_source_of(type(getattr(one, "inner", one))))
    return parts.hexdigest()


def package_versions() -> dict[str, str]:
    """Give the versions that results depend on, the interpreter and the processor included."""
    versions = {name: version(name) for name in _PACKAGES}
    versions["zlib"] = zlib.ZLIB_RUNTIME_VERSION  # packs the library inside the report
    return {**versions, "python": platform.python_version(), "machine": platform.machine()}


def source_hash(*names: str) -> str:
    """Give the SHA-256 over files of the package, by their names and bytes.

    Args:
        names: paths relative to the package, such as `evaluation/gates.py`, or folders.
    """
    files = {
        path
        for name in names
        for path in ([_PACKAGE / name] if name.endswith(".py") else (_PACKAGE / name).rglob("*"))
        if path.suffix in _SOURCES
    }
    parts = hashlib.sha256()
    for path in sorted(files):
        parts.update(str(path.relative_to(_PACKAGE)).encode() + b"\0")
        parts.update(hashlib.sha256(path.read_bytes()).digest())
    return parts.hexdigest()


def _source_of(kind: type) -> bytes:
    """Give the files of a strategy; of one typed into a notebook, the text of its cell."""
    files = source_files(kind)
    if files:
        return b"".join(path.read_bytes() for path in files)
    cells = _cells_of(kind)
    if not cells:
        raise ConfigurationError(
            f"The source of strategy {kind.__qualname__} cannot be read",
            expected="a class in a file or in a notebook's cell",
            found=f"one of module {kind.__module__}, which has no text",
            fix="Put the class into a file; a run's identity includes its code.",
        )
    return "".join(cells).encode()


def _cells_of(kind: type) -> list[str]:
    """Give the text of the cells in which the functions of a class were typed.

    A kernel keeps it in the line cache; `inspect.getsource` finds functions there but no classes.
    """
    functions = [item for item in vars(kind).values() if isinstance(item, FunctionType)]
    places = sorted({function.__code__.co_filename for function in functions})
    return [text for place in places if (text := "".join(linecache.getlines(place)))]


@cache
def _between_bars_and_results() -> str:
    return source_hash(*_ROOMS, *_FILES)

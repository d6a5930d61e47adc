"""Several runs side by side: their metrics, what they were told differently, and one overlay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from trading_assets.domain.errors import DataError
from trading_assets.domain.instants import time_text
from trading_assets.evaluation.glossary import GLOSSARY, metric_text
from trading_assets.evaluation.page_shell import header, html_page, section
from trading_assets.evaluation.report_figures import overlay_figure
from trading_assets.evaluation.run_report import flat, table, tone

MOST = 8
"""Runs that one overlay can tell apart by colour."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        name: tells it from the others.
        equity: `ts_utc`, `equity`, `drawdown` after every bar.
        performance: `all` and `oos`; see `evaluation.performance`.
        manifest: what went in and what came out.
    """

    name: str
    equity: pl.DataFrame
    performance: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def quote(self) -> str:
        """Asset of the amounts."""
        return str(self.manifest["config"]["quote"])


def compared_metrics(runs: Sequence[ComparedRun], part: str = "all") -> dict[str, list[Any]]:
    """Give metric name -> its value in every run; part is `all` or `oos`.

    Raises:
        DataError: if there are fewer than two runs, too many, or two of one name.
    """
    if not 2 <= len(runs) <= MOST:
        raise DataError(
            "So many runs cannot be compared", expected=f"2 to {MOST}", found=str(len(runs))
        )
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise DataError(
            "A run cannot be compared with itself", expected="each once", found=", ".join(names)
        )
    return {
        name: [(run.performance[part] or {}).get(name) for run in runs]
        for name in GLOSSARY
        if any(name in (run.performance[part] or {}) for run in runs)
    }


def differing_facts(runs: Sequence[ComparedRun]) -> dict[str, list[str]]:
    """Give what the runs do not share: keys of the config, span, hashes of data and code."""
    facts = [_facts(run.manifest) for run in runs]
    keys = dict.fromkeys(key for found in facts for key in found)
    rows = {key: [str(found.get(key, "-")) for found in facts] for key in keys}
    return {key: values for key, values in rows.items() if len(set(values)) > 1}


def compare_page(runs: Sequence[ComparedRun]) -> bytes:
    """Give the page: one file that opens offline, as the report of a run.

    Raises:
        DataError: see `compared_metrics`.
    """
    metrics = compared_metrics(runs)
    figure = overlay_figure(
        [(run.name, run.equity, run.performance["all"]["initial_cash"]) for run in runs]
    )
    starts = {run.manifest["first_ts"] for run in runs}
    note = "Equity as percent of what each run began with. Drag to zoom, double-click to go back."
    if len(starts) > 1:
        note += " The runs do not begin at the same time."
    chart = f'{_legend(runs)}<div class="chart" id="chart"></div>'
    body = "".join(
        [
            header(f"{len(runs)} runs compared", ", ".join(run.name for run in runs)),
            section("Net return and drawdown", chart, note),
            _differences(runs),
            _metrics("Metrics, whole run", runs, metrics),
            _metrics("Metrics, out of sample", runs, compared_metrics(runs, "oos")),
        ]
    )
    return html_page("Runs compared", body, {"chart": figure})


def _facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    own = ("name", "description")
    return {
        **{key: value for key, value in flat(manifest["config"]) if key not in own},
        "first bar": time_text(manifest["first_ts"]),
        "last bar": time_text(manifest["last_ts"]),
        **{key: str(manifest[key])[:16] for key in ("data_hash", "code_hash", "result_hash")},
    }


def _legend(runs: Sequence[ComparedRun]) -> str:
    return "<p>" + " &nbsp; ".join(_named(at, run.name) for at, run in enumerate(runs)) + "</p>"


def _named(at: int, name: str) -> str:
    return f'<span class="swatch" data-run="{at}"></span>{escape(name)}'


def _metrics(title: str, runs: Sequence[ComparedRun], metrics: Mapping[str, Sequence[Any]]) -> str:
    rows = [
        f'<tr><td title="{escape(GLOSSARY[name].meaning)}">{escape(GLOSSARY[name].label)}</td>'
        + "".join(
            f'<td class="{tone(name, value)}">{escape(metric_text(name, value, run.quote))}</td>'
            for run, value in zip(runs, values, strict=True)
        )
        + "</tr>"
        for name, values in metrics.items()
    ]
    if not rows:
        return ""
    return section(title, table(("", *(run.name for run in runs)), rows))


def _differences(runs: Sequence[ComparedRun]) -> str:
    rows = [
        f"<tr><td>{escape(key)}</td>" + "".join(f"<td>{escape(v)}</td>" for v in values) + "</tr>"
        for key, values in differing_facts(runs).items()
    ]
    note = "Everything else was the same." if rows else "They were told the same."
    return section("What differs", table(("", *(run.name for run in runs)), rows), note)

"""The books of a portfolio's strategies in the report of its run."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import polars as pl

from trading_assets.evaluation.glossary import metric_text
from trading_assets.evaluation.metrics import drawdown_series
from trading_assets.evaluation.page_shell import section
from trading_assets.evaluation.report_figures import Figure, overlay_figure

_SHOWN = (
    "net_pnl",
    "net_return_pct",
    "sharpe",
    "max_drawdown_pct",
    "num_trades",
    "win_rate",
    "fees",
)
_HEADINGS = (
    "Strategy", "Allocation", "Net PnL", "Return", "Sharpe", "Max drawdown", "Trades", "Win rate",
    "Fees", "Opportunities", "Traded",
)  # fmt: skip


def books_figure(books: pl.DataFrame) -> Figure:
    """Draw the equity of each book in percent of its beginning."""
    parts = books.partition_by("strategy", maintain_order=True)
    opening = [float(part["equity"][0] - part["pnl"][0]) for part in parts]
    drawdowns = [
        0.0 - drawdown_series(np.concatenate(([first], part["equity"].to_numpy())))[1:]
        for part, first in zip(parts, opening, strict=True)
    ]
    return overlay_figure(
        [
            (part["strategy"][0], part.with_columns(drawdown=depth), first)
            for part, depth, first in zip(parts, drawdowns, opening, strict=True)
        ]
    )


def books_section(performance: Mapping[str, Any], manifest: Mapping[str, Any], quote: str) -> str:
    """Give the chart and the table of the books; nothing for a run of one strategy."""
    books = manifest.get("books")
    if not books:
        return ""
    rows = []
    for book in books:
        metrics = performance["by_tag"][book["strategy"]]
        cells = [
            f"{book['allocation_pct']} %",
            *(metric_text(name, metrics[name], quote) for name in _SHOWN),
            f"{book['opportunities']:,}",
            f"{book['traded']:,}",
        ]
        tds = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><td class="text">{escape(book["strategy"])}</td>{tds}</tr>')
    heads = "".join(
        f'<th class="{"text" if text == "Strategy" else ""}">{text}</th>' for text in _HEADINGS
    )
    table = (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    note = (
        "Each book begins with its part of the cash and keeps what its own fills and nights have "
        "brought. Their profits add up to the account's."
    )
    chart = '<div class="chart" id="books"></div>'
    return section("Strategy books, in percent of their beginnings", chart + table, note)

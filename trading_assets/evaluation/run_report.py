"""The report of one run: a page with everything that a person wants to see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from trading_assets.domain.ids import Symbol
from trading_assets.domain.instants import time_text
from trading_assets.engine.signals import BarMatrix
from trading_assets.evaluation.glossary import GLOSSARY, duration_text, metric_text
from trading_assets.evaluation.page_shell import header, html_page, section
from trading_assets.evaluation.report_books import books_figure, books_section
from trading_assets.evaluation.report_figures import MARKED, run_figure
from trading_assets.evaluation.report_series import POINTS, monthly_returns
from trading_assets.evaluation.run_tables import RunTables

ROWS = 500
"""Of more trades, the table shows the latest so many; all are in `round_trips.csv`."""

_TILES = (
    "net_return_pct", "sharpe", "max_drawdown_pct", "num_trades", "win_rate", "profit_factor",
    "turnover", "fees",
)  # fmt: skip
_TONED = {"net_pnl", "net_return_pct", "cagr_pct", "sharpe", "sortino", "avg_trade"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXTS = ("Symbol", "Side", "Exit")
_HASHES = ("run_id", "result_hash", "data_hash", "code_hash", "config_hash")


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """What a report is made of.

    Attributes:
        bars: what the run saw, symbols in the order of `symbols`.
        tables: of the run.
        performance: `all` and `oos`; see `evaluation.performance`.
        manifest: what went in and what came out.
        description: of the spec, for people.
    """

    symbols: Sequence[Symbol]
    quote: str
    bars: BarMatrix
    tables: RunTables
    performance: Mapping[str, Any]
    manifest: Mapping[str, Any]
    description: str


def run_report(run: ReportedRun) -> bytes:
    """Give the page as UTF-8; it is one file, asks for nothing, and is the same every time."""
    manifest, tables = run.manifest, run.tables
    figure = run_figure(
        run.bars, run.symbols, tables.round_trips, tables.equity, manifest["oos_start"], run.quote
    )
    body = "".join(
        [
            header(manifest["spec"], *_subtitles(run)),
            tiles(run.performance, run.quote),
            _chart(run),
            _months(tables.equity_curve, run.performance["all"]["initial_cash"]),
            '<div class="two">',
            _metrics(run.performance, run.quote),
            _why_not(manifest),
            "</div>",
            books_section(run.performance, manifest, run.quote),
            _trades(tables.round_trips, run.quote),
            _origin(manifest),
        ]
    )
    figures = {"chart": figure}
    if tables.books is not None:
        figures["books"] = books_figure(tables.books)
    return html_page(manifest["label"], body, figures)


def tiles(performance: Mapping[str, Any], quote: str) -> str:
    """Give the first metrics as tiles, with those out of sample below."""
    whole, oos = performance["all"], performance["oos"] or {}
    cells = "".join(
        f'<div class="tile" title="{escape(GLOSSARY[name].meaning)}">'
        f'<div class="name">{escape(GLOSSARY[name].label)}</div>'
        f'<div class="value {tone(name, whole[name])}">'
        f"{escape(_short(name, whole[name], quote))}</div>"
        '<div class="oos" title="out of sample">'
        f"OOS {escape(_short(name, oos.get(name), quote))}</div></div>"
        for name in _TILES
    )
    return f'<section class="tiles">{cells}</section>'


def _side(heading: str) -> str:
    return "text" if heading in _TEXTS else ""


def _short(name: str, value: float | int | None, quote: str) -> str:
    """Leave the asset away, which the page says often enough."""
    return metric_text(name, value, quote).removesuffix(f" {quote}")


def tone(name: str, value: float | int | None) -> str:
    """Say whether a number is good or bad news, where it is either."""
    if name not in _TONED or not value:
        return ""
    return "gain" if value > 0 else "loss"


def table(headings: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """Give a table of finished rows."""
    heads = "".join(f'<th class="{_side(text)}">{escape(text)}</th>' for text in headings)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _subtitles(run: ReportedRun) -> list[str]:
    config = run.manifest["config"]
    first, last = (time_text(run.manifest[name])[:16] for name in ("first_ts", "last_ts"))
    what = f"{config['strategy']} on {', '.join(run.symbols)}, {config['bar_size']}"
    facts = f"{what} · {first} to {last} UTC"
    return [run.manifest["label"], *([run.description] if run.description else []), facts]


def _chart(run: ReportedRun) -> str:
    chooser = ""
    if len(run.symbols) > 1:
        options = "".join(f"<option>{escape(symbol)}</option>" for symbol in run.symbols)
        chooser = f'<select data-figure="chart" aria-label="symbol">{options}</select>'
    stretch = -(-len(run.bars) // POINTS)
    notes = [
        "▲ bought, ▼ sold short, ○ left with a gain (green) or a loss (red). Drag to zoom, "
        "double-click to go back, click a trade below to see it."
    ]
    if stretch > 1:
        notes.append(
            f"A point stands for {stretch} bars and keeps their extremes: prices show the range "
            "from low to high and the last close, equity its lowest and highest, drawdown its "
            "deepest."
        )
    if run.tables.round_trips.height > MARKED:
        notes.append(f"Of the trades, the latest {MARKED:,} of each symbol are marked.")
    title = "Price with entries and exits, equity, drawdown"
    return (
        f'<section><div class="bar"><h2>{title}</h2>{chooser}</div>'
        '<div class="chart" id="chart"></div>'
        f'<p class="note">{escape(" ".join(notes))}</p></section>'
    )


def _months(daily: pl.DataFrame, opening: float) -> str:
    years = monthly_returns(daily, opening)
    largest = max((abs(m) for y in years for m in y["months"] if m is not None), default=0.0)
    rows = []
    for year in years:
        cells = "".join(_month_cell(value, largest) for value in year["months"])
        total = year["total"]
        text = "-" if total is None else f"{total:+.1f}"
        rows.append(
            f"<tr><th>{year['year']}</th>{cells}"
            f'<td class="total {tone("net_pnl", total)}">{text}</td></tr>'
        )
    heads = "".join(f"<th>{name}</th>" for name in ("", *_MONTHS, "Year"))
    grid = (
        f'<div class="scroll"><table class="months"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return section("Monthly net return, %", grid)


def _month_cell(value: float | None, largest: float) -> str:
    if value is None:
        return "<td></td>"
    share = round(8 + 60 * abs(value) / largest) if largest else 0
    name = "gain" if value >= 0 else "loss"
    style = f"background:color-mix(in srgb, var(--{name}) {share}%, transparent)"
    return f'<td style="{style}">{value:+.1f}</td>'


def _metrics(performance: Mapping[str, Any], quote: str) -> str:
    whole, oos = performance["all"], performance["oos"] or {}
    rows = [
        f'<tr><td title="{escape(term.meaning)}">{escape(term.label)}</td>'
        f'<td class="{tone(name, whole[name])}">'
        f"{escape(metric_text(name, whole[name], quote))}</td>"
        f"<td>{escape(metric_text(name, oos.get(name), quote))}</td></tr>"
        for name, term in GLOSSARY.items()
        if name in whole
    ]
    return section("Metrics", table(("", "Whole run", "Out of sample"), rows))


def _why_not(manifest: Mapping[str, Any]) -> str:
    """Show what became of every opportunity."""
    total = manifest["opportunities"]
    counts = {"traded": manifest["traded"], **manifest["why_not"]}
    rows = [
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{count:,}</td>"
        f"<td>{count / total:.1%}</td>"
        f'<td class="share"><i style="width:{100 * count / total:.1f}%"></i></td></tr>'
        for name, count in counts.items()
    ]
    note = f"{total:,} opportunities: one per symbol and bar. The counts add up exactly."
    return section("Traded, or why not", table(("", "Count", "Share", ""), rows), note)


def _trades(trades: pl.DataFrame, quote: str) -> str:
    headings = (
        "Entry (UTC)", "Symbol", "Side", "Quantity", "Entry price", "Exit price", "Held",
        f"Fees, {quote}", f"Net PnL, {quote}", "Return, %", "Exit",
    )  # fmt: skip
    shown = trades.tail(ROWS).reverse()
    rows = [_trade(row) for row in shown.iter_rows(named=True)]
    note = ""
    if trades.height > ROWS:
        note = f"The latest {ROWS:,} of {trades.height:,} trades; all are in round_trips.csv."
    title = f"Trades ({trades.height:,})"
    return section(title, table(headings, rows, "sortable"), note)


def _trade(row: Mapping[str, Any]) -> str:
    entry, out = row["entry_ts_utc"], row["exit_ts_utc"]
    start, end = (int(moment.timestamp() * 1000) for moment in (entry, out))
    pnl, held = float(row["pnl"]), (end - start) / 60_000
    news = tone("net_pnl", pnl)
    cells = [
        (start, entry.strftime("%Y-%m-%d %H:%M"), ""),
        (row["symbol"], row["symbol"], "text"),
        (row["side"], row["side"].lower(), "text"),
        (row["qty"], f"{row['qty'].normalize():,f}", ""),
        (row["entry_price"], f"{row['entry_price']:,.8g}", ""),
        (row["exit_price"], f"{row['exit_price']:,.8g}", ""),
        (held, duration_text(held), ""),
        (row["fees"], f"{float(row['fees']):,.2f}", ""),
        (pnl, f"{pnl:+,.2f}", news),
        (
            row["return_pct"],
            "-" if row["return_pct"] is None else f"{row['return_pct']:+.2f}",
            news,
        ),
        (row["exit_reason"], row["exit_reason"].replace("_", " "), "text"),
    ]
    tds = "".join(
        f'<td class="{kind}" data-value="{escape(str(value))}">{escape(text)}</td>'
        for value, text, kind in cells
    )
    place = f'data-figure="chart" data-symbol="{escape(row["symbol"])}"'
    return f'<tr {place} data-start="{start}" data-end="{end}">{tds}</tr>'


def _origin(manifest: Mapping[str, Any]) -> str:
    """Show by which hashes the run can be found and proven again."""
    facts = {name: manifest[name] for name in _HASHES}
    facts |= {f"input {name}": version for name, version in manifest["inputs"].items()}
    facts |= {
        "packages": ", ".join(f"{n} {v}" for n, v in manifest["packages"].items()),
        "config": ", ".join(f"{n}={v}" for n, v in flat(manifest["config"])),
    }
    rows = "".join(
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return section(
        "Where it comes from",
        f'<div class="scroll"><table class="hashes"><tbody>{rows}</tbody></table></div>',
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Give nested values by dotted names; what is empty is left out."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += flat(value, f"{prefix}{name}.")
        elif value not in (None, "", []):
            found.append((f"{prefix}{name}", value))
    return found

"""Key figures of a live book, by its journal, and of a spec, by its current run."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.events import EquityMarked, OrderFilled, OrderSubmitted
from trading_assets.domain.instants import iso_text
from trading_assets.live.recovery import last_release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.run_listing import run_row

_LEAST_DAYS = 30
_OF_A_YEAR = ("cagr_pct", "volatility_pct", "sharpe", "sortino", "calmar")


def book_performance(desk: Desk, book: str) -> dict[str, Any]:
    """Give the key figures of a book since its journal began.

    Names and conventions are those of `evaluation.glossary`; ratios are of daily returns, of the
    last equity of each UTC day, the first against the first mark. Money that was moved in or out
    stands in the equity and so in the returns. What needs round trips is not known of a journal,
    and what is of a year is None below 30 days: a good day is no 30,000 % a year.

    Returns:
        `of` (the book), `kind` ("book"), `release_id`, `first` and `last` (open times of the marked
        bars), `metrics`, and `oos`: None, since all of it is out of sample.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
        MissingPartition: if it has not seen a bar yet.
    """
    import numpy as np
    import polars as pl

    from trading_assets.evaluation import metrics as m
    from trading_assets.evaluation.performance import annual_periods, return_metrics
    from trading_assets.evaluation.run_tables import daily_equity
    from trading_assets.market.bar_frame import TS

    with live_book(desk.settings, book).journal() as journal:
        events = [row.event for row in journal.of_kinds([EquityMarked.__name__])]
        orders = sum(1 for _ in journal.of_kinds([OrderSubmitted.__name__]))
        fills = sum(1 for _ in journal.of_kinds([OrderFilled.__name__]))
        release_id = last_release(journal) or ""
    marks = [(e.ts, float(e.equity), e.drawdown) for e in events if isinstance(e, EquityMarked)]
    if not marks:
        raise MissingPartition(
            f"Book {book} has not seen a bar yet", expected="a marked bar", found="none"
        )
    schema = pl.Schema({"ts_utc": TS, "equity": pl.Float64(), "drawdown": pl.Float64()})
    frame = pl.DataFrame(marks, schema=schema, orient="row")
    opening, final = marks[0][1], marks[-1][1]
    days = daily_equity(frame, opening)
    periods = annual_periods(desk.releases.get(release_id).instruments)
    returns = np.asarray(days["return_pct"].to_numpy()) / 100.0
    found = return_metrics(returns, final, opening, periods)
    if days.height < _LEAST_DAYS:
        found |= dict.fromkeys(_OF_A_YEAR)
    return {
        "of": book,
        "kind": "book",
        "release_id": release_id,
        "first": iso_text(marks[0][0]),
        "last": iso_text(marks[-1][0]),
        "metrics": {
            "initial_cash": opening,
            **found,
            "max_drawdown_pct": 100.0 * max(mark[2] for mark in marks),
            "max_drawdown_days": m.longest_drawdown([opening, *days["equity"]]),
            "num_days": days.height,
            "num_orders": orders,
            "num_fills": fills,
        },
        "oos": None,
    }


def spec_performance(desk: Desk, spec: str) -> dict[str, Any]:
    """Give the key figures of the current run of a spec, whole and out of sample.

    Returns:
        `of` (the spec), `kind` ("spec"), `first`, `last`, `metrics` and `oos`, as of a book, and
        `run_id` and `title` of the run.

    Raises:
        MissingPartition: if it was never run.
        CorruptFile: if the run is damaged.
    """
    run = desk.runs.current(spec) if spec in desk.runs.specs() else None
    if run is None:
        raise MissingPartition(
            f"Spec {spec!r:.60} was never run",
            expected="a spec that was run",
            found=", ".join(desk.runs.specs()) or "none",
            fix="`trading-assets backtest run <spec>`",
        )
    row = run_row(desk, run)
    shown = ("run_id", "title", "first", "last", "metrics", "oos")
    return {"of": spec, "kind": "spec", **{name: row[name] for name in shown}}

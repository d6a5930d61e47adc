"""Versions of what trading has cost: one per book and month, never made of later fills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros, Month, months_between
from trading_assets.domain.instants import time_text
from trading_assets.evaluation.cost_estimation import (
    EstimationTerms,
    Interval,
    Line,
    estimate_line,
    estimate_mean,
    paid_bps,
)
from trading_assets.market.table_columns import COST_COLUMNS, FLOAT, INTEGER, TEXT, TIME
from trading_assets.storage.journal_reader import FILE
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.code_hash import COST_SOURCES, source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.fill_costs import FeePaid, FillCosts, OrderCost, day_of, fill_costs
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_tables import TS, live_days
from trading_assets.workflows.market_tables import published_from_manifest
from trading_assets.workflows.published import Published

ALL = "*"
"""Symbol of the rows that all fills of a book stand in."""

LINEAR, ROOT = "impact_bps", "sqrt_impact"
"""Models of impact, by the key of `costs` that is their coefficient."""

KNOWN_FROM = "known_from"
_DIGITS = 6
_TYPES = {TEXT: pl.String(), FLOAT: pl.Float64(), INTEGER: pl.Int64(), TIME: TS}
_SCHEMA = pl.Schema({name: _TYPES[said] for name, said in COST_COLUMNS.items()})


def costs_table(book: str) -> str:
    """Give the table of a book's costs."""
    return f"costs_{book}"


def publish_costs(desk: Desk, book: str, month: Month) -> tuple[Published, FillCosts]:
    """Publish what the fills of a book have cost, as was known by the end of a month.

    Fills of `fill_costs.window_days` before the end are looked at. The version knows in
    `known_from` the instant from which all of it was known; nobody may use it earlier. Older
    versions are kept.

    Raises:
        ConfigurationError, RecoveryError: as `fill_costs`.
    """
    rules = desk.settings.fill_costs
    terms = EstimationTerms(rules.min_fills, rules.min_days, rules.confidence)
    found = fill_costs(desk, book, month.end - rules.window_days * DAY, month.end)
    manifest, changed = desk.tables.publish(
        costs_table(book),
        None,
        month,
        pl.DataFrame(list(_rows(found, terms)), schema=_SCHEMA, orient="row"),
        code_version=source_hash(*COST_SOURCES)[:16],
        parents={f"journal/{book}": found.journal},
        extra={
            KNOWN_FROM: found.known_from,
            "venue": desk.settings.books[book].venue,
            "left_out": dict(found.left_out),
            "terms": {**asdict(terms), "window_days": rules.window_days},
        },
    )
    known = found.known_from
    told = {KNOWN_FROM: "nothing" if known is None else time_text(known)}
    published = published_from_manifest(
        desk.tables, manifest, changed=changed, left_out=dict(found.left_out), **told
    )
    return published, found


def cost_months(desk: Desk, book: str) -> tuple[Month, ...]:
    """List the months from a book's first day to its last, ascending.

    Raises:
        RecoveryError: if the book has no journal, or it cannot be read.
    """
    days = live_days(desk, book)
    if not days:
        return ()
    first, last = (Month(day.year, day.month) for day in (days[0], days[-1]))
    return tuple(months_between(first, last))


def measurable_books(desk: Desk, month: Month) -> tuple[str, ...]:
    """List the books with a venue whose journals reach a month, in the order of settings."""
    found = []
    for name, book in desk.settings.books.items():
        is_there = (live_book(desk.settings, name).folder / FILE).is_file()
        if is_there and not book.is_simulated and month in cost_months(desk, name):
            found.append(name)
    return tuple(found)


def known_from(manifest: Manifest) -> Micros | None:
    """Give the instant from which a version was known; None for one without a fill."""
    found = manifest.extra[KNOWN_FROM]
    return None if found is None else int(found)


def _rows(found: FillCosts, terms: EstimationTerms) -> Iterator[Mapping[str, Any]]:
    """Give one row per symbol and model of impact; those of all symbols first."""
    symbols = {order.symbol for order in found.orders} | {fee.symbol for fee in found.fees}
    for symbol in (ALL, *sorted(symbols)):
        orders = [order for order in found.orders if symbol in (ALL, order.symbol)]
        fees = [fee for fee in found.fees if symbol in (ALL, fee.symbol)]
        shared = {
            KNOWN_FROM: found.known_from,
            "symbol": symbol,
            **_fees(fees),
            **_prices(orders, terms),
        }
        for model in (LINEAR, ROOT):
            yield {**shared, "model": model, **_line(orders, model, terms)}


def _fees(fees: Sequence[FeePaid]) -> dict[str, Any]:
    found: dict[str, Any] = {"fills": len(fees)}
    for name, is_maker in (("maker_bps", True), ("taker_bps", False)):
        own = [fee for fee in fees if fee.is_maker is is_maker]
        known = [(fee.fee, fee.notional) for fee in own if fee.fee is not None]
        paid = paid_bps(known) if len(known) == len(own) else None
        found[name] = None if paid is None else float(round(paid, _DIGITS))
    return found


def _prices(orders: Sequence[OrderCost], terms: EstimationTerms) -> dict[str, Any]:
    """Give the robust mean of what prices were worse by, and how large orders were."""
    worse, days = _column(orders, "worse_bps"), _days(orders)
    mean = estimate_mean(worse, days, terms)
    return {
        **_interval("worse", mean),
        "share_mean": _mean(_column(orders, "share")),
        "share_max": max((order.share for order in orders), default=None),
        "root_mean": _mean(_column(orders, "root")),
    }


def _line(orders: Sequence[OrderCost], model: str, terms: EstimationTerms) -> dict[str, Any]:
    x = _column(orders, "share" if model == LINEAR else "root")
    line: Line = estimate_line(_column(orders, "worse_bps"), x, _days(orders), terms)
    used = line.used or (None, None)
    return {
        "orders": line.fills,
        "days": line.days,
        **_interval("half_spread", line.half_spread),
        **_interval("impact", line.impact),
        "used_half_spread_bps": _rounded(used[0]),
        "used_impact": _rounded(used[1]),
        "mean_bps": line.mean_bps,
        "tail_bps": line.tail_bps,
        "outliers": line.outliers,
        "reason": line.reason,
        "impact_reason": line.impact_reason,
    }


def _interval(name: str, found: Interval | None) -> dict[str, float | None]:
    ends = ("", "_error", "_low", "_high")
    return {f"{name}{end}": None if found is None else found[n] for n, end in enumerate(ends)}


def _rounded(value: float | None) -> float | None:
    """Give what an engine is to use, in as many digits as a person would write."""
    return None if value is None else round(value, _DIGITS)


def _column(orders: Iterable[OrderCost], name: str) -> np.ndarray:
    return np.array([getattr(order, name) for order in orders], dtype=np.float64)


def _days(orders: Iterable[OrderCost]) -> np.ndarray:
    return np.array([day_of(order.ts) for order in orders], dtype=np.int64)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None

"""What is measured of live books as text for Prometheus; `metrics_server` and others serve it.

Names are those of docs/monitoring.md with the prefix `trading_assets_`, each with the label `book`
and, where said, `symbol`. Times are in seconds, money is in the book's quote currency.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from trading_assets import __version__
from trading_assets.live.supervision.timer import BOUNDS_S, Timer

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from trading_assets.workflows.live_metrics import BookFigures, DeskMetrics

PREFIX = "trading_assets_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTERS: Mapping[str, str] = {
    "intents_total": "Decisions that became an order.",
    "unknown_outcomes_total": "Orders whose answer was lost.",
    "errors_total": "Orders that were refused or whose answer was lost.",
    "decisions_dropped_total": "Decisions that a rule of risk let become no order.",
    "bars_total": "Bars that were journalled, all symbols of one instant as one.",
    "late_bars_total": "Bars that came too late to be traded.",
    "commands_total": "Commands of people.",
    "commands_refused_total": "Commands of people that were not carried out.",
    "halts_total": "Halts, by people and by the book itself.",
}
COUNTERS_OF_SYMBOL: Mapping[str, str] = {
    "orders_sent_total": "Orders that were about to leave, each counted once, durably.",
    "fills_total": "Executions of our orders.",
    "rejects_total": "Orders that the venue refused.",
}
GAUGES: Mapping[str, str] = {
    "up": "1 while the book trades; 0 halted, waiting, silent or not running.",
    "executor_running": "1 while a process holds the lease of the account.",
    "closed_cleanly": "1 after a clean stop, until the next start.",
    "trading_halted": "1 while the book opens no position until a person resumes it.",
    "halted_for_loss": "1 while the halt in force is for a loss or drawdown beyond its limit.",
    "heartbeat_age_seconds": "Since the executor's last sign of life.",
    "bar_seconds": "Length of the book's bars.",
    "bar_lag_seconds": "Open market since the latest bar of any symbol closed.",
    "journal_lag_seconds": "From the close of the latest bar to its row in the journal.",
    "journal_age_seconds": "Since the journal's last row was committed.",
    "journal_rows": "Rows of the journal.",
    "error_rate": "Share of the latest hundred orders that failed.",
    "error_rate_orders": "Orders that error_rate is of.",
    "order_in_doubt_seconds": "Age of the oldest order whose answer was lost; 0 for none.",
    "clock_offset_seconds": "The venue's clock less this machine's, at the latest sending.",
    "slo_budget_left": "Share of the error budget of 30 days; below 0 when overdrawn.",
    "equity": "Of the latest mark.",
    "drawdown": "From the peak of equity, as a fraction.",
    "pnl_intraday": "Equity less equity before the UTC day.",
    "pnl_realized": "Of all round trips after fees, at the executor's last beat.",
    "open_positions": "Positions at the executor's last beat.",
    "open_orders": "Orders that had not ended at the executor's last beat.",
    "entries_paused": "Pauses of entries in force at the executor's last beat.",
    "disk_free_bytes": "Free on the disk of the journal.",
}
GAUGES_OF_SYMBOL: Mapping[str, str] = {
    "feed_age_seconds": "Open market of a symbol since its latest bar closed.",
}
TIMERS: Mapping[str, str] = {
    "order_rtt_seconds": "From the sending of an order to the first answer.",
    "order_latency_seconds": "From the close of a bar to the sending of its order.",
    "bar_to_journal_seconds": "From the close of a bar to its row in the journal.",
}


def metrics_text(metrics: DeskMetrics) -> bytes:
    """Give the answer to one scrape, of type `CONTENT_TYPE`; any server can send it.

    A book that cannot be read is `journal_readable 0`, logged with the reason, and hides no other.
    """
    began = time.perf_counter()
    books = metrics.figures()
    return exposition(books, took_s=time.perf_counter() - began)


def exposition(books: Iterable[BookFigures], *, took_s: float = 0.0) -> bytes:
    """Write figures in the text format of Prometheus.

    Args:
        books: what was read.
        took_s: how long that took.
    """
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected([*_of_desk(took_s), *_families(list(books))]))
    return bytes(generate_latest(registry))


class _Collected:
    """Families that were made already, as the library wants to be given them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_desk(took_s: float) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    info = GaugeMetricFamily(f"{PREFIX}build_info", "Version of this program.", labels=["version"])
    info.add_metric([__version__], 1.0)
    yield info
    text = "What reading the books took."
    yield GaugeMetricFamily(f"{PREFIX}scrape_duration_seconds", text, value=took_s)


def _families(books: list[BookFigures]) -> Iterator[Metric]:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    for table, kind, labels in (
        (COUNTERS, CounterMetricFamily, ["book"]),
        (GAUGES, GaugeMetricFamily, ["book"]),
        (COUNTERS_OF_SYMBOL, CounterMetricFamily, ["book", "symbol"]),
        (GAUGES_OF_SYMBOL, GaugeMetricFamily, ["book", "symbol"]),
    ):
        for name, text in table.items():
            family = kind(PREFIX + name, text, labels=labels)
            for labelled, value in _samples(books, name):
                family.add_metric(labelled, value)
            yield family
    for name, text in TIMERS.items():
        timers = HistogramMetricFamily(PREFIX + name, text, labels=["book"])
        for book in books:
            if name in book.timers:
                timer = book.timers[name]
                timers.add_metric([book.book], _buckets(timer), timer.total_s)
        yield timers
    yield _alerts(books)
    readable = GaugeMetricFamily(
        f"{PREFIX}journal_readable", "0 where the files of a book cannot be read.", labels=["book"]
    )
    for book in books:
        readable.add_metric([book.book], float(not book.failure))
    yield readable


def _alerts(books: list[BookFigures]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    text = "1 while the book's own rule alerts, see docs/live-supervision.md."
    family = GaugeMetricFamily(f"{PREFIX}alert_active", text, labels=["book", "alert"])
    for book in books:
        for name, stands in sorted(book.alerts.items()):
            family.add_metric([book.book, name], float(stands))
    return family


def _samples(books: list[BookFigures], name: str) -> Iterator[tuple[list[str], float]]:
    for book in books:
        for symbol, value in book.of_symbol.get(name, {}).items():
            yield [book.book, symbol], value
        for values in (book.counters, book.gauges):
            if name in values and name not in book.of_symbol:
                yield [book.book], values[name]


def _buckets(timer: Timer) -> list[tuple[str, float]]:
    bounds = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
    return list(zip(bounds, map(float, accumulate(timer.counts)), strict=True))

"""Why was this order sent: every order of a book or a run, traced to the vendor's bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import polars as pl

from trading_assets.domain.errors import ConfigurationError, MissingPartition
from trading_assets.storage.journal_reader import FILE
from trading_assets.storage.run_store import StoredRun
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.stored_runs import find_run
from trading_assets.workflows.trace_journal import JournalStory
from trading_assets.workflows.trace_links import Trace
from trading_assets.workflows.trace_live import LiveTracer
from trading_assets.workflows.trace_run import RunTracer


def trace_order(desk: Desk, order_id: str, *, book: str = "", run: str = "") -> Trace:
    """Trace one order; without a book or a run it is looked for in all of them.

    Args:
        desk: whose books and runs.
        order_id: of a book: client order id, the venue's id, or the id of one of its executions;
            the last two may be preceded by the symbol, as `BTCUSDT:17`. Of a run: client order id.
        book: look in this book only.
        run: look in this run only: spec, spec/run id, or run id.

    Raises:
        MissingPartition: if no order, or more than one, is meant.
        ConfigurationError: if there is no such book, or both are given.
        RecoveryError: if the journal cannot be read.
    """
    if book and run:
        raise ConfigurationError("Two places", expected="a book or a run", found="both")
    proofs = Provenance(desk)
    if run:
        return _of_run(desk, find_run(desk, run), order_id, proofs)
    places = [live_book(desk.settings, book)] if book else _books(desk)
    with ExitStack() as stack:
        found = []
        for place in places:
            tracer = LiveTracer(desk, place, stack.enter_context(place.journal()), proofs)
            found += [(tracer, place, name) for name in _meant(tracer.story, order_id)]
        if len(found) == 1:
            tracer, _, name = found[0]
            return next(tracer.traces([name]))
        if found:
            names = [f"{name} of book {place.name}" for _, place, name in found]
            raise _not_one(order_id, names, _text_of(places))
    runs = [] if book else _runs_with(desk, order_id)
    if len(runs) != 1:
        names = [f"{each.spec}/{each.run_id}" for each in runs]
        where = _text_of(places)
        raise _not_one(order_id, names, where if book else f"{where}, and all runs")
    return _of_run(desk, runs[0], order_id, proofs)


def trace_all(desk: Desk, *, book: str = "", run: str = "") -> Iterator[Trace]:
    """Trace every order of a book or of a run, the oldest decision first.

    Raises:
        ConfigurationError: unless one of the two is given.
        RecoveryError, CorruptFile, MissingPartition: if it cannot be read.
    """
    if bool(book) == bool(run):
        raise ConfigurationError(
            "All orders of what?", expected="a book or a run", found="both" if book else "neither"
        )
    proofs = Provenance(desk)
    with ExitStack() as stack:
        if run:
            of_run = RunTracer(desk, find_run(desk, run), proofs)
            yield from map(of_run.trace, of_run.orders["client_order_id"])
            return
        place = live_book(desk.settings, book)
        tracer = LiveTracer(desk, place, stack.enter_context(place.journal()), proofs)
        yield from tracer.traces(tracer.story.orders)


def _books(desk: Desk) -> list[LiveBook]:
    places = [live_book(desk.settings, name) for name in sorted(desk.settings.books)]
    return [place for place in places if (place.folder / FILE).is_file()]


def _text_of(places: Sequence[LiveBook]) -> str:
    return ", ".join(f"book {place.name}" for place in places) or "no book"


def _meant(story: JournalStory, order_id: str) -> tuple[str, ...]:
    if order_id in story.orders:
        return (order_id,)
    symbol, _, other = order_id.rpartition(":")
    found = story.by_venue_id.get(other, ())
    return tuple(n for n in found if symbol in ("", story.orders[n].intent.ticket.symbol))


def _runs_with(desk: Desk, order_id: str) -> list[StoredRun]:
    """Give the runs that have an order; of runs of one spec the current one alone, if it has it.

    Runs of one spec share the ids of what they decide alike.
    """
    found: list[StoredRun] = []
    for spec in desk.runs.specs():
        ids = dict.fromkeys(reversed(desk.runs.history(spec)))
        runs = [run for run_id in ids if _has(run := desk.runs.get(spec, run_id), order_id)]
        current = desk.runs.current(spec)
        is_current = [r for r in runs if current is not None and r.run_id == current.run_id]
        found += is_current or runs
    return found


def _has(run: StoredRun, order_id: str) -> bool:
    return not run.table("orders").filter(pl.col("client_order_id") == order_id).is_empty()


def _of_run(desk: Desk, run: StoredRun, order_id: str, proofs: Provenance) -> Trace:
    tracer = RunTracer(desk, run, proofs)
    if order_id not in tracer.orders["client_order_id"]:
        raise _not_one(order_id, [], f"run {run.spec}/{run.run_id}")
    return tracer.trace(order_id)


def _not_one(order_id: str, found: Sequence[str], where: str) -> MissingPartition:
    return MissingPartition(
        f"No one order is meant by {order_id!r:.80}",
        expected=f"an order of {where}",
        found=", ".join(found) or "none",
        fix="`trading-assets journal show --kind OrderIntentCreated` lists the orders of a book; "
        "of several, name one by --book, --run or its client order id.",
    )

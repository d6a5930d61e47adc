"""Backtests: a list with speaking titles, and each with its curve, months, tables and traces."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from trading_assets.interfaces.http_api.answers import REFUSALS, Answer
from trading_assets.interfaces.http_api.paging import PageOf, Paging, Points
from trading_assets.interfaces.http_api.queries import (
    RUN,
    InstantText,
    OrderPath,
    RunPath,
    SpecPath,
    SpecText,
    SymbolText,
    span_of,
)
from trading_assets.interfaces.http_api.served import Reader, Shown
from trading_assets.interfaces.http_api.traces import traced

router = APIRouter(prefix="/api/runs", tags=["runs"], responses=REFUSALS)

Metrics = dict[str, float | int | None]
Words = Annotated[str, Query(max_length=100, description="Words that must all be there.")]
Runs = Annotated[
    list[Annotated[str, Field(pattern=RUN)]],
    Query(min_length=2, max_length=8, description="spec/run id, or a spec; two to eight."),
]


class Links(BaseModel):
    """Where else a run is shown; `mlflow` is null for one that was never logged."""

    mlflow: str | None
    dagster: str


class RunRow(BaseModel):
    """One run: the title that it bears everywhere, its span, and its key figures.

    `metrics` are of all bars, `oos` of the part out of sample, null when there is none; their names
    are those of the glossary. `stored` is when it was stored.
    """

    spec: str
    run_id: str
    title: str
    symbols: list[str]
    timeframe: str
    quote: str
    first: str
    last: str
    stored: str
    is_current: bool
    checks_green: bool
    metrics: Metrics
    oos: Metrics | None
    links: Links


class Check(BaseModel):
    """A check of a run, and what was seen."""

    name: str
    passed: bool | None
    detail: str


class Year(BaseModel):
    """Returns of a year's months in percent, null without a day."""

    year: int
    months: list[float | None]
    total_pct: float | None


class Run(RunRow):
    """A run whole; `in_sample` has some metrics of the bars before `oos`, null without any."""

    in_sample: Metrics | None
    manifest: dict[str, Any]
    checks: list[Check]
    monthly: list[Year]


class Curve(BaseModel):
    """Equity in quote and drawdown as a fraction, by seconds UTC; no extreme is left out."""

    t: list[int]
    equity: list[float]
    drawdown: list[float]


class OnGrid(BaseModel):
    """A run on the grid of all, 100 at its opening; null before its first bar, after its last."""

    t: list[int]
    equity_index: list[float | None]
    drawdown: list[float | None]


class ComparedRun(BaseModel):
    """One of the runs that are compared; `run` is spec/run id."""

    name: str
    run: str
    title: str
    quote: str
    metrics: Metrics
    oos: Metrics | None


class Comparison(BaseModel):
    """Runs side by side; `differences` is what they were told differently, in their order."""

    runs: list[ComparedRun]
    differences: dict[str, list[str]]
    series: dict[str, OnGrid]


@router.get("")
def runs(
    served: Shown,
    _: Reader,
    paging: Paging,
    spec: SpecText = "",
    q: Words = "",
) -> PageOf[RunRow]:
    """List runs, the last stored first."""
    from trading_assets.workflows.run_listing import list_runs

    page = list_runs(served.desk, spec=spec, search=q, **paging)
    return PageOf[RunRow].of(page)


@router.get("/compare")
def compare(served: Shown, _: Reader, run: Runs, points: Points = 1500) -> Comparison:
    """Lay two to eight runs beside each other, on one grid of instants."""
    from trading_assets.workflows.run_reading import compare_runs

    return Comparison(**compare_runs(served.desk, run, points=points))


@router.get("/{spec}/{run_id}")
def run(served: Shown, _: Reader, spec: SpecPath, run_id: RunPath) -> Run:
    """Give a run with its manifest, checks and monthly returns; the id's beginning is enough."""
    from trading_assets.workflows.run_reading import run_detail

    return Run(**run_detail(served.desk, f"{spec}/{run_id}"))


@router.get("/{spec}/{run_id}/equity")
def equity(
    served: Shown,
    _: Reader,
    spec: SpecPath,
    run_id: RunPath,
    since: InstantText = "",
    until: InstantText = "",
    points: Points = 1500,
) -> Curve:
    """Give the equity after each bar, thinned out to peaks and troughs."""
    from trading_assets.workflows.run_reading import run_equity

    start, end = span_of(since, until)
    name = f"{spec}/{run_id}"
    return Curve(**run_equity(served.desk, name, since=start, until=end, points=points))


@router.get("/{spec}/{run_id}/{table}")
def table(
    served: Shown,
    _: Reader,
    paging: Paging,
    spec: SpecPath,
    run_id: RunPath,
    table: Literal["trades", "orders", "fills"],
    symbol: SymbolText = "",
) -> PageOf[dict[str, Any]]:
    """List round trips by entry, orders by decision, or executions of a run, newest first.

    `qty` counts `unit_qty`, amounts are in `quote`; the `notional` of an order is that of its
    fills, else at its limit or stop.
    """
    from trading_assets.workflows.run_reading import run_table

    page = run_table(served.desk, f"{spec}/{run_id}", table, symbol=symbol, **paging)
    return PageOf[dict[str, Any]].of(page)


@router.get("/{spec}/{run_id}/trace/{order_id}")
async def trace(
    served: Shown, _: Reader, spec: SpecPath, run_id: RunPath, order_id: OrderPath
) -> Answer:
    """Follow an order down to the vendor's files; all are hashed again, which may take a minute."""
    return await traced(served, order_id, run=f"{spec}/{run_id}")

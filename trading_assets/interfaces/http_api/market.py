"""The market as charts take it: bars, marks, regimes; risk factors, key figures, a month's map."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instants import instant_from_text
from trading_assets.interfaces.http_api.answers import REFUSALS, Refusal
from trading_assets.interfaces.http_api.books import require_journal
from trading_assets.interfaces.http_api.commands import require_book
from trading_assets.interfaces.http_api.paging import PageOf, Paging, Points
from trading_assets.interfaces.http_api.queries import (
    BookText,
    HorizonText,
    InstantText,
    RunText,
    SpecText,
    SymbolText,
    span_of,
)
from trading_assets.interfaces.http_api.served import Reader, Shown

router = APIRouter(prefix="/api", tags=["market"], responses=REFUSALS)

Size = Annotated[Literal["1m", "5m", "15m", "1h", "1d"], Query(description="Size of a bar.")]
_MONTH = r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$"
MonthText = Annotated[str, Query(pattern=_MONTH, description="Of UTC, as 2024-03.")]
Values = list[float | None]


class Bars(BaseModel):
    """Bars by open time in seconds UTC, put together to `aggregated_to` where they were too many.

    `first` and `last` say what there is of the symbol; a volume is null where a bar lacks it. From
    `live_from_s` on they are those that the book saw and nobody has published yet; null for none.
    """

    t: list[int]
    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    timeframe: str
    aggregated_to: str
    first: int | None
    last: int | None
    live_from_s: int | None


class Marker(BaseModel):
    """Where a position was entered or left; `t` in seconds UTC."""

    t: float
    kind: Literal["entry", "exit", "stop"]
    side: str
    price: float
    qty: float
    strategy: str
    order_id: str


class Regimes(BaseModel):
    """What was known at the close of the hours that open at `t`, seconds UTC."""

    t: list[int]
    regime: list[str | None]
    p_calm: Values
    p_normal: Values
    p_turbulent: Values
    volatility: Values


class Risk(BaseModel):
    """A change of a risk factor, as `risk_updates` tells it; `book` where it is that of one."""

    risk_factor: float
    reasons: list[str]
    timestamp: str
    asset: str
    book: str | None = None
    purpose: str
    source: Literal["log", "now"]


class Performance(BaseModel):
    """Key figures of a book, by its journal, or of the current run of a spec."""

    of: str
    kind: Literal["book", "spec"]
    first: str
    last: str
    metrics: dict[str, float | int | None]
    oos: dict[str, float | int | None] | None
    run_id: str | None = None
    title: str | None = None
    release_id: str | None = None


class HeatMap(BaseModel):
    """A month by the hour: a row per symbol, a cell per `t` (seconds UTC), null where nothing is.

    `forecast` and `confidence` are the last of each hour; `signal` is the last that the spec said.
    """

    month: str
    symbols: list[str]
    t: list[int]
    horizon: str
    spec: str | None
    columns: dict[Literal["forecast", "confidence", "signal"], list[Values]]


@router.get("/bars")
def bars(
    served: Shown,
    _: Reader,
    symbol: SymbolText,
    timeframe: Size = "5m",
    since: InstantText = "",
    until: InstantText = "",
    points: Points = 1500,
    book: BookText = "",
) -> Bars:
    """Give bars of any span or of all there is; with a book, then those that only it saw."""
    from trading_assets.domain.bar import Timeframe
    from trading_assets.workflows.chart_bars import chart_bars

    if book:
        require_book(served, book)
    found = chart_bars(
        served.desk,
        symbol_from_text(symbol),
        Timeframe(timeframe),
        since=instant_from_text(since) if since else None,
        until=instant_from_text(until) if until else None,
        points=points,
        book=book,
    )
    return Bars(**found)


@router.get("/markers")
def markers(
    served: Shown,
    _: Reader,
    paging: Paging,
    symbol: SymbolText,
    book: BookText = "",
    run: RunText = "",
    since: InstantText = "",
    until: InstantText = "",
) -> PageOf[Marker]:
    """List the fills of a book or of a run as marks, newest first."""
    from trading_assets.workflows.book_history import has_journal
    from trading_assets.workflows.markers import book_markers, run_markers

    _require_one(book=book, run=run)
    start, end = span_of(since, until)
    if book:
        require_book(served, book)
        if not has_journal(served.desk, book):
            return PageOf(items=[])
    page = (book_markers if book else run_markers)(
        served.desk, book or run, symbol_from_text(symbol), since=start, until=end, **paging
    )
    return PageOf[Marker].of(page)


@router.get("/regimes")
def regimes(
    served: Shown,
    _: Reader,
    symbol: SymbolText,
    since: InstantText = "",
    until: InstantText = "",
    points: Points = 1500,
) -> Regimes:
    """Give the regimes of a symbol; without a span, of its last 90 days."""
    from trading_assets.workflows.regime_series import regime_series

    found = regime_series(
        served.desk,
        symbol_from_text(symbol),
        since=instant_from_text(since) if since else None,
        until=instant_from_text(until) if until else None,
        points=points,
    )
    return Regimes(**found)


@router.get("/risk")
def risk(
    served: Shown,
    _: Reader,
    paging: Paging,
    asset: SymbolText = "",
    since: InstantText = "",
    until: InstantText = "",
) -> PageOf[Risk]:
    """List changes of risk factors, newest first."""
    from trading_assets.workflows.risk_listing import list_risk

    start, end = span_of(since, until)
    page = list_risk(served.desk, asset=asset, since=start, until=end, **paging)
    return PageOf[Risk].of(page)


@router.get("/performance", response_model=Performance)
def performance(
    served: Shown, _: Reader, request: Request, book: BookText = "", spec: SpecText = ""
) -> Any:
    """Give the key figures of a book or of a spec."""
    from trading_assets.workflows.performance_reading import book_performance, spec_performance

    _require_one(book=book, spec=spec)
    if not book:
        return Performance(**spec_performance(served.desk, spec))
    require_journal(served, book)

    def made() -> dict[str, Any]:
        return Performance(**book_performance(served.desk, book)).model_dump()

    return served.answers.to(request, book, made)


@router.get("/heatmap")
def heat_map(
    served: Shown,
    _: Reader,
    month: MonthText = "",
    horizon: HorizonText = "",
    spec: SpecText = "",
) -> HeatMap:
    """Give forecasts and signals of every symbol by the hour; without a month, of the newest."""
    from trading_assets.domain.ids import Month
    from trading_assets.workflows.signal_map import signal_map
    from trading_assets.workflows.strategy_specs import list_specs

    if spec and spec not in list_specs(served.desk.settings):
        raise Refusal(404, f"There is no spec {spec}")
    chosen = Month.from_text(month) if month else None
    return HeatMap(**signal_map(served.desk, chosen, horizon=horizon, spec_name=spec))


def _require_one(**named: str) -> None:
    given = [name for name, text in named.items() if text]
    if len(given) != 1:
        raise Refusal(
            422,
            "One of two is needed",
            expected=" or ".join(named),
            found=" and ".join(given) or "neither",
        )

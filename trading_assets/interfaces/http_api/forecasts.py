"""Forecasts: those of the desk and those received, and the way in for one of outside."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from trading_assets.interfaces.http_api.answers import REFUSALS, Shape
from trading_assets.interfaces.http_api.paging import PageOf, Paging
from trading_assets.interfaces.http_api.queries import (
    HorizonText,
    InstantText,
    SymbolText,
    span_of,
)
from trading_assets.interfaces.http_api.served import Reader, Shown, Trader
from trading_assets.interfaces.http_api.wishes import Key, once

router = APIRouter(prefix="/api/forecasts", tags=["forecasts"], responses=REFUSALS)

_VERSION = r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}$"


class Forecast(BaseModel):
    """A forecast, as `forecast_updates` tells it.

    `prediction` is a return; `confidence` that its sign is right, null when the model has none
    better than a constant. `band` is the prediction with the quantiles 0.1 and 0.9 of the errors
    that were known when the month began; null where too few were, and for what was received.
    """

    asset: str
    horizon: str
    prediction: float
    confidence: float | None
    timestamp: str
    forecast_id: str | None
    model_version: str
    model_id: str | None
    features_hash: str | None
    dataset_hash: str | None
    purpose: Literal["research"]
    source: Literal["published", "now", "received"]
    band: tuple[float, float] | None
    received: str | None
    sender: str | None


class Said(Shape):
    """A forecast of outside; the first five say what, `model_version` says whose.

    One of the same asset, horizon, timestamp and model_version can be sent again, not changed.
    """

    asset: str = Field(max_length=20, pattern=r"^[A-Z0-9]+(\.[A-Z0-9]+)?$")
    horizon: Literal["1h", "4h", "1d"]
    prediction: Annotated[float, Field(allow_inf_nan=False)]
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    timestamp: str = Field(min_length=10, max_length=40, description="ISO 8601, not later than now")
    model_version: str = Field(pattern=_VERSION)
    forecast_id: Annotated[str, Field(pattern=_VERSION)] | None = None


@router.get("")
def forecasts(
    served: Shown,
    _: Reader,
    paging: Paging,
    asset: SymbolText = "",
    horizon: HorizonText = "",
    since: InstantText = "",
    until: InstantText = "",
) -> PageOf[Forecast]:
    """List forecasts, newest first."""
    from trading_assets.workflows.forecast_listing import list_forecasts

    start, end = span_of(since, until)
    page = list_forecasts(
        served.desk, asset=asset, horizon=horizon, since=start, until=end, **paging
    )
    return PageOf[Forecast].of(page)


@router.post("", status_code=201, responses={201: {"model": Forecast}})
async def receive(request: Request, served: Shown, identity: Trader, said: Said, key: Key) -> Any:
    """Keep a forecast of outside as research: no model learns from it, no live book reads it."""
    from trading_assets.workflows.receive_forecast import receive_forecast

    def work() -> dict[str, Any]:
        return receive_forecast(served.desk, said.model_dump(), sender=identity.name)[0]

    return await once(served, request, identity, key, work, status=201)

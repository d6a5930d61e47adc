"""Words that several routers take in an address, each bounded."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query

from trading_assets.domain.ids import Micros
from trading_assets.domain.instants import FOREVER, instant_from_text

_SYMBOL, _TAG = r"^[A-Z0-9]+(\.[A-Z0-9]+)?$", r"^[a-z0-9][a-z0-9_]{0,39}$"

SymbolText = Annotated[
    str, Query(max_length=20, pattern=_SYMBOL, description="Of an instrument, such as BTCUSDT.")
]
SpecText = Annotated[str, Query(pattern=_TAG, description="Name of a spec.")]
BookText = Annotated[str, Query(pattern=_TAG, description="Name of a book.")]
HorizonText = Annotated[Literal["1h", "4h", "1d", ""], Query(description="Of a forecast.")]
InstantText = Annotated[
    str, Query(min_length=4, max_length=40, description="ISO 8601; without a zone, UTC.")
]
RUN = r"^[a-z0-9][a-z0-9_]{0,39}(/[0-9a-f]{4,64})?$"
"""Spec/run id, or a spec for its current run."""
RunText = Annotated[str, Query(pattern=RUN, description="spec/run id, or a spec.")]
SpecPath = Annotated[str, Path(pattern=_TAG, description="Name of a spec.")]
RunPath = Annotated[str, Path(pattern=r"^[0-9a-f]{4,64}$", description="Id of a run.")]
OrderPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,64}$", description="Of an order.")]


def span_of(since: str, until: str) -> tuple[Micros, Micros]:
    """Read a span; "" has no end on its side.

    Raises:
        DataError: if one of them is no instant.
    """
    return (
        instant_from_text(since) if since else -FOREVER,
        instant_from_text(until) if until else FOREVER,
    )

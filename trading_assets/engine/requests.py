"""What a caller asks for: orders in whole lots and ticks, refused here when they make no sense."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce, TrailBy
from trading_assets.records.arrays import Records
from trading_assets.records.codes import NEVER, NO_PRICE
from trading_assets.records.state import REQUEST

_PRICED = {
    OrderType.MARKET: (False, False),
    OrderType.LIMIT: (True, False),
    OrderType.STOP: (False, True),
    OrderType.STOP_LIMIT: (True, True),
}
"""Which prices an order type has: limit, stop. A trailing stop may name its first trigger."""

_AT_ONCE = (OrderType.MARKET, OrderType.LIMIT)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order that a caller wants.

    Attributes:
        lots: whole lots, at least 1.
        limit_ticks, stop_ticks: prices in whole ticks, where the type has them. A trailing stop
            without `stop_ticks` starts at its distance from the latest close.
        valid_to: for DAY and GTD: open time of the last bar that the order works in. A session's
            last bar is known to its calendar (`market.sessions`), not to the engine.
        trail_ticks, trail_pct: distance of a trailing stop, one of them.
        trail_by: what it follows.
        reduce_only: it never makes a position larger, nor opens one.
    """

    side: OrderSide
    type: OrderType
    lots: int
    limit_ticks: int | None = None
    stop_ticks: int | None = None
    tif: TimeInForce = TimeInForce.GTC
    valid_to: Micros | None = None
    trail_ticks: int | None = None
    trail_pct: Decimal | None = None
    trail_by: TrailBy = TrailBy.CLOSE
    reduce_only: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            DataError: saying what does not fit.
        """
        self._require_prices()
        self._require_trail()
        if self.tif in (TimeInForce.IOC, TimeInForce.FOK) and self.type not in _AT_ONCE:
            raise DataError(
                f"{self.tif.name} fits orders that can fill at once",
                expected="MARKET or LIMIT",
                found=self.type.name,
            )
        if self.tif.has_end != (self.valid_to is not None):
            raise DataError(
                f"A {self.tif.name} order with{'' if self.valid_to else 'out'} an end",
                expected="valid_to with DAY and GTD, and with nothing else",
                found=f"valid_to {self.valid_to}",
                fix="For DAY, take the last bar of the session from its calendar.",
            )

    def _require_prices(self) -> None:
        priced = (self.limit_ticks is not None, self.stop_ticks is not None)
        allowed = _PRICED.get(self.type, (False, priced[1]))
        if priced != allowed:
            raise DataError(
                f"A {self.type.name} order with other prices than its type has",
                expected="limit: {}, stop: {}".format(*allowed),
                found="limit: {}, stop: {}".format(*priced),
            )
        for ticks in (self.limit_ticks, self.stop_ticks):
            if ticks is not None and ticks < 1:
                raise DataError(
                    "A price below one tick", expected="at least 1", found=str(ticks)
                )  # fmt: skip

    def _require_trail(self) -> None:
        trails = self.type is OrderType.TRAILING_STOP
        given = (self.trail_ticks is not None) + (self.trail_pct is not None)
        if given != int(trails):
            raise DataError(
                f"A {self.type.name} order with {given} distances",
                expected="trail_ticks or trail_pct for trailing stops, none for others",
                found=f"trail_ticks {self.trail_ticks}, trail_pct {self.trail_pct}",
            )
        if not trails:
            return
        bad_ticks = self.trail_ticks is not None and self.trail_ticks < 1
        bad_pct = self.trail_pct is not None and not 0 < self.trail_pct < 100
        if bad_ticks or bad_pct or self.trail_by is TrailBy.NOTHING:
            raise DataError(
                "A trailing stop that cannot trail",
                expected="trail_ticks of at least 1, or trail_pct between 0 and 100; trail_by "
                "CLOSE or EXTREME",
                found=f"{self.trail_ticks}, {self.trail_pct}, {self.trail_by.name}",
            )


def request_rows(requests: tuple[OrderRequest, ...]) -> Records:
    """Give requests as the compiled step reads them."""
    rows = np.zeros(len(requests), REQUEST)
    for row, request in zip(rows, requests, strict=True):
        row["side"], row["type"], row["tif"] = request.side, request.type, request.tif
        row["lots"], row["reduce_only"] = request.lots, request.reduce_only
        row["limit_ticks"] = NO_PRICE if request.limit_ticks is None else request.limit_ticks
        row["stop_ticks"] = NO_PRICE if request.stop_ticks is None else request.stop_ticks
        row["valid_to"] = NEVER if request.valid_to is None else request.valid_to
        row["trail_by"] = request.trail_by
        row["trail_ticks"] = request.trail_ticks or 0
        row["trail_fraction"] = float((request.trail_pct or Decimal(0)) / 100)
    return rows

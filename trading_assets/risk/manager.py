"""The hard limits as one plain object, for research and services that have no engine running.

The engine itself judges every intent at `risk.pre_trade`, with more rules and to the unit; this is
the same arithmetic on floats: sizes by `risk.sizing.whole_lots`, limits in the order of
`risk.limits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import OrderSide
from trading_assets.risk.sizing import whole_lots


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order as it is planned, before any venue.

    Attributes:
        quantity: base, above 0.
        price: quote per base, near which it is expected to fill.
        held: base that is held before it, negative when short.
        equity: quote, that it was sized on.
    """

    symbol: Symbol
    side: OrderSide
    quantity: float
    price: float
    held: float
    equity: float

    @property
    def opens(self) -> bool:
        """Whether it enlarges a position, or opens one on the other side."""
        return abs(self.held + self.side * self.quantity) > abs(self.held) or (
            self.side * self.held < 0.0 and self.quantity > abs(self.held)
        )

    @property
    def value_after(self) -> float:
        """Value of the position once it has filled, in quote, never negative."""
        return abs(self.held + self.side * self.quantity) * self.price


class RefusedOrder(NamedTuple):
    """An order that a limit has stopped.

    Attributes:
        rule: as the engine's door names it.
        limit: what was allowed.
        was: what it would have been.
    """

    order: PlannedOrder
    rule: str
    limit: float
    was: float


class Limited(NamedTuple):
    """What the hard limits have left of orders, in their order.

    Attributes:
        orders: that may be sent.
        refused: the others, each with the first rule that said no.
    """

    orders: tuple[PlannedOrder, ...]
    refused: tuple[RefusedOrder, ...]


@dataclass(frozen=True, slots=True)
class RiskManager:
    """Sizes orders and holds them to hard limits.

    Attributes:
        max_leverage: gross exposure as a multiple of equity; `max_leverage` of a spec's limits.
        max_loss_day_bps: of the equity before the day, from which on nothing is opened;
            `daily_loss_bps` there.
        per_symbol_limit: quote per symbol, None for none; `max_symbol_notional` there.
        lot_size: base, for all symbols or by symbol.
    """

    max_leverage: float = 2.0
    max_loss_day_bps: float = 150.0
    per_symbol_limit: float | None = None
    lot_size: float | Mapping[Symbol, float] = field(default=1e-8)

    def __post_init__(self) -> None:
        """Refuse limits that are none.

        Raises:
            ConfigurationError: if a number is not above 0.
        """
        lots = self.lot_size.values() if isinstance(self.lot_size, Mapping) else [self.lot_size]
        numbers = [self.max_leverage, self.max_loss_day_bps, self.per_symbol_limit, *lots]
        if not all(number is None or 0.0 < number < float("inf") for number in numbers):
            raise ConfigurationError(
                "Limits of a risk manager", expected="finite numbers above 0", found=repr(self)
            )

    def size_orders(
        self,
        equity: float,
        targets: Mapping[Symbol, float],
        prices: Mapping[Symbol, float],
        held: Mapping[Symbol, float] | None = None,
    ) -> list[PlannedOrder]:
        """Give the orders that bring positions to their targets, in the order of the targets.

        Args:
            equity: quote.
            targets: signed parts of equity; 0 closes.
            prices: quote per base, of every target.
            held: base that is held, negative when short; nothing when left out.

        Raises:
            DataError: if a price is missing, or a number is none.
        """
        orders = []
        for symbol, target in targets.items():
            price = prices.get(symbol, float("nan"))
            if not (0.0 < price < float("inf") and abs(target) < float("inf")):
                raise DataError(
                    f"No order of {symbol} can be sized",
                    expected="a price above 0 and a finite target",
                    found=f"price {price}, target {target}",
                )
            before = (held or {}).get(symbol, 0.0)
            lot = self._lot(symbol)
            wanted = _whole(abs(target) * max(equity, 0.0) / price, lot) * (1 if target > 0 else -1)
            change = wanted - before
            side = OrderSide.BUY if change > 0 else OrderSide.SELL
            order = PlannedOrder(symbol, side, abs(change), price, before, equity)
            order = self.round_to_lot(order, lot)
            if order.quantity > 0.0:
                orders.append(order)
        return orders

    def apply_hard_limits(
        self, orders: Iterable[PlannedOrder], other_value: float = 0.0
    ) -> Limited:
        """Keep the orders that no limit stops, first come, first served; exits always pass.

        Args:
            orders: at most one of a symbol.
            other_value: quote, gross value of positions that no order is about.
        """
        planned = list(orders)
        gross = other_value + sum(abs(order.held) * order.price for order in planned)
        passed: list[PlannedOrder] = []
        refused: list[RefusedOrder] = []
        for order in planned:
            after = gross - abs(order.held) * order.price + order.value_after
            refusal = self._first_breach(order, after) if order.opens else None
            if refusal is None:
                passed.append(order)
                gross = after
            else:
                refused.append(refusal)
        return Limited(tuple(passed), tuple(refused))

    def round_to_lot(self, order: PlannedOrder, lot_size: float) -> PlannedOrder:
        """Cut the quantity of an order down to whole lots."""
        return replace(order, quantity=_whole(order.quantity, lot_size))

    def should_halt(self, pnl_today_bps: float) -> bool:
        """Tell whether the loss of the day stops everything that opens a position."""
        return -pnl_today_bps >= self.max_loss_day_bps

    def _first_breach(self, order: PlannedOrder, gross: float) -> RefusedOrder | None:
        most = self.per_symbol_limit
        if most is not None and order.value_after > most:
            return RefusedOrder(order, "max_symbol_notional", most, order.value_after)
        if gross > self.max_leverage * order.equity:
            times = gross / order.equity if order.equity > 0.0 else float("inf")
            return RefusedOrder(order, "max_leverage", self.max_leverage, times)
        return None

    def _lot(self, symbol: Symbol) -> float:
        if not isinstance(self.lot_size, Mapping):
            return self.lot_size
        if symbol not in self.lot_size:
            raise DataError(
                f"No lot size of {symbol}",
                expected=", ".join(self.lot_size),
                found="none",
            )
        return self.lot_size[symbol]


def _whole(quantity: float, lot: float) -> float:
    return int(whole_lots.py_func(quantity, lot)) * lot  # type: ignore[attr-defined]

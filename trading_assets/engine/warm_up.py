"""Compile or load the machine ahead of its first bar: `python -m trading_assets.engine.warm_up`."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderStatus
from trading_assets.domain.setup import Account, EngineSetup, SignalFamily, Sizing, SizingMode
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix, columns_of

_PRICE = 100.0


def warm_up(setup: EngineSetup) -> None:
    """Let a throwaway machine run, decide, fill and close once, as backtest and as live book.

    Compiling takes some twenty seconds, once per version of the machine; loading what is compiled
    half a second, once per process. Afterwards no bar waits for either.
    """
    symbols = len(setup.instruments)
    names = columns_of(setup.family, () if setup.decider is None else setup.decider.columns)
    prices = np.full((symbols, 2), _PRICE)
    wishes = np.ones((len(names), symbols, 2)).transpose(1, 2, 0)
    tested = Machine(setup)
    bars = BarMatrix(np.array([1, 2]), prices, prices, prices, prices, prices)
    tested.run(bars, SignalMatrix(setup.family, wishes))
    tested.end_segment(0)
    live = Machine(setup)
    for ts in (1, 2):
        row = np.full((symbols, 5), _PRICE)
        for order in live.on_close(ts, row, np.ones((symbols, len(names)))):
            live.on_fill(order.order_id, 1, _PRICE, 0, False, ts)
            if order.lots > 1:
                live.on_closed(order.order_id, OrderStatus.EXPIRED, ts)


def _any_setup() -> EngineSetup:
    """Give a small setup: what is compiled is the same for all."""
    tick = Decimal("0.01")
    return EngineSetup(
        instruments=(Instrument(symbol_from_text("BTCUSDT"), "BTC", "USDT", tick, tick),),
        account=Account("USDT", Decimal(10_000)),
        family=SignalFamily.TARGET,
        sizing=Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(10)),
    )


if __name__ == "__main__":
    warm_up(_any_setup())

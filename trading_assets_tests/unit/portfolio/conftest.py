"""A margin account that trades exactly what a test says."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix

STEP = 300_000_000


@pytest.fixture
def trade():
    """Give a function that fills (signed lots, price) one per bar and gives the machine."""

    def play(*fills, costs=None, lot="0.001", spot=False, point_value="1"):
        instrument = Instrument(
            symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"), Decimal(lot),
            point_value=Decimal(point_value),
        )  # fmt: skip
        profile = AccountProfile.SPOT_LONG_ONLY if spot else AccountProfile.MARGIN
        setup = EngineSetup(
            (instrument,),
            Account("USDT", Decimal(100_000), profile),
            SignalFamily.TARGET,
            Sizing(SizingMode.FIXED, qty=Decimal(1)),
            costs or Costs(),
        )
        prices = np.array([[100.0, *(price for _, price in fills)]])
        bars = BarMatrix(np.arange(1, prices.shape[1] + 1) * STEP, *[prices] * 5)
        signals = SignalMatrix(SignalFamily.TARGET, np.full((1, len(bars), 3), np.nan))
        machine = Machine(setup)
        machine.run(bars, signals, 0, 1)
        for t, (lots, _) in enumerate(fills, start=1):
            side = OrderSide.BUY if lots > 0 else OrderSide.SELL
            reduces = spot and lots < 0
            placed = machine.submit(0, side, OrderType.MARKET, abs(lots), reduce_only=reduces)
            assert isinstance(placed, int)
            machine.run(bars, signals, t, t + 1)
        return machine

    return play

"""A strategy that is asked and wishes for what a script says, with bars and a setup for it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    EngineSetup,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.strategies.asked import AskedStrategy

STEP = 300_000_000
EVERYTHING = frozenset(OrderType)


@dataclass(frozen=True)
class Base(AskedStrategy):
    """Wishes at the n-th close for what stands in the script."""

    script: ClassVar[Any] = {}
    state: ClassVar = (("asked", "i8"),)
    order_types: ClassVar[frozenset[OrderType]] = EVERYTHING

    def on_bar(self, view, state):
        n = int(state["asked"])
        state["asked"] += 1
        wish = self.script.get(n, [])
        return wish(view) if callable(wish) else wish


def scripted(script, **declared):
    return type("Scripted", (Base,), {"script": script, **declared})()


def bars_of(*rows, symbols=1):
    prices = np.repeat(np.array(rows, float)[None], symbols, axis=0)
    columns = [np.ascontiguousarray(prices[:, :, i]) for i in range(4)]
    ts = np.arange(1, len(rows) + 1, dtype=np.int64) * STEP
    return BarMatrix(ts, *columns, np.full(columns[0].shape, 7.0))


FLAT = (100.0, 101.0, 99.0, 100.0)


def setup_of(strategy, *, symbols=1, profile=AccountProfile.MARGIN, sizing=None, **options):
    names = ("AAA", "BBB")[:symbols]
    instruments = tuple(
        Instrument(symbol_from_text(f"{n}USDT"), n, "USDT", Decimal("0.5"), Decimal("0.1"))
        for n in names
    )
    sizing = sizing or Sizing(SizingMode.FIXED, qty=Decimal(2))
    return EngineSetup(
        instruments, Account("USDT", Decimal(10_000), profile), SignalFamily.ON_BAR, sizing,
        decider=strategy, **options,
    )  # fmt: skip


def run(strategy, *rows, **options):
    setup = setup_of(strategy, **options)
    bars = bars_of(*rows, symbols=len(setup.instruments))
    machine = Machine(setup)
    machine.run(bars, SignalMatrix(SignalFamily.ON_BAR, np.empty((*bars.close.shape, 0))))
    return machine

"""A quant's whole desk as one lineage graph: from raw bars to the live run."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Runs share a machine: tables take half of its cores, so that no run waits for another's threads.
# Polars reads this when it is imported; whoever has set it, or imported Polars before, decides.
os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, len(os.sched_getaffinity(0)) // 2)))

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult
    from trading_assets.bootstrap import data_feed
    from trading_assets.domain.bar import Bar, Timeframe
    from trading_assets.domain.errors import TradingAssetsError
    from trading_assets.domain.ids import Month, Symbol
    from trading_assets.domain.instrument import Instrument
    from trading_assets.interfaces.python_api import Backtest, compare
    from trading_assets.interfaces.sweep_api import Sweep
    from trading_assets.settings import Settings, load_settings
    from trading_assets.strategies.asked import AskedStrategy
    from trading_assets.strategies.columns import BracketStrategy, TargetStrategy
    from trading_assets.strategies.events import Events, EventStrategy
    from trading_assets.strategies.protocol import Strategy
    from trading_assets.strategies.spec import StrategySpec, load_spec

__version__ = "0.1.0"
__all__ = [
    "AskedStrategy",
    "Backtest",
    "BacktestResult",
    "Bar",
    "BracketStrategy",
    "EventStrategy",
    "Events",
    "Instrument",
    "Month",
    "Settings",
    "Strategy",
    "StrategySpec",
    "Sweep",
    "Symbol",
    "TargetStrategy",
    "Timeframe",
    "TradingAssetsError",
    "compare",
    "data_feed",
    "load_settings",
    "load_spec",
]

_HOMES = {
    "AskedStrategy": "strategies.asked",
    "Backtest": "interfaces.python_api",
    "BacktestResult": "backtest.result",
    "Bar": "domain.bar",
    "BracketStrategy": "strategies.columns",
    "EventStrategy": "strategies.events",
    "Events": "strategies.events",
    "Instrument": "domain.instrument",
    "Month": "domain.ids",
    "Settings": "settings",
    "Strategy": "strategies.protocol",
    "StrategySpec": "strategies.spec",
    "Sweep": "interfaces.sweep_api",
    "Symbol": "domain.ids",
    "TargetStrategy": "strategies.columns",
    "Timeframe": "domain.bar",
    "TradingAssetsError": "domain.errors",
    "compare": "interfaces.python_api",
    "data_feed": "bootstrap",
    "load_settings": "settings",
    "load_spec": "strategies.spec",
}
"""Where each public name lives; it is imported when it is first asked for."""


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

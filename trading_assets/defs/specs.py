"""The specs of this desk as they were when its graph was loaded; assets are made of them."""

from __future__ import annotations

from collections.abc import Mapping

from trading_assets.defs.partitions import SETTINGS
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.strategy_specs import list_portfolios, list_specs

SPECS: Mapping[str, AnySpec] = {**list_specs(SETTINGS), **list_portfolios(SETTINGS)}
"""Strategy specs and portfolios, shipped and the user's own, by name."""

SIZES = frozenset(spec.timeframe for spec in SPECS.values())
"""Sizes of the bars that they trade."""

"""An embedded exchange whose time is stepped, and a broker of its demo account."""

from __future__ import annotations

import pytest

from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets_tests.stand_ins.binance_account import START, broker_at


@pytest.fixture
def exchange():
    config = ExchangeConfig(start=START, stepped=True, sim_controls=True)
    with running_exchange(config) as running:
        yield running


@pytest.fixture
def broker(exchange):
    return broker_at(exchange.api_url)

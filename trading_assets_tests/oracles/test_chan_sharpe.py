"""Sharpe ratio of IGE in E. Chan, Quantitative Trading (buy and hold, 2001 to 2007)."""

import os
from pathlib import Path

import polars as pl
import pytest

from trading_assets.evaluation.metrics import sharpe_ratio, simple_returns

SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
IGE = SHARED / "data" / "equity" / "sharpe-ratio-test-ige.csv"


@pytest.mark.oracle
@pytest.mark.skipif(not IGE.exists(), reason=f"no reference data: {IGE}")
def test_sharpe_ratio_of_ige_is_the_one_of_the_book():
    closes = pl.read_csv(IGE).sort("Date")["Adj Close"].to_numpy()
    assert (closes[0], closes[-1]) == (42.09, 127.64)
    found = sharpe_ratio(simple_returns(closes), 252, risk_free_per_period=0.04 / 252)
    assert found == pytest.approx(0.7893, abs=5e-5)

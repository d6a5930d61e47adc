"""What a person arms a book with: a strategy of one symbol, and an approval."""

from decimal import Decimal

from trading_assets.workflows.ramp import Allowance

SPEC = """
name: eager
strategy: ema_trend
params: {fast: 1, slow: 3}
symbols: [BTCUSDT]
bar_size: 5m
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 30.0}
costs: {fees_bps: 10.0}
"""
ANN = {
    "by": "ann",
    "reason": "three months of paper",
    "hours": 24,
    "within": Allowance(0, Decimal(1000), "c" * 16),
}

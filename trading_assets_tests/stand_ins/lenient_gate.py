"""Thresholds that a few weeks of bars can meet, so that every stage of the gate is reached."""

THRESHOLDS = {
    "min_trades": 5,
    "min_oos_trades": 2,
    "track_confidence": 0.51,
    "min_oos_months": 1,
    "min_deflated_sharpe": 0.0,
    "pbo_from_trials": 2,
    "pbo_blocks": 2,
    "max_spa_p": 0.9,
    "bootstrap_draws": 100,
    "min_days_between_switches": 1,
    "max_drawdown_pct": 90,
    "max_participation_pct": 100,
    "max_impact_loss": 1,
    "min_winners": 0,
    "max_month_share": 5,
    "max_symbol_share": 5,
    "min_neighbour_share": 0,
}
VARIABLES = {f"TA_GATE__{name.upper()}": str(value) for name, value in THRESHOLDS.items()}
"""The same as settings of the environment."""

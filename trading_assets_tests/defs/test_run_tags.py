import dagster as dg

from trading_assets.defs.run_tags import run_tags


def test_a_run_is_told_who_asked_for_it():
    key = dg.AssetKey(["backtest", "ema_trend"])
    assert run_tags("r1", key) == {
        "dagster.run_id": "r1",
        "dagster.asset_key": "backtest/ema_trend",
    }
    assert (
        run_tags("r1", dg.AssetKey("forecast_model"), "2024-03")["dagster.partition"] == "2024-03"
    )

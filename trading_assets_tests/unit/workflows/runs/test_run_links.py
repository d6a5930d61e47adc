from trading_assets.workflows.run_links import linked


def test_a_run_of_dagster_is_described_with_its_links(make_desk):
    settings = make_desk(TA_DAGSTER__PORT="3111").settings
    tags = {
        "dagster.run_id": "0123456789ab",
        "dagster.asset_key": "forecast_model",
        "dagster.partition": "2024-03|BTCUSDT",
    }
    found = linked(settings, tags)
    assert found.items() > tags.items()
    note = found["mlflow.note.content"]
    assert "[01234567](http://127.0.0.1:3111/runs/0123456789ab)" in note
    assert "/assets/forecast_model?partition=2024-03%7CBTCUSDT)" in note


def test_an_asset_without_partitions_and_a_run_from_the_command_line(make_desk):
    settings = make_desk().settings
    tags = {"dagster.run_id": "r1", "dagster.asset_key": "backtest/ema_trend"}
    note = linked(settings, tags)["mlflow.note.content"]
    assert note.endswith(
        "Asset [backtest/ema_trend](http://127.0.0.1:3000/assets/backtest/ema_trend)"
    )
    assert linked(settings, {"note": "mine"}) == {"note": "mine"}


def test_an_ipv6_address_is_written_in_brackets(make_desk):
    settings = make_desk(TA_DAGSTER__HOST="::1").settings
    assert settings.dagster.url == "http://[::1]:3000"

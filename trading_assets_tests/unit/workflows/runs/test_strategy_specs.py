import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.workflows.strategy_specs import find_spec, list_specs

OWN = """
name: mine
strategy: ema_trend
symbols: [{symbol}]
cash: 1000
sizing: {{mode: pct_of_equity, pos_pct: 50}}
"""


def test_specs_without_their_symbols_are_left_out_and_all_means_the_desks(make_desk):
    specs = list_specs(make_desk(TA_SYMBOLS='["BTCUSDT"]').settings)
    assert set(specs) == {"ema_trend", "forecast_driven"}
    assert specs["ema_trend"].symbols == ("BTCUSDT",)


def test_a_users_folder_adds_specs(make_desk, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mine.yaml").write_text(OWN.format(symbol="BTCUSDT"))
    settings = make_desk(TA_SPECS_DIR="mine").settings
    assert find_spec(settings, "mine").cash == 1000
    (folder / "mine.yaml").write_text(OWN.format(symbol="DOGEUSDT"))
    with pytest.raises(ConfigurationError, match="DOGEUSDT"):
        list_specs(settings)


def test_an_unknown_spec_names_those_that_exist(make_desk):
    with pytest.raises(ConfigurationError, match="ema_trend"):
        find_spec(make_desk().settings, "no_such_spec")

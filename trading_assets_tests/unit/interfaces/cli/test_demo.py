import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.demo import plan_demo, why_not_live
from trading_assets.settings import load_settings


def test_a_book_without_a_release_has_no_live_leg_and_says_why(tmp_path):
    settings = load_settings({"TA_HOME": str(tmp_path)}).settings
    assert "the gate has promoted nothing" in why_not_live(plan_demo(settings), settings)


def test_it_runs_on_sources_that_need_no_network(tmp_path):
    settings = load_settings({"TA_HOME": str(tmp_path), "TA_SOURCE": "binance"}).settings
    with pytest.raises(ConfigurationError, match="runs offline"):
        plan_demo(settings)

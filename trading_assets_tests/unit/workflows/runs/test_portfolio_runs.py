"""A portfolio on the tables of the desk."""

import pytest

from trading_assets import Backtest
from trading_assets.domain.errors import ConfigurationError
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_any, find_spec, list_portfolios, list_specs

PORTFOLIO = """
name: both
members:
  - {spec: ema_trend, allocation_pct: 60}
  - {spec: ib_risk1, allocation_pct: 40}
cash: 50000
costs: {fees_bps: 10, slippage_bps: 3}
"""


@pytest.fixture
def own(desk):
    """The desk's folder of specs, with a portfolio in it."""
    folder = desk.settings.strategies_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "both.yaml").write_text(PORTFOLIO)
    return folder


@pytest.mark.usefixtures("own")
def test_a_portfolio_of_the_desk_is_run_checked_stored_and_logged(desk):
    record = run_backtest(desk, find_any(desk.settings, "both"))

    assert [check["name"] for check in record.run.checks if not check["passed"]] == []
    assert desk.runs.current("both").run_id == record.run.run_id
    assert {row["strategy"] for row in record.run.table("round_trips").to_dicts()} == {
        "ema_trend", "ib_risk1",
    }  # fmt: skip
    assert list(record.run.metrics["by_tag"]) == ["ema_trend", "ib_risk1"]
    assert record.run.manifest["config"]["strategy"] == "portfolio"
    assert record.label.startswith("Portfolio of 2")


@pytest.mark.usefixtures("own")
def test_the_same_portfolio_again_is_equal_to_the_byte_and_python_gives_the_same(desk):
    spec = find_any(desk.settings, "both")
    first, second = run_backtest(desk, spec), run_backtest(desk, spec)

    assert (first.is_new, second.is_new) == (True, False)
    assert Backtest("both", settings=desk.settings).run().result_hash == first.run.result_hash


@pytest.mark.usefixtures("own")
def test_a_portfolio_is_listed_beside_the_strategies_and_is_none_of_them(desk):
    assert list(list_portfolios(desk.settings)) == ["both"]
    assert "both" not in list_specs(desk.settings)
    with pytest.raises(ConfigurationError, match="both is a portfolio"):
        find_spec(desk.settings, "both")


def test_a_name_that_a_strategy_has_is_none_for_a_portfolio(desk, own):
    (own / "both.yaml").write_text(PORTFOLIO.replace("name: both", "name: ema_trend"))

    with pytest.raises(ConfigurationError, match="name is taken"):
        list_portfolios(desk.settings)


def test_a_member_that_the_desk_does_not_have_is_named(desk, own):
    (own / "both.yaml").write_text(PORTFOLIO.replace("ib_risk1", "no_such"))

    with pytest.raises(ConfigurationError, match="No such spec"):
        list_portfolios(desk.settings)

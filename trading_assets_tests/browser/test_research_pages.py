"""A researcher and whoever answers for real money, at the pages of a desk that has runs."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest

from trading_assets.interfaces.http_api.key_files import load_keys
from trading_assets.interfaces.http_api.server import keys_folder
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.ramp import allowance
from trading_assets.workflows.receive_forecast import receive_forecast
from trading_assets_tests.browser.conftest import site_of
from trading_assets_tests.stand_ins.lived_book import proven
from trading_assets_tests.stand_ins.small_desk import small_desk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return small_desk(tmp_path_factory.mktemp("home"))


@pytest.fixture
def site(desk, browser):
    with site_of(browser, desk) as served:
        yield served


def test_a_run_is_compared_with_others_by_drawing_them_over_each_other(site):
    page = site.page()
    page.goto(f"{site.address}/#/runs")
    page.get_by_role("link", name=re.compile("^ET • Pos 30%")).click()
    page.get_by_role("link", name="Compare…").click()
    page.get_by_text("1 marked").wait_for()
    for number in range(3):
        page.get_by_role("checkbox").nth(number).check()
    page.get_by_role("link", name="Compare 3").click()
    page.locator("canvas").first.wait_for()
    for spec in ("ema_trend", "ib_risk1", "ib_fixed1"):
        page.get_by_text(re.compile(spec)).first.wait_for()


def test_ui_01_a_run_is_read_from_its_title_down_to_its_trades_and_one_order(site):
    page = site.page()
    page.goto(f"{site.address}/#/runs")
    page.get_by_role("link", name=re.compile("^ET • Pos 30%")).click()
    page.locator("canvas").first.wait_for()
    page.get_by_label("Rows").get_by_text("orders", exact=True).click()
    page.locator("tbody a[href*='#/trace/run/ema_trend']").first.click()
    page.get_by_text("The chain holds", exact=False).wait_for(timeout=60_000)


def test_ui_05_ui_06_forecasts_signals_and_risk_each_have_their_view(desk, site):
    said = {"asset": "SOLUSDT", "horizon": "1h", "prediction": 0.0082, "confidence": 0.76}
    at = {"timestamp": "2024-02-03T23:55:00Z", "model_version": "outside-1"}
    receive_forecast(desk, said | at, sender="a test")
    page = site.page()
    page.goto(f"{site.address}/#/chart?symbol=SOLUSDT")
    page.get_by_label("Forecast").select_option("1h")
    page.locator("canvas").first.wait_for()

    page.goto(f"{site.address}/#/signals?month=2024-02&spec=ema_trend")
    page.get_by_role("img", name=re.compile("of 2 symbols")).wait_for()
    latest = page.get_by_role("region", name="Table: Latest forecasts")
    latest.get_by_text("outside-1").wait_for()
    latest.get_by_text("+0.820 %").wait_for()

    page.goto(f"{site.address}/#/risk")
    page.get_by_role("region", name="Table: Risk of books").get_by_text("paper").wait_for()
    page.get_by_text("No risk factor of BTCUSDT is published").wait_for()


def test_ui_11_the_time_is_berlins_wherever_the_browser_is(desk, site):
    page = site.page()
    page.goto(f"{site.address}/#/chart")
    page.locator("canvas").first.wait_for()
    page.get_by_text(re.compile(r"\d\d:\d\d:\d\d Berlin")).wait_for()
    page.get_by_text(re.compile("2024-02-.*CET")).first.wait_for()


def test_ui_06_a_changed_strategy_is_a_new_version_that_trades_nothing(desk, site):
    page = site.page()
    page.goto(f"{site.address}/#/strategy")
    page.get_by_text("ema_trend", exact=True).first.click()
    page.get_by_label("fast", exact=True).fill("9")
    page.get_by_label("Reason").fill("faster")
    page.get_by_role("button", name="Keep as a new version").click()
    page.get_by_text("Version 2 of ema_trend_v2 is kept").wait_for()
    (written,) = desk.settings.home.rglob("ema_trend_v2.yaml")
    assert "fast: 9" in written.read_text()
    assert desk.releases.current("paper") is None


def test_a_person_approves_real_money_with_the_arm_key_and_with_no_other(
    tmp_path, browser, monkeypatch
):
    """The days that were lived are a test's own, so that they are taken for replayed."""
    exact = partial(allowance, is_exact=lambda _: True)
    monkeypatch.setattr("trading_assets.workflows.ramp.allowance", exact)
    desk = proven(tmp_path)
    key = load_keys(keys_folder(desk.settings)).arm
    token = live_book(desk.settings, "real").arm_token
    with site_of(browser, desk) as site:
        page = site.page()
        page.goto(f"{site.address}/#/promotion")
        page.locator("main select").first.select_option("real")
        page.get_by_role("button", name="Approve for real money…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("For hours").fill("12")
        dialog.get_by_label("Reason").fill("it has proven itself")
        dialog.get_by_label("Arm key").fill("not the key of this desk")
        dialog.get_by_role("button", name="Approve for real money").click()
        dialog.get_by_text("This is not the arm key").wait_for()
        assert not token.exists()
        dialog.get_by_label("Arm key").fill(key)
        dialog.get_by_role("button", name="Approve for real money").click()
        dialog.get_by_text(re.compile("Allowed until")).wait_for()
        assert "it has proven itself" in json.dumps(token.read_text())
        site.wrong.remove("403 /api/books/real/approve")

"""A trader at the desk's pages while a real executor trades the embedded exchange at warp."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import BarReady, OrderFilled, TradingHalted
from trading_assets.domain.ids import Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.live.safety.latch import read_latch
from trading_assets.simulation.chaos.rig import Rig
from trading_assets_tests.browser.conftest import AXE, PHONE, site_of
from trading_assets_tests.stand_ins.trending_bars import lay_month, trending_bars

START = int(datetime(2024, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)
EVE, DAY = datetime(2024, 3, 31, tzinfo=UTC), timedelta(days=1)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def rig(tmp_path):
    config = ExchangeConfig(start=START, warp=600, sim_controls=True, weight_limit=10**9)
    with running_exchange(config) as exchange:
        made = Rig(tmp_path, exchange, TA_LIVE__POLL_S="0.05", TA_LIVE__LATE_BAR_S="3000")
        made.publish("5m")
        made.start()
        made.until(lambda: made.count(OrderFilled) > 2, "fills")
        yield made
        made.stop()


@pytest.fixture
def site(rig, browser):
    with site_of(browser, open_desk(rig.settings)) as served:
        yield served


def at_the_desk(site, **more):
    page = site.page(**more)
    page.goto(f"{site.address}/#/desk/demo")
    page.locator(".verdict", has_text="trading").wait_for()
    return page


def test_ui_06_equity_moves_by_itself_and_panic_halts_within_a_second_of_the_second_click(
    rig, site
):
    page = at_the_desk(site)
    equity = page.locator(".strip .big")
    expect(equity).not_to_have_text(equity.inner_text())

    page.get_by_role("button", name="Panic").click()
    second = page.get_by_role("dialog").get_by_role("button", name="2 of 2: panic now")
    second.wait_for()
    assert read_latch(rig.folder / "HALT") is None
    clicked = time.monotonic()
    second.click()
    while (latch := read_latch(rig.folder / "HALT")) is None:
        assert time.monotonic() - clicked < 1.0
        time.sleep(0.01)
    assert latch.level is HaltLevel.FLATTEN
    assert "ann" in latch.who
    rig.until(lambda: rig.count(TradingHalted), "the halt in the journal")
    page.get_by_role("dialog").get_by_text("demo: command 1").wait_for()
    page.keyboard.press("Escape")
    page.locator(".verdict", has_text="flatten").wait_for()


def test_whoever_may_only_read_finds_nothing_to_press(site):
    page = at_the_desk(site, scope=Scope.READ)
    for name in ("Panic", "Halt", "Flatten…"):
        assert page.get_by_role("button", name=name).is_disabled()


def test_the_chart_goes_on_by_itself_with_the_bars_that_the_book_saw(rig, site):
    lay_month(open_desk(rig.settings), BTC, MARCH, trending_bars(BTC, 3, EVE, EVE + DAY))
    page = site.page()
    page.goto(f"{site.address}/#/chart?book=demo&symbol=BTCUSDT&timeframe=5m")
    chart = page.get_by_role("figure", name=re.compile("Price chart"))
    first = min(event.ts for event in rig.events() if isinstance(event, BarReady))
    since = datetime.fromtimestamp(first // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    said = page.locator(".note", has_text="bars that demo saw")
    expect(said.locator("time")).to_have_attribute("datetime", since)
    expect(page.get_by_text(re.compile(r"stops \([1-9]\d* in this stretch"))).to_be_visible()
    before = chart.get_attribute("aria-label")
    assert int(re.sub(r"\D", "", before)) > 288  # the eve, and the book's day
    expect(chart).not_to_have_attribute("aria-label", before)


def test_an_order_is_followed_down_from_the_desk(site):
    page = at_the_desk(site)
    page.locator(".blotter").get_by_text("Fills", exact=True).click()
    page.locator(".blotter tbody a").first.click()
    page.wait_for_url(re.compile(r"#/trace/book/demo/ta-"))
    page.get_by_text("The chain").wait_for()


@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
def test_no_page_has_a_serious_barrier_nor_scrolls_sideways(site, size):
    if not AXE.is_file():
        pytest.skip("no axe-core here: npm ci in web/")
    page = site.page(**({"size": size} if size else {}))
    found = []
    pages = "", "desk/demo", "chart", "runs", "promotion", "signals", "risk", "strategy", "trace"
    for name in pages:
        page.goto(f"{site.address}/#/{name}")
        page.wait_for_load_state("networkidle", timeout=3_000) if name == "" else time.sleep(0.7)
        page.evaluate(AXE.read_text())
        result = page.evaluate("axe.run()")
        found += [
            (name, each["id"], each["impact"], [node["target"] for node in each["nodes"]][:2])
            for each in result["violations"]
            if each["impact"] in {"serious", "critical"}
        ]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found.append((name, "scrolls sideways", wide, []))
    assert found == []
    # This desk has a book and no research, and its release no decision, which its pages say.
    said = ("404 /api/", "503 /api/books/demo/releases")
    site.wrong = [text for text in site.wrong if not text.startswith(said)]

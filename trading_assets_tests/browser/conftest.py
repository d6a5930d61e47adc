"""A browser that people use, and desks behind the very server that they talk to."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets_tests.stand_ins.served_desk import served_desk

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


class Site:
    """A served desk, and pages of it that are watched while they are used."""

    def __init__(self, browser, served, address):
        self.browser, self.served, self.address = browser, served, address
        self.wrong: list[str] = []
        self._contexts = []

    def page(self, *, scope=Scope.ADMIN, size=DESKTOP):
        """Log in by a code, as `make up` does, and give the page."""
        context = self.browser.new_context(viewport=size, timezone_id="America/New_York")
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", self._heard)
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.goto(f"{self.address}/#code={self.served.access.code('ann', scope)}")
        page.get_by_text("linked").wait_for()
        return page

    def close(self):
        for context in self._contexts:
            context.close()

    def _heard(self, message):
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.wrong.append(f"{message.type}: {message.text}")

    def _answered(self, response):
        if response.status >= 400:
            self.wrong.append(f"{response.status} {response.url.removeprefix(self.address)}")

    def _asked(self, request):
        ours = self.address.removeprefix("http://")
        if not request.url.startswith((f"http://{ours}/", f"ws://{ours}/", "data:", "blob:")):
            self.wrong.append(f"asked {request.url}")


@pytest.fixture(scope="module")
def browser():
    """A browser that closes with its module: an open one is a running loop to Dagster."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def site_of(browser, desk):
    """Serve a desk from a thread until the end, and give what is watched of its pages."""
    with served_desk(desk) as (served, port):
        site = Site(browser, served, f"http://127.0.0.1:{port}")
        try:
            yield site
        finally:
            site.close()
    assert site.wrong == []

"""Is a chart of a million bars and 50,000 trades pleasant: first paint, frames as it is panned.

Two years of minutes are published, a strategy that trades all the time is run on them, and the
desk's own server shows both to a browser (Debian's chromium, without a screen: it draws in
software, which is the slowest way there is).

    python benchmarks/chart_page.py --months 24
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from backfill import a_desk, make_mirror, stages
from control_api import api
from playwright.sync_api import Page, sync_playwright

from trading_assets.domain.ids import Month, months_between

COMMAND = Path(sys.executable).with_name("trading-assets")
SPEC = """
name: busy
strategy: ema_trend
params: {fast: 4, slow: 11}
symbols: [BTCUSDT]
bar_size: 1m
cash: 100000
sizing: {mode: fixed, qty: 0.001}
costs: {fees_bps: 0.1}
"""
FRAMES = """() => {
  window.took = []
  let before = performance.now()
  const next = (now) => {
    window.took.push(now - before)
    before = now
    window.asks = requestAnimationFrame(next)
  }
  window.asks = requestAnimationFrame(next)
}"""


def a_busy_desk(home: Path, mirror: Path, months: int) -> dict[str, str]:
    """Publish so many months of minutes and run the spec on them; give its environment."""
    first = Month(2023, 1)
    chosen = list(months_between(first, first.shift(months - 1)))
    make_mirror(mirror, chosen)
    for work in stages(a_desk(home, mirror, first), chosen).values():
        work()
    specs = home / "specs"
    specs.mkdir()
    (specs / "busy.yaml").write_text(SPEC)
    environ = {
        "TA_HOME": str(home),
        "TA_SOURCE": "archive",
        "TA_ARCHIVE_ROOT": str(mirror),
        "TA_SYMBOLS": '["BTCUSDT"]',
        "TA_HISTORY_START": str(first),
        "TA_SPECS_DIR": str(specs),
    }
    ran = subprocess.run(  # noqa: S603 - our own command
        [str(COMMAND), "backtest", "run", "busy", "--json"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"the backtest failed: {ran.stdout}{ran.stderr}")
    return environ


def link(environ: dict[str, str]) -> str:
    """Give the code that logs in once."""
    command = [str(COMMAND), "control", "link", "--scope", "read"]
    told = subprocess.run(  # noqa: S603 - our own command
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    return told.stdout.strip().split("#")[1]


def frames(page: Page, move: Any) -> dict[str, float]:
    """Give what frames took in milliseconds while something moves."""
    page.evaluate(FRAMES)
    began = time.perf_counter()
    move()
    seconds = time.perf_counter() - began
    page.evaluate("cancelAnimationFrame(window.asks)")
    took = sorted(page.evaluate("window.took"))
    at = lambda share: round(took[min(len(took) - 1, int(share * len(took)))], 1)  # noqa: E731
    return {
        "frames_s": round(len(took) / seconds, 1),
        "p50_ms": at(0.5),
        "p95_ms": at(0.95),
        "p99_ms": at(0.99),
        "worst_ms": round(took[-1], 1),
    }


def pan(page: Page, steps: int = 120) -> None:
    """Drag the chart to and fro as a hand does, about 60 moves a second."""
    box = page.locator("canvas").first.bounding_box()
    assert box
    x, y, width = box["x"], box["y"] + box["height"] / 2, box["width"]
    for _ in range(3):
        page.mouse.move(x + width * 0.2, y)
        page.mouse.down()
        for step in range(steps):
            page.mouse.move(x + width * (0.2 + 0.6 * step / steps), y)
            time.sleep(1 / 120)
        page.mouse.up()


def zoom(page: Page) -> None:
    """Turn the wheel over the middle of the chart, out and in again."""
    box = page.locator("canvas").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for direction in (1, -1):
        for _ in range(30):
            page.mouse.wheel(0, direction * 120)
            time.sleep(1 / 30)


def trades(page: Page, base: str) -> dict[str, Any]:
    """Open the run and turn the wheel over its trades, so that pages of them are fetched."""
    page.goto(f"{base}/#/runs?spec=busy")
    page.locator("a", has_text="trades").first.click()
    began = time.perf_counter()
    table = page.locator(".data-table, table", has_text="Entry").last
    table.wait_for()
    shown = round((time.perf_counter() - began) * 1000)
    table.hover()

    def scroll() -> None:
        for _ in range(120):
            page.mouse.wheel(0, 400)
            time.sleep(1 / 60)

    return {"shown ms": shown, **frames(page, scroll)}


def look(base: str, environ: dict[str, str], picture: Path | None) -> dict[str, Any]:
    """Open the chart, span all of it, pan and zoom; then the run and its trades."""
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{base}/#{link(environ)}")
        page.get_by_text("linked").wait_for()
        chart = f"{base}/#/chart?symbol=BTCUSDT&timeframe=1m&run=busy"
        page.goto(chart)
        for name in ("first visit", "second visit"):
            page.reload()
            page.get_by_text("of at most").wait_for()
            found[f"bars shown, {name}"] = round(page.evaluate("performance.now()"))
            paints = page.evaluate(
                "performance.getEntriesByType('paint').map(e => [e.name, Math.round(e.startTime)])"
            )
            found[f"paint, {name}"] = dict(paints)
        found["pan the newest bars"] = frames(page, lambda: pan(page))
        began = time.perf_counter()
        page.get_by_role("button", name="all", exact=True).click()
        page.get_by_text("drawn as").wait_for()
        found["span everything ms"] = round((time.perf_counter() - began) * 1000)
        if picture is not None:
            page.screenshot(path=picture)
        found["pan everything"] = frames(page, lambda: pan(page))
        found["zoom"] = frames(page, lambda: zoom(page))
        found["a list of trades"] = trades(page, base)
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--picture", type=Path, help="a PNG of all bars, to be written")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environ = a_busy_desk(Path(folder) / "home", Path(folder) / "mirror", given.months)
        with api(environ) as (_, port):
            found = look(f"http://127.0.0.1:{port}", environ, given.picture)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

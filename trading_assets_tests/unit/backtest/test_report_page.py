"""The report is one page that holds everything and asks for nothing."""

import base64
import gzip
import json
import re

import pytest

from trading_assets import Backtest

GRID = {"tick": "0.01", "lot": "0.001"}
SPEC = {
    "name": "shown",
    "strategy": "inside_bar",
    "params": {"tick": 0.01, "min_range_bps": 0.0, "trend_bars": 6},
    "symbols": ["AAA", "BBB"],
    "cash": 1000,
    "sizing": {"mode": "risk", "risk_pct": 1, "max_pos_pct": 40},
    "costs": {"fees_bps": 10, "slippage_bps": 5},
    "limits": {"max_orders_per_day": 2},
}


@pytest.fixture(scope="module")
def result(walks):
    return Backtest(SPEC, walks, **GRID).run()


@pytest.fixture(scope="module")
def page(result):
    return result.html().decode()


def script(page, name):
    found = re.search(rf'<script[^>]* id="{name}">(.*?)</script>', page, flags=re.DOTALL)
    return found[1]


def test_nothing_is_asked_for_from_anywhere(page):
    own = page.replace(script(page, "plotly"), "")
    assert "http://" not in own
    assert "https://" not in own
    assert not re.search(r"<(?:link|img|iframe)|\bsrc=|@import|url\(", own)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"connect-src|\*|https?:", policy)


def test_the_chart_library_inside_is_plotlys_own(page):
    from plotly.offline import get_plotlyjs

    packed = base64.b64decode(script(page, "plotly"))
    assert gzip.decompress(packed).decode() == get_plotlyjs()
    assert len(page) < 3_000_000


def test_the_figures_are_figures_by_plotlys_own_schema(page):
    import plotly.graph_objects as go

    figures = json.loads(script(page, "page-data"))["figures"]
    for figure in figures.values():
        assert len(go.Figure(figure).data) == len(figure["data"])


def test_every_trade_of_every_symbol_is_marked_with_its_entry_and_exit(page, result):
    data = json.loads(script(page, "page-data"))["figures"]["chart"]["data"]
    for symbol in ("AAA", "BBB"):
        roles = {t["meta"]: len(t["x"]) for t in data if t.get("legendgroup") == symbol}
        trades = result.trades.filter(result.trades["symbol"] == symbol).height
        assert trades > 0
        assert roles["buy"] + roles["sell"] == roles["won"] + roles["lost"] == trades
    assert {t["meta"] for t in data} >= {"close", "range", "equity", "drawdown"}


def test_the_page_says_what_the_result_says(page, result):
    for text in (result.label, result.result_hash, result.manifest["data_hash"]):
        assert text in page
    assert page.count("data-start=") == result.num_trades
    for reason, count in result.why_not.reasons.items():
        assert f"<td>{reason.replace('_', ' ')}</td><td>{count:,}</td>" in page


def test_text_from_outside_cannot_become_markup(walks):
    spec = {**SPEC, "description": "</script><script>alert(1)</script> & <b>"}
    page = Backtest(spec, walks, **GRID).run().html().decode()
    assert "<script>alert" not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


def test_the_same_run_gives_the_same_page(walks, page):
    assert Backtest(SPEC, walks, **GRID).run().html().decode() == page


def test_it_is_written_where_it_is_wanted(result, tmp_path):
    path = result.to_html(tmp_path / "new/report.html")
    assert path.read_bytes() == result.html()

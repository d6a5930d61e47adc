"""The page at `/`: self-contained, with a public state beside it."""

import re


def test_the_page_asks_nobody_else_for_anything(shared):
    answer = shared.http.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
    addresses = set(re.findall(r"https?://[^\s\"'`]+", answer.text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, nothing is fetched from it
    assert "src=" not in answer.text.replace("-src ", "")
    assert "<link" not in answer.text


def test_the_public_state_has_prices_and_no_accounts(wired):
    with wired(sim_controls=False) as wire:
        before = wire.get("ping").headers["X-MBX-USED-WEIGHT-1M"]
        state = wire.http.get("/state.json").json()
        assert {"accounts", "openOrders", "faults"} & state.keys() == set()
        assert not state["controls"]
        assert [s["symbol"] for s in state["symbols"]] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
        bars = wire.get("klines", symbol="BTCUSDT", interval="1m", limit=61).json()
        assert state["symbols"][0]["closes"] == [float(bar[4]) for bar in bars]
        assert state["weights"]["used"] == int(before)
        assert wire.http.get("/_sim/state").status_code == 404


def test_a_foreign_host_gets_no_page(shared):
    assert shared.http.get("/", headers={"Host": "evil.example"}).status_code == 403

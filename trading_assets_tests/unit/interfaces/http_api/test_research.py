"""Research and market data over HTTP, against a desk with bars, backtests and a traded book."""

import json
from decimal import Decimal

import pytest

from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.strategies.spec import load_spec
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.strategy_specs import find_spec, list_specs
from trading_assets_tests.stand_ins.promoted import promote
from trading_assets_tests.stand_ins.small_desk import small_desk
from trading_assets_tests.stand_ins.written_book import BAR, START, written_book
from trading_assets_tests.unit.interfaces.http_api.conftest import Endpoint

JSON = {"Content-Type": "application/json"}
SAID = {
    "asset": "BTCUSDT",
    "horizon": "4h",
    "prediction": 0.0082,
    "confidence": 0.76,
    "timestamp": "2024-04-05T12:00:00Z",
    "model_version": "outside-1",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The desk, whose book `paper` has bought and sold once by a release of ema_trend."""
    desk = small_desk(tmp_path_factory.mktemp("desk"))
    run = desk.runs.current("ema_trend")
    release = promote(desk, "paper", find_spec(desk.settings, "ema_trend"), run)
    with written_book(live_book(desk.settings, "paper"), release, cash=100_000) as book:
        for number, target in ((0, 1.0), (1, 0.0)):
            for ticket in book.bar(number, target, 100.0):
                book.fill(ticket, START + (number + 1) * BAR, f"t{number}", Decimal(100))
    found = Endpoint(desk)
    with found.http:
        yield found
    found.served.store.close()


@pytest.fixture(autouse=True)
def later(api):
    """A minute has passed between two tests: their requests are not counted together."""
    api.local.seconds += 60.0


def good(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_runs_are_listed_searched_and_told_whole(api):
    rows = good(api.get("/api/runs?limit=2"))
    assert [row["spec"] for row in rows["items"]] == ["ib_fixed1", "ib_risk1"]
    (last,) = good(api.get(f"/api/runs?cursor={rows['next']}"))["items"]
    assert last["spec"] == "ema_trend"
    (risky,) = good(api.get("/api/runs?q=IB+risk"))["items"]
    assert risky["title"].startswith("IB • Risk 1% • 10k • fees 2bps")

    at = f"/api/runs/{risky['spec']}/{risky['run_id']}"
    whole = good(api.get(at))
    assert {name: whole[name] for name in risky} == risky
    assert whole["manifest"]["run_id"] == risky["run_id"]
    assert all(check["passed"] for check in whole["checks"])
    curve = good(api.get(f"{at}/equity?points=50"))
    assert 2 < len(curve["t"]) == len(curve["equity"]) <= 50
    for table in ("trades", "orders", "fills"):
        row = good(api.get(f"{at}/{table}?limit=1"))["items"][0]
        assert (row["unit_qty"], row["quote"]) == ("SOL", "USDT")
    fill = good(api.get(f"{at}/fills?limit=1"))["items"][0]["client_order_id"]
    traced = good(api.get(f"{at}/trace/{fill}"))
    assert traced["order_id"] == fill
    assert {"run", "signal", "bars"} <= {link["kind"] for link in traced["links"]}
    both = good(api.get("/api/runs/compare?run=ema_trend&run=ib_risk1&points=40"))
    assert list(both["series"]) == ["ema_trend", "ib_risk1"]


def test_decisions_say_what_stood_in_the_way(api):
    (row,) = good(api.get("/api/decisions?book=paper"))["items"]
    whole = good(api.get(f"/api/decisions/{row['decision_id'][:8]}"))
    assert {name: whole[name] for name in row} == row
    assert len(whole["rules"]) == row["num_rules"]
    unmet = [rule for rule in whole["rules"] if not rule["passed"]]
    assert row["first_unmet"] == (unmet[0] if unmet else None)
    assert row["num_met"] == row["num_rules"] - len(unmet)
    assert whole["rules"][0]["plain"].startswith(f"{whole['rules'][0]['rule']}: ")


def test_bars_and_marks_of_runs_and_books_are_laid_on_charts(api):
    bars = good(api.get("/api/bars?symbol=BTCUSDT&points=60"))
    assert (bars["timeframe"], bars["aggregated_to"]) == ("5m", "3h")
    marks = good(api.get("/api/markers?symbol=BTCUSDT&run=ema_trend&limit=1000"))["items"]
    assert {mark["kind"] for mark in marks} == {"entry", "exit"}
    assert all(bars["first"] <= mark["t"] <= bars["last"] + 300 for mark in marks)
    stops = good(api.get("/api/markers?symbol=SOLUSDT&run=ib_risk1&limit=1000"))["items"]
    assert "stop" in {mark["kind"] for mark in stops}
    lived = good(api.get("/api/markers?symbol=BTCUSDT&book=paper"))["items"]
    assert [(mark["kind"], mark["side"], mark["price"]) for mark in lived] == [
        ("exit", "SELL", 100.0),
        ("entry", "BUY", 100.0),
    ]
    assert lived[0]["strategy"] == "ema_trend"


def test_bars_of_a_book_follow_the_published_ones(api):
    published = good(api.get("/api/bars?symbol=BTCUSDT&points=5000"))
    assert published["live_from_s"] is None
    found = good(api.get("/api/bars?symbol=BTCUSDT&points=5000&book=paper"))
    assert found["t"] == [*published["t"], START // 1_000_000, (START + BAR) // 1_000_000]
    assert found["close"] == [*published["close"], 100.0, 100.0]
    assert (found["live_from_s"], found["last"]) == (START // 1_000_000, found["t"][-1])
    for other in ("symbol=BTCUSDT&points=5000&book=demo", "symbol=SOLUSDT&book=demo"):
        assert good(api.get(f"/api/bars?{other}"))["live_from_s"] is None


def test_ctl_12_performance_is_told_of_a_book_and_of_a_spec(api):
    book = good(api.get("/api/performance/?book=paper"))
    assert (book["of"], book["kind"], book["metrics"]["num_fills"]) == ("paper", "book", 2)
    assert book["metrics"]["initial_cash"] == 100_000
    spec = good(api.get("/api/performance/?spec=ema_trend"))
    assert spec["metrics"] == api.desk.runs.current("ema_trend").metrics["all"]


def test_ctl_12_what_is_not_published_yet_is_an_empty_list(api):
    assert good(api.get("/api/risk/"))["items"] == []
    assert good(api.get("/api/regimes?symbol=BTCUSDT"))["t"] == []
    assert api.get("/api/heatmap").status_code == 404
    shown = good(api.get("/api/heatmap?month=2024-02&spec=ema_trend"))
    assert shown["spec"] == "ema_trend"
    assert set(filter(None, shown["columns"]["signal"][0])) <= {1.0}
    assert any(cell == 1.0 for cell in shown["columns"]["signal"][0])
    assert set(shown["columns"]["forecast"][0]) == {None}


def test_ctl_12_a_forecast_of_outside_is_kept_once_as_research(api):
    first = api.post("/api/forecasts/", SAID, scope=Scope.TRADE)
    assert first.status_code == 201, first.text
    kept = first.json()
    assert kept | SAID == kept
    assert (kept["source"], kept["sender"]) == ("received", "trade")
    assert api.post("/api/forecasts", SAID).json() == kept
    assert api.post("/api/forecasts", SAID | {"prediction": 0.1}).status_code == 409
    assert good(api.get("/api/forecasts/?asset=BTCUSDT&horizon=4h"))["items"] == [kept]
    assert good(api.get("/api/forecasts?horizon=1h"))["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"asset": "../etc"},
        {"asset": "btcusdt"},
        {"horizon": "2h"},
        {"prediction": "1"},
        {"prediction": float("nan")},
        {"confidence": 1.5},
        {"timestamp": "2999-01-01T00:00:00Z"},
        {"model_version": "a b"},
        {"extra": 1},
    ],
)
def test_ctl_12_a_forecast_that_cannot_be_is_told_why(api, change):
    text = json.dumps(SAID | change)
    answer = api.ask(
        "POST", "/api/forecasts", content=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_ctl_12_parameters_are_listed_by_key_and_value(api):
    rows = good(api.get("/api/strategy/config/"))
    by_key = {row["key"]: row for row in rows}
    assert len(by_key) == len(rows)
    assert by_key["ema_trend.fast"]["value"] == "6"
    assert by_key["ema_trend.fast"]["traded_by"] == ["demo", "paper"]
    assert by_key["forecast_driven.horizon"]["value"] == "1h"
    assert all(row["params"].keys() >= {row["key"].rpartition(".")[2]} for row in rows)


def test_ctl_12_a_new_configuration_is_a_candidate_and_changes_nothing(api):
    settings, release = api.desk.settings, api.desk.releases.current("paper")
    wish = {"spec": "ema_trend", "params": {"fast": 9}, "reason": "faster: {a}\n- b"}
    key = "a" * 16
    made = api.ask("PUT", "/api/strategy/config/", json=wish, key=key)
    assert made.status_code == 201, made.text
    assert api.ask("PUT", "/api/strategy/config/", json=wish, key=key).json() == made.json()
    told = made.json()
    assert (told["spec"], told["version"]) == ("ema_trend_v2", 2)
    assert told["changed"] == {"fast": [6, 9]}
    spec, before = find_spec(settings, "ema_trend_v2"), find_spec(settings, "ema_trend")
    assert spec == load_spec(settings.strategies_dir / "ema_trend_v2.yaml")
    assert spec.all_params() == before.all_params() | {"fast": 9}
    assert (spec.symbols, spec.sizing, spec.costs) == (before.symbols, before.sizing, before.costs)
    assert api.desk.runs.current("ema_trend_v2") is None
    assert api.desk.releases.current("paper") == release

    again = api.ask("PUT", "/api/strategy/config", json=wish | {"params": {"fast": 10}})
    assert again.json()["spec"] == "ema_trend_v3"
    assert find_spec(settings, "ema_trend_v2").all_params()["fast"] == 9
    current = {r["spec"]: r["is_current"] for r in good(api.get("/api/strategy/config"))}
    assert (current["ema_trend_v2"], current["ema_trend_v3"]) == (False, True)


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"spec": "../../x", "params": {"fast": 9}}, 422),
        ({"spec": "none", "params": {"fast": 9}}, 404),
        ({"spec": "ema_trend", "params": {"symbols": "ETHUSDT"}}, 422),
        ({"spec": "ema_trend", "params": {"__class__": "x"}}, 422),
        ({"spec": "ema_trend", "params": {"fast": True}}, 422),
        ({"spec": "ema_trend", "params": {"fast": 0}}, 422),
        ({"spec": "ema_trend", "params": {"fast": 6}}, 422),
        ({"spec": "ema_trend", "params": {"fast": [6]}}, 422),
        ({"spec": "ema_trend", "params": {"band_bps": float("nan")}}, 422),
        ({"spec": "forecast_driven", "params": {"horizon": "1h\nsymbols: [X]"}}, 422),
        ({"spec": "ema_trend", "params": {}}, 422),
        ({"spec": "ema_trend", "params": {"fast": 9}, "file": "x.yaml"}, 422),
    ],
)
def test_ctl_12_a_configuration_that_cannot_be_writes_no_file(api, wish, status):
    before = set(list_specs(api.desk.settings))
    answer = api.ask("PUT", "/api/strategy/config", content=json.dumps(wish), headers=JSON)
    assert answer.status_code == status
    assert set(list_specs(api.desk.settings)) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/bars?symbol=NOPE", 404),
        ("/api/bars?symbol=..%2Fx", 422),
        ("/api/bars?symbol=BTCUSDT&timeframe=7m", 422),
        ("/api/bars?symbol=BTCUSDT&points=20001", 422),
        ("/api/bars?symbol=BTCUSDT&since=soon", 422),
        ("/api/bars?symbol=BTCUSDT&book=none", 404),
        ("/api/bars?symbol=BTCUSDT&book=..%2Fx", 422),
        ("/api/markers?symbol=BTCUSDT", 422),
        ("/api/performance?book=none", 404),
        ("/api/performance?spec=none", 404),
        ("/api/heatmap?month=2024-13", 422),
        ("/api/heatmap?month=0000-01", 422),
        ("/api/heatmap?month=2024-02&spec=none", 404),
        ("/api/forecasts?horizon=2h", 422),
        ("/api/forecasts?asset=NOPE", 404),
        ("/api/runs?limit=1001", 422),
        ("/api/runs?cursor=x", 422),
        ("/api/runs/ema_trend/ffff", 404),
        ("/api/runs/ema_trend/..%2Fx", 422),
        ("/api/runs/compare?run=ema_trend&run=ema_trend", 422),
        ("/api/decisions/ffffffff", 404),
        ("/api/decisions?book=none", 404),
    ],
)
def test_what_cannot_be_answered_is_said(api, path, status):
    answer = api.get(path)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_only_who_may_ask_is_answered(api):
    paths = [
        "/api/runs", "/api/runs/compare?run=a&run=b", "/api/runs/a/ffff", "/api/decisions",
        "/api/bars?symbol=BTCUSDT", "/api/markers?symbol=BTCUSDT&run=a", "/api/forecasts",
        "/api/regimes?symbol=BTCUSDT", "/api/risk", "/api/performance", "/api/heatmap",
        "/api/strategy/config",
    ]  # fmt: skip
    assert {api.get(path, scope=None).status_code for path in paths} == {401}
    assert api.post("/api/forecasts", SAID, scope=Scope.READ).status_code == 403
    wish = {"spec": "ema_trend", "params": {"fast": 9}}
    assert api.ask("PUT", "/api/strategy/config", json=wish, scope=Scope.TRADE).status_code == 403

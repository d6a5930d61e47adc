"""What is to be seen of a book over HTTP, and what happens to it as it happens."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import psutil
import pytest
from starlette.websockets import WebSocketDisconnect

from trading_assets.domain.control import CommandKind
from trading_assets.interfaces.http_api import live_socket
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets_tests.stand_ins.written_book import (
    BAR,
    START,
)
from trading_assets_tests.unit.interfaces.http_api.conftest import HOST, WORDS, round_trip

BOOK = "/api/books/paper"


def test_ctl_09_status_gives_every_book_and_says_what_runs(endpoint, begun):
    round_trip(begun)
    demo, paper = endpoint.get("/status", scope=Scope.READ).json()["books"]
    assert (demo["name"], demo["equity"], demo["release_id"]) == ("demo", None, "")
    assert (paper["spec"], paper["verdict"], paper["code"]) == ("mine", "not running", 2)
    assert paper["is_real"] is False
    assert paper["equity"] == pytest.approx(1000, rel=0.01)


def test_ctl_09_health_and_readiness_need_no_token(endpoint, begun):
    assert endpoint.http.get("/health").json() == {"ok": True}
    assert endpoint.http.get("/ready").json() == {"ready": True, "books": {}}
    assert endpoint.http.get("/status").status_code == 401


def test_the_card_of_the_desk_names_every_server_and_whether_it_runs(endpoint):
    def daemon():
        told = {each["name"]: each for each in endpoint.get("/api/desk").json()["services"]}
        assert list(told) == ["desk", "exchange", "mlflow", "daemon", "dagster"]
        return told["daemon"]["is_running"]

    assert daemon() is False
    me = psutil.Process()
    folder = endpoint.desk.settings.data_root / "run"
    folder.mkdir(parents=True)
    remembered = {"name": "daemon", "pid": me.pid, "created": me.create_time(), "address": ""}
    (folder / "daemon.pid.json").write_text(json.dumps(remembered))
    assert daemon() is True


def test_lists_come_in_pages_that_meet(endpoint, begun):
    for number in (0, 2, 4):
        round_trip(begun, number)
    whole = endpoint.get(f"{BOOK}/fills").json()["items"]
    assert [fill["trade_id"] for fill in whole] == ["t5", "t4", "t3", "t2", "t1", "t0"]
    seen, cursor = [], None
    while True:
        asked = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = endpoint.get(f"{BOOK}/fills", params=asked).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole
    for wrong in ("x", "W10", "e30"):
        assert endpoint.get(f"{BOOK}/fills", params={"cursor": wrong}).status_code == 422
    for limit in (0, 1001, "many"):
        assert endpoint.get(f"{BOOK}/fills", params={"limit": limit}).status_code == 422


def test_orders_decisions_and_events_say_what_was_done_and_why(endpoint, begun):
    round_trip(begun)
    exit_, entry = endpoint.get(f"{BOOK}/orders").json()["items"]
    assert (entry["side"], entry["state"], exit_["side"]) == ("BUY", "FILLED", "SELL")
    assert entry["notional"] == "500.001"
    decided = endpoint.get(f"{BOOK}/decisions").json()["items"]
    assert [each["what"] for each in decided] == ["exit", "entry"]
    assert [each["order_id"] for each in decided] == [
        exit_["client_order_id"],
        entry["client_order_id"],
    ]
    kinds = {"kind": "OrderFilled"}
    assert len(endpoint.get(f"{BOOK}/events", params=kinds).json()["items"]) == 2
    assert endpoint.get(f"{BOOK}/events", params={"limit": 1}).json()["items"][0]["seq"] > 5
    assert endpoint.get(f"{BOOK}/orders", params={"open": True}).json()["items"] == []


def test_equity_is_thinned_out_to_peaks_and_troughs(endpoint, begun):
    for number in range(60):
        begun.bar(number, 1.0 if number == 0 else float("nan"), 50_000.0 + 100 * (number % 7))
    whole = endpoint.get(f"{BOOK}/equity").json()
    thin = endpoint.get(f"{BOOK}/equity", params={"points": 12}).json()
    assert len(whole["t"]) == 60
    assert len(thin["t"]) <= 12
    assert (thin["t"][0], thin["t"][-1]) == (whole["t"][0], whole["t"][-1])
    assert (min(thin["equity"]), max(thin["equity"])) == (
        min(whole["equity"]),
        max(whole["equity"]),
    )
    later = endpoint.get(f"{BOOK}/equity", params={"since": "2024-04-01T00:30:00Z"}).json()
    assert later["t"][0] == 1_711_931_400
    assert endpoint.get(f"{BOOK}/equity", params={"since": "soon"}).status_code == 422


def test_ctl_12_a_books_performance_says_nothing_of_a_year_after_a_day(endpoint, begun):
    round_trip(begun)
    found = endpoint.get("/api/performance", params={"book": "paper"}).json()
    assert (found["kind"], found["metrics"]["num_orders"]) == ("book", 2)
    assert found["metrics"]["net_return_pct"] == pytest.approx(0, abs=1)
    assert [found["metrics"][name] for name in ("cagr_pct", "sharpe")] == [None, None]


def test_ui_07_what_a_book_is_worth_is_the_same_on_page_in_report_and_scrape(endpoint, begun):
    round_trip(begun)
    (paper,) = [b for b in endpoint.get("/status").json()["books"] if b["name"] == "paper"]
    found = endpoint.get("/api/performance", params={"book": "paper"}).json()["metrics"]
    scrape = endpoint.get("/metrics").text.splitlines()
    assert found["net_return_pct"] == pytest.approx(100 * (paper["equity"] / 1000 - 1))
    assert f'trading_assets_equity{{book="paper"}} {paper["equity"]}' in scrape
    assert found["num_fills"] == 2
    assert 'trading_assets_fills_total{book="paper",symbol="BTCUSDT"} 2.0' in scrape


def test_a_book_that_has_not_begun_says_how_it_begins(endpoint):
    answer = endpoint.get(f"{BOOK}/orders")
    assert answer.status_code == 404
    assert answer.json()["fix"] == "Start it: `trading-assets live --book paper`."


def test_ctl_04_ctl_05_ctl_06_a_strategy_is_stopped_and_made_smaller_by_its_name(endpoint, begun):
    assert endpoint.post("/strategy/stop", {**WORDS, "name": "mine"}).status_code == 202
    smaller = {**WORDS, "name": "mine", "weight": 0.5}
    assert endpoint.post("/alloc", smaller).status_code == 202
    assert endpoint.post("/risk", {**WORDS, "name": "mine", "bps": 0}).status_code == 422
    assert endpoint.post("/risk", {**WORDS, "name": "other", "bps": 20}).status_code == 409
    started = endpoint.post("/strategy/start", {**WORDS, "name": "mine"}, scope=Scope.TRADE)
    assert started.status_code == 403
    kinds = [command.kind for command in endpoint.commands()]
    assert kinds == [CommandKind.STOP_STRATEGY, CommandKind.TIGHTEN_LIMITS]
    (listed,) = endpoint.get(f"{BOOK}/strategies").json()["strategies"]
    assert listed["name"] == "mine"


class Hearing:
    """A socket, and the messages that are no signs of life."""

    def __init__(self, socket):
        self.socket = socket

    def until(self, kind):
        for _ in range(200):
            message = self.socket.receive_json()
            if message["type"] == kind:
                return message
        raise AssertionError(f"no {kind}")


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(live_socket, "LOOK_S", 0.02)
    monkeypatch.setattr(live_socket, "BEAT_S", 0.2)


def connect(endpoint):
    return endpoint.http.websocket_connect("/api/live", headers={"Host": HOST})


def test_ctl_14_what_happens_is_told_as_it_happens(endpoint, begun, hurried):
    with connect(endpoint) as socket:
        socket.send_json({"token": endpoint.tokens[Scope.READ], "books": ["paper"]})
        heard = Hearing(socket)
        assert heard.until("status")["name"] == "paper"
        (ticket,) = begun.bar(0, 1.0, 50_000.0)
        assert heard.until("decision")["order_id"] == ticket.client_order_id
        assert heard.until("order")["order_type"] == "MARKET"
        begun.fill(ticket, START + BAR, "t0", Decimal("50000.10"))
        assert heard.until("fill")["price"] == "50000.1"
        begun.bar(1, float("nan"), 50_100.0)
        assert heard.until("equity")["equity"] == pytest.approx(1001, abs=2)
        assert heard.until("heartbeat")["t"] > 0


@pytest.mark.parametrize(
    "hello", ['{"token": "x"}', "{}", "[]", "hello", '{"token": ' + '"' + "x" * 5000 + '"}']
)
def test_a_stranger_hears_nothing(endpoint, hello):
    with connect(endpoint) as socket:
        socket.send_text(hello)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == live_socket.NO_TOKEN


def test_a_token_that_expires_ends_the_socket_unless_a_newer_one_comes(endpoint, hurried):
    given = endpoint.served.access.log_in("ann", Scope.READ)
    with connect(endpoint) as socket:
        socket.send_json({"token": given.access})
        Hearing(socket).until("heartbeat")
        endpoint.clock.wait(600)
        newer = endpoint.served.access.renew(given.refresh)
        socket.send_text(json.dumps({"token": newer.access}))
        for _ in range(3):  # by then it has been heard
            Hearing(socket).until("heartbeat")
        endpoint.clock.wait(600)  # the first one has expired by now
        Hearing(socket).until("heartbeat")
        endpoint.clock.wait(600)
        with pytest.raises(WebSocketDisconnect) as closed:
            Hearing(socket).until("nothing")
    assert closed.value.code == live_socket.NO_TOKEN


def test_who_does_not_read_is_let_go(endpoint):
    listener = live_socket.Listener(None)
    for number in range(live_socket.MOST_WAITING + 1):
        listener.tell({"type": "equity", "book": "paper", "n": number})
    assert listener.is_slow
    only = live_socket.Listener(frozenset({"demo"}))
    only.tell({"type": "equity", "book": "paper"})
    assert only.waiting.empty()


@pytest.mark.parametrize("heads", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_page_of_somebody_else_gets_no_socket(endpoint, heads):
    with (
        pytest.raises(WebSocketDisconnect),
        endpoint.http.websocket_connect("/api/live", headers={"Host": HOST, **heads}),
    ):
        time.sleep(0)


def test_a_book_that_cannot_be_read_says_so_and_hides_no_other(endpoint, begun):
    damaged = endpoint.folder.parent / "demo"
    damaged.mkdir()
    (damaged / "journal.sqlite").write_bytes(b"no database")
    demo, paper = endpoint.get("/status").json()["books"]
    assert (demo["verdict"], demo["code"], demo["equity"]) == ("cannot be read", 3, None)
    assert demo["reason"]
    assert paper["spec"] == "mine"
    ready = endpoint.http.get("/ready")
    assert (ready.status_code, ready.json()["books"].keys()) == (503, {"demo"})

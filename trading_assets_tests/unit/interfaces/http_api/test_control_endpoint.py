"""The control endpoint over a real socket: who may stop a book, and what no web page can do."""

from __future__ import annotations

import http.client
import json
import socket
import stat
import threading

import pytest

from trading_assets import bootstrap
from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.http_api.routes import BURST, Routes
from trading_assets.interfaces.http_api.server import ControlServer, control_server, own_hosts
from trading_assets.interfaces.http_api.tokens import Scope, load_tokens
from trading_assets.live.ports import MachineTime
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import load_settings
from trading_assets.storage.inbox import Inbox

WORDS = {"who": "ann", "reason": "checked"}


class Endpoint:
    """A served desk, and the requests of its clients."""

    def __init__(self, home, server):
        self.folder = home / "data" / "live" / "paper"
        self.tokens = load_tokens(self.folder.parent)
        self.port = server.server_address[1]

    def ask(self, path, body=WORDS, *, method="POST", token="", **headers):
        send = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        send |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, send)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def control(self, path, body=WORDS, **options):
        return self.ask(path, body, token=self.tokens.control, **options)

    def commands(self):
        with Inbox(self.folder) as inbox:
            return [command.kind for command in inbox.after(0)]


@pytest.fixture
def endpoint(tmp_path):
    desk = bootstrap.desk(load_settings({"TA_HOME": str(tmp_path)}).settings)
    with control_server("127.0.0.1", 0) as server:
        tokens = load_tokens(tmp_path / "data" / "live")
        hosts = own_hosts("127.0.0.1", server.server_address[1])
        server.routes = Routes(desk, tokens, hosts, MachineTime())
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Endpoint(tmp_path, server)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("action", ["pause", "halt", "flatten"])
def test_a_halt_is_up_when_the_answer_comes(endpoint, action):
    status, answer = endpoint.control(f"/books/paper/{action}")
    assert (status, answer) == (202, {"inbox_id": 1, "is_running": False})
    latched = read_latch(endpoint.folder / "HALT")
    assert latched.level is HaltLevel[action.upper()]
    assert (latched.source, latched.who, latched.reason) == ("http", "ann", "checked")


def test_a_halt_needs_no_body(endpoint):
    assert endpoint.control("/books/paper/halt", b"")[0] == 202
    assert read_latch(endpoint.folder / "HALT").reason == "no reason given"


def test_the_weaker_token_stops_and_does_nothing_else(endpoint):
    weak = endpoint.tokens.halt
    assert endpoint.ask("/books/paper/halt", token=weak)[0] == 202
    assert endpoint.ask("/books/paper", method="GET", token=weak)[1].keys() == {"level", "reason"}
    for action in ("flatten", "cancel-all", "resume", "reconcile", "snapshot"):
        assert endpoint.ask(f"/books/paper/{action}", token=weak)[0] == 403
    assert endpoint.commands() == [CommandKind.HALT_TRADING]


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 43])
def test_without_a_token_nothing_is_done_nor_told(endpoint, token):
    encoded = token.encode().decode("latin-1")
    for method, path in (("POST", "/books/paper/halt"), ("GET", "/books/paper")):
        assert endpoint.ask(path, method=method, token=encoded)[0] == 401
    assert not (endpoint.folder / "HALT").exists()


def test_a_resume_repeats_the_code_which_only_the_control_token_sees(endpoint):
    endpoint.control("/books/paper/halt")
    status, answer = endpoint.control("/books/paper/resume", {**WORDS, "code": "000000"})
    code = endpoint.control("/books/paper", method="GET")[1]["code"]
    assert status == 409
    assert code not in json.dumps(answer)
    assert endpoint.control("/books/paper/resume", {**WORDS, "code": code})[0] == 202
    assert endpoint.commands() == [CommandKind.HALT_TRADING, CommandKind.RESUME_TRADING]


def test_limits_are_tightened_by_numbers_and_by_nothing_else(endpoint):
    limits = {"risk_multiplier": 0.5, "max_open_orders": "2"}
    path = "/books/paper/tighten"
    assert endpoint.control(path, {**WORDS, "limits": limits})[0] == 202
    assert endpoint.control(path, {**WORDS, "limits": {"leverage": 3}})[0] == 409
    assert endpoint.control(path, {**WORDS, "limits": {"risk_multiplier": None}})[0] == 409
    assert endpoint.control(path, {**WORDS, "limits": [1]})[0] == 400
    assert endpoint.control("/books/paper/halt", {**WORDS, "limits": {}})[0] == 400
    assert endpoint.commands() == [CommandKind.TIGHTEN_LIMITS]


def test_a_paused_symbol_is_acknowledged_by_its_name(endpoint):
    assert endpoint.control("/books/paper/acknowledge", {**WORDS, "symbol": "btcusdt"})[0] == 202
    with Inbox(endpoint.folder) as inbox:
        (command,) = inbox.after(0)
    assert command.kind is CommandKind.ACKNOWLEDGE_SYMBOL
    assert json.loads(command.arguments) == {"symbol": "BTCUSDT"}


def test_all_that_pauses_a_book_is_acknowledged_by_saying_so(endpoint):
    assert endpoint.control("/books/paper/acknowledge")[0] == 400
    assert endpoint.control("/books/paper/acknowledge", {**WORDS, "symbol": "all"})[0] == 202
    with Inbox(endpoint.folder) as inbox:
        (command,) = inbox.after(0)
    assert json.loads(command.arguments) == {"symbol": ""}


def test_a_halt_that_cannot_be_a_command_is_told_to_be_in_force(endpoint):
    (endpoint.folder / "inbox.sqlite").mkdir(parents=True)

    status, answer = endpoint.control("/books/paper/halt")

    assert status == 503
    assert "the book is halted all the same" in answer["error"]
    assert read_latch(endpoint.folder / "HALT").who == "ann"
    status, answer = endpoint.control("/books/paper/cancel-all")
    assert status == 503
    assert "halted" not in answer["error"]


def test_an_endless_stream_of_questions_is_slowed_down_over_the_socket_too(endpoint):
    def look():
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)
        heads = {"Authorization": f"Bearer {endpoint.tokens.control}"}
        connection.request("GET", "/books/paper", headers=heads)
        response = connection.getresponse()
        connection.close()
        return response.status, response.getheader("Retry-After")

    answers = {look() for _ in range(5 * BURST)}

    assert answers == {(200, None), (429, "1")}


def test_a_fault_of_ours_is_answered_and_not_hidden(endpoint, monkeypatch, capfd):
    def fault(self, request):
        raise ZeroDivisionError("planted")

    told, handle_error = threading.Event(), ControlServer.handle_error
    monkeypatch.setattr(
        ControlServer, "handle_error", lambda *given: (handle_error(*given), told.set())
    )
    monkeypatch.setattr(Routes, "answer", fault)

    status, answer = endpoint.control("/books/paper/halt")

    assert status == 500
    assert "planted" not in json.dumps(answer)
    assert told.wait(10)
    assert "ZeroDivisionError: planted" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("status", "path", "options"),
    [
        (421, "/books/paper/halt", {"Host": "evil.example:80"}),
        (421, "/books/paper/halt", {"Host": "127.0.0.1"}),
        (403, "/books/paper/halt", {"Origin": "http://127.0.0.1"}),
        (415, "/books/paper/halt", {"Content_Type": "text/plain"}),
        (415, "/books/paper/halt", {"Content_Type": "application/x-www-form-urlencoded"}),
        (405, "/books/paper/halt", {"method": "GET"}),
        (404, "/books/../paper/halt", {}),
        (404, "/books/nobody/halt", {}),
        (404, "/books/paper/arm", {}),
        (404, "/books/paper/halt?token=1", {}),
        (400, "/books/paper/halt", {"body": b"{"}),
        (400, "/books/paper/halt", {"body": b"[]"}),
        (400, "/books/paper/halt", {"body": {"level": "NONE"}}),
        (400, "/books/paper/halt", {"body": {"who": 7}}),
        (409, "/books/paper/cancel-all", {"body": {}}),
        (413, "/books/paper/halt", {"body": b" " * 5000}),
    ],
)
def test_what_no_program_of_ours_sends_is_refused(endpoint, status, path, options):
    found, answer = endpoint.control(path, **options)
    assert (found, "error" in answer) == (status, True)
    assert not (endpoint.folder / "HALT").exists()


def test_other_methods_and_endless_bodies_end_the_connection(endpoint):
    for head in ("PUT /books/paper/halt", "POST /books/paper/halt"):
        with socket.create_connection(("127.0.0.1", endpoint.port), 10) as raw:
            host = f"Host: 127.0.0.1:{endpoint.port}"
            raw.sendall(f"{head} HTTP/1.1\r\n{host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            status = int(raw.makefile("rb").readline().split()[1])
            assert status in {411, 501}


def test_tokens_are_made_once_and_only_their_owner_reads_them(tmp_path):
    first = load_tokens(tmp_path)
    assert first == load_tokens(tmp_path)
    assert first.halt != first.control
    assert len(first.control) >= 43
    assert "control=" not in repr(first)
    assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
    assert [first.scope(t) for t in (first.control, first.halt, "")] == [
        Scope.CONTROL,
        Scope.HALT,
        Scope.NOTHING,
    ]
    (tmp_path / "halt.token").chmod(0o644)
    with pytest.raises(ConfigurationError, match="0644"):
        load_tokens(tmp_path)
    (tmp_path / "halt.token").write_text("short")
    (tmp_path / "halt.token").chmod(0o600)
    with pytest.raises(ConfigurationError, match="No token"):
        load_tokens(tmp_path)

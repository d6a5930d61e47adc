"""Commands over HTTP: what may stop a book, what no web page can do, what a repetition does."""

from __future__ import annotations

import json

import pytest

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.interfaces.http_api.served import COMMANDS_AT_ONCE, request_digest
from trading_assets.live.safety.latch import read_latch
from trading_assets_tests.unit.interfaces.http_api.conftest import HOST, WORDS

BOOK = "/api/books/paper"


@pytest.mark.parametrize("action", ["pause", "halt"])
def test_a_halt_is_up_when_the_answer_comes(endpoint, action):
    answer = endpoint.post(f"{BOOK}/{action}", scope=Scope.TRADE)
    assert (answer.status_code, answer.json()) == (202, {"command": 1, "is_running": False})
    latched = read_latch(endpoint.folder / "HALT")
    assert latched.level is HaltLevel[action.upper()]
    assert (latched.source, latched.who) == ("http", "ann (trade)")


def test_a_halt_needs_no_body_and_no_key(endpoint):
    heads = {"Authorization": f"Bearer {endpoint.tokens[Scope.TRADE]}"}
    assert endpoint.http.post(f"{BOOK}/halt", headers=heads).status_code == 202
    assert read_latch(endpoint.folder / "HALT").reason == "no reason given"


def test_whoever_may_read_does_nothing_else(endpoint):
    for action in ("halt", "flatten", "cancel-all", "resume", "tighten"):
        body = {**WORDS, "code": "ABCDEF", "limits": {"risk_multiplier": 0.5}}
        body = body if action in {"resume", "tighten"} else WORDS
        assert endpoint.post(f"{BOOK}/{action}", body, scope=Scope.READ).status_code == 403
    assert endpoint.commands() == []


def test_whoever_may_stop_does_not_resume(endpoint):
    endpoint.post(f"{BOOK}/halt", scope=Scope.TRADE)
    body = {**WORDS, "code": "ABCDEF"}
    assert endpoint.post(f"{BOOK}/resume", body, scope=Scope.TRADE).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "e30.e30.e30", "A" * 43])
def test_without_a_token_nothing_is_done_nor_told(endpoint, token):
    for method, path in (("POST", f"{BOOK}/halt"), ("GET", BOOK)):
        answer = endpoint.ask(method, path, scope=None, token=token)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not (endpoint.folder / "HALT").exists()


def test_a_resume_repeats_the_code_of_the_halt(endpoint):
    endpoint.post(f"{BOOK}/halt")
    wrong = endpoint.post(f"{BOOK}/resume", {**WORDS, "code": "000000"})
    assert wrong.status_code == 409
    code = wrong.json()["expected"].split()[-1]
    assert endpoint.post(f"{BOOK}/resume", {**WORDS, "code": code}).status_code == 202
    kinds = [command.kind for command in endpoint.commands()]
    assert kinds == [CommandKind.HALT_TRADING, CommandKind.RESUME_TRADING]


def test_limits_are_tightened_by_numbers_and_by_nothing_else(endpoint):
    for status, limits in (
        (202, {"risk_multiplier": 0.5, "max_open_orders": "2"}),
        (409, {"leverage": 3}),
        (409, {"risk_multiplier": "much"}),
        (422, {"risk_multiplier": None}),
        (422, [1]),
        (422, {}),
    ):
        assert endpoint.post(f"{BOOK}/tighten", {**WORDS, "limits": limits}).status_code == status
    assert [command.kind for command in endpoint.commands()] == [CommandKind.TIGHTEN_LIMITS]


def test_a_paused_symbol_is_acknowledged_by_its_name_or_all_of_the_book(endpoint):
    for symbol in ("btcusdt", "all"):
        answer = endpoint.post(f"{BOOK}/acknowledge", {**WORDS, "symbol": symbol})
        assert answer.status_code == 202
    arguments = [json.loads(command.arguments) for command in endpoint.commands()]
    assert arguments == [{"symbol": "BTCUSDT"}, {"symbol": ""}]


def test_a_flatten_takes_two_steps_and_its_nonce_counts_once(endpoint):
    first = endpoint.post(f"{BOOK}/flatten").json()
    assert endpoint.commands() == []
    confirmed = {**WORDS, "nonce": first["nonce"]}
    assert endpoint.post(f"{BOOK}/flatten", confirmed).status_code == 202
    assert read_latch(endpoint.folder / "HALT").level is HaltLevel.FLATTEN
    assert endpoint.post(f"{BOOK}/flatten", confirmed).status_code == 409
    assert len(endpoint.commands()) == 1


def test_a_nonce_is_of_one_book_one_session_and_half_a_minute(endpoint):
    def nonce(path, **more):
        return endpoint.post(path, **more).json()["nonce"]

    other_book = {"nonce": nonce("/api/books/demo/flatten")}
    other_person = {"nonce": nonce(f"{BOOK}/flatten", scope=Scope.TRADE)}
    too_late = {"nonce": nonce(f"{BOOK}/flatten")}
    endpoint.clock.wait(31)
    for body in (other_book, other_person, too_late, {"nonce": "x" * 22}):
        assert endpoint.post(f"{BOOK}/flatten", body).status_code == 409
    assert endpoint.commands() == []


def test_ctl_09_panic_sells_every_book_that_has_begun_in_two_steps(endpoint):
    first = endpoint.post("/panic", {"book": "paper"})
    assert (first.status_code, first.json()["books"]) == (202, ["paper"])
    body = {"book": "paper", "nonce": first.json()["nonce"]}
    second = endpoint.post("/panic", body)
    assert second.json() == {"halted": {"paper": 1}}
    assert read_latch(endpoint.folder / "HALT").reason == "panic"
    assert endpoint.post("/panic", body).status_code == 409


def test_a_repetition_gives_the_first_answer_and_asks_nothing_again(endpoint):
    first = endpoint.post(f"{BOOK}/reconcile", key="k" * 8)
    again = endpoint.post(f"{BOOK}/reconcile", key="k" * 8)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(endpoint.commands()) == 1
    assert endpoint.post(f"{BOOK}/snapshot", key="k" * 8).status_code == 422
    assert (
        endpoint.post(f"{BOOK}/reconcile", {**WORDS, "who": "bob"}, key="k" * 8).status_code == 422
    )
    assert endpoint.post(f"{BOOK}/reconcile", key="no").status_code == 422


def test_a_command_that_was_cut_off_is_not_sent_again_blindly(endpoint):
    body = json.dumps(WORDS, separators=(",", ":")).encode()
    digest = request_digest("POST", f"{BOOK}/reconcile", body)
    endpoint.served.store.begin_answer("admin", "k" * 8, digest, endpoint.clock.now())
    answer = endpoint.post(f"{BOOK}/reconcile", key="k" * 8)
    assert answer.status_code == 409
    assert "no answer yet" in answer.json()["error"]
    assert endpoint.commands() == []


def test_a_halt_that_cannot_be_a_command_is_told_to_be_in_force(endpoint):
    (endpoint.folder / "inbox.sqlite").mkdir(parents=True)
    answer = endpoint.post(f"{BOOK}/halt")
    assert answer.status_code == 503
    assert "the book is halted all the same" in answer.json()["error"]
    assert read_latch(endpoint.folder / "HALT").who == "ann (admin)"


def test_a_program_gone_wild_is_slowed_down_but_never_a_halt(endpoint):
    answers = [endpoint.post(f"{BOOK}/snapshot") for _ in range(COMMANDS_AT_ONCE + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {202}
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"
    assert endpoint.post(f"{BOOK}/halt").status_code == 202
    endpoint.local.seconds += 1
    assert endpoint.post(f"{BOOK}/snapshot").status_code == 202


def test_a_fault_of_ours_is_answered_without_a_word_of_it(endpoint, monkeypatch):
    def fault(*_given, **_named):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("trading_assets.workflows.control_book.halt_book", fault)
    answer = endpoint.post(f"{BOOK}/halt")
    assert answer.status_code == 500
    assert "planted" not in answer.text


@pytest.mark.parametrize(
    ("status", "path", "more"),
    [
        (421, f"{BOOK}/halt", {"headers": {"Host": "evil.example:80"}}),
        (421, f"{BOOK}/halt", {"headers": {"Host": "127.0.0.1"}}),
        (403, f"{BOOK}/halt", {"headers": {"Origin": "http://evil.example"}}),
        (403, f"{BOOK}/halt", {"headers": {"Origin": "null"}}),
        (415, f"{BOOK}/halt", {"headers": {"Content-Type": "text/plain"}}),
        (404, "/api/books/nobody/halt", {}),
        (405, f"{BOOK}/arm", {}),
        (405, "/api/books/..%2fpaper/halt", {}),
        (422, f"{BOOK}/halt", {"content": b"{"}),
        (422, f"{BOOK}/halt", {"content": b"[]"}),
        (422, f"{BOOK}/halt", {"content": b'{"level": "NONE"}'}),
        (422, f"{BOOK}/halt", {"content": b'{"who": 7}'}),
        (422, f"{BOOK}/halt", {"content": b'{"who": "\\ud800"}'}),
        (409, f"{BOOK}/cancel-all", {"content": b"{}"}),
        (413, f"{BOOK}/halt", {"content": b" " * 70_000}),
    ],
)
def test_what_no_program_of_ours_sends_is_refused(endpoint, status, path, more):
    heads = {"Content-Type": "application/json", **more.pop("headers", {})}
    more.setdefault("content", b'{"who": "ann"}')
    answer = endpoint.ask("POST", path, headers=heads, **more)
    assert (answer.status_code, "error" in answer.json()) == (status, True)
    assert not (endpoint.folder / "HALT").exists()


def test_our_own_page_may_ask(endpoint):
    heads = {"Origin": f"http://{HOST}"}
    assert endpoint.post(f"{BOOK}/halt", headers=heads).status_code == 202


def test_panic_reaches_every_book_although_one_of_them_fails(endpoint):
    root = endpoint.folder.parent
    for name in ("demo", "paper"):
        (root / name).mkdir(parents=True)
        (root / name / "journal.sqlite").touch()
    (root / "demo" / "inbox.sqlite").mkdir()
    first = endpoint.post("/panic").json()
    assert first["books"] == ["demo", "paper"]
    second = endpoint.post("/panic", {"nonce": first["nonce"]})
    assert second.status_code == 503
    assert "demo" in second.json()["found"]
    for name in ("demo", "paper"):
        assert read_latch(root / name / "HALT").level is HaltLevel.FLATTEN
    assert len(endpoint.commands()) == 1

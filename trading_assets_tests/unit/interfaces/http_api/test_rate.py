"""The limit on requests: a burst, then a steady rate, and never a word against a halt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from trading_assets import bootstrap
from trading_assets.interfaces.http_api.rate import TokenBucket
from trading_assets.interfaces.http_api.routes import BURST, PER_S, Request, Routes
from trading_assets.interfaces.http_api.tokens import Tokens
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import load_settings
from trading_assets.storage.inbox import Inbox
from trading_assets_tests.stand_ins.clock import HandTime

HOST = "127.0.0.1:8790"
TOKENS = Tokens(halt="h" * 43, control="c" * 43)


class Endpoint:
    def __init__(self, home):
        self.local = HandTime()
        desk = bootstrap.desk(load_settings({"TA_HOME": str(home)}).settings)
        self.routes = Routes(desk, TOKENS, frozenset({HOST}), self.local)
        self.folder = home / "data" / "live" / "paper"

    def ask(self, action, token=TOKENS.control, method="POST"):
        heads = {
            "host": HOST,
            "content-type": "application/json",
            "authorization": f"Bearer {token}",
        }
        path = f"/books/paper/{action}" if action else "/books/paper"
        body = b'{"who": "ann", "reason": "checked"}'
        return self.routes.answer(Request(method, path, heads, body))

    def look(self, token=TOKENS.control):
        return self.ask("", token, "GET")


@pytest.fixture
def endpoint(tmp_path):
    return Endpoint(tmp_path)


def test_after_a_burst_requests_come_back_at_the_rate():
    local = HandTime()
    bucket = TokenBucket(local, per_s=4.0, burst=3)

    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.25]
    local.seconds += 0.125
    assert bucket.take() == 0.125  # the refused one has cost nothing
    local.seconds += 0.125
    assert [bucket.take(), bucket.take()] == [0.0, 0.25]
    local.seconds += 3_600
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.25]


def test_threads_share_one_bucket():
    bucket = TokenBucket(HandTime(), per_s=1.0, burst=500)

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: bucket.take(), range(2_000)))

    assert waits.count(0.0) == 500


def test_too_many_requests_are_told_when_to_come_back(endpoint):
    assert {endpoint.look().status for _ in range(BURST)} == {200}
    refused = endpoint.look()
    assert (refused.status, refused.retry_after_s) == (429, 1)
    endpoint.local.seconds += 1 / PER_S
    assert [endpoint.look().status, endpoint.look().status] == [200, 429]


def test_a_refused_command_is_not_taken(endpoint):
    for _ in range(BURST):
        endpoint.ask("snapshot")
    assert endpoint.ask("cancel-all").status == 429
    with Inbox(endpoint.folder) as inbox:
        assert len(inbox.after(0)) == BURST


@pytest.mark.parametrize("token", [TOKENS.halt, TOKENS.control])
def test_no_limit_refuses_a_halt(endpoint, token):
    for _ in range(BURST):
        endpoint.look(token)
    assert endpoint.look(token).status == 429
    stops = ("pause", "halt") if token is TOKENS.halt else ("pause", "halt", "flatten")
    for action in stops:
        assert {endpoint.ask(action, token).status for _ in range(BURST)} == {202}
        assert read_latch(endpoint.folder / "HALT").level.name == action.upper()


def test_who_may_only_halt_keeps_nobody_from_a_resume(endpoint):
    endpoint.ask("halt")
    code = endpoint.look().values["code"]
    for _ in range(2 * BURST):
        endpoint.look(TOKENS.halt)
    assert endpoint.look(TOKENS.halt).status == 429
    assert endpoint.look().values["code"] == code


def test_strangers_use_up_nothing(endpoint):
    assert {endpoint.look("x" * 43).status for _ in range(2 * BURST)} == {401}
    assert {endpoint.ask("resume", TOKENS.halt).status for _ in range(2 * BURST)} == {403}
    assert endpoint.look().status == 200

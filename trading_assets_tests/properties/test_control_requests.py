"""Whatever reaches the control endpoint gets an answer; nothing without a token does a thing."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_assets import bootstrap
from trading_assets.interfaces.http_api.routes import Request, Routes
from trading_assets.interfaces.http_api.tokens import Tokens
from trading_assets.settings import load_settings
from trading_assets.storage.inbox import FILE, Inbox
from trading_assets_tests.stand_ins.clock import HandTime

HOST = "127.0.0.1:8790"
TOKENS = Tokens(halt="h" * 43, control="c" * 43)
ACTIONS = (
    "halt",
    "pause",
    "flatten",
    "cancel-all",
    "resume",
    "tighten",
    "acknowledge",
    "reconcile",
)
STATUSES = {200, 202, 400, 401, 403, 404, 405, 409, 415, 421}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
names = st.sampled_from(
    ["who", "reason", "code", "limits", "symbol", "risk_multiplier", "max_open_orders"]
)
numbers = st.sampled_from(["1e999999999", "-1e999999999", "1e-999999999", "NaN", "0", "1", "٣"])
limits = st.dictionaries(names | st.text(max_size=3), numbers | values, max_size=3)
words = st.dictionaries(names, values | limits, max_size=5).map(json.dumps).map(str.encode)
bodies = st.binary(max_size=200) | words | st.just(b"[" * 4096) | st.just(b'{"who": "\\ud800"}')
paths = st.text(max_size=30) | st.sampled_from([f"/books/paper/{name}" for name in ACTIONS])
headers = st.dictionaries(
    st.sampled_from(["host", "origin", "content-type", "authorization", "x"]), st.text(max_size=60)
)
ours = st.fixed_dictionaries(
    {"host": st.just(HOST), "content-type": st.just("application/json")},
    optional={"authorization": st.text(max_size=60).map("Bearer {}".format)},
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return _served(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return _served(tmp_path_factory.mktemp("home"))


class Rested(HandTime):
    """Long enough between two requests that no limit on their rate is met."""

    def monotonic(self):
        self.seconds += 60
        return self.seconds


def _served(home):
    desk = bootstrap.desk(load_settings({"TA_HOME": str(home)}).settings)
    return Routes(desk, TOKENS, frozenset({HOST}), Rested()), home / "data" / "live" / "paper"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["GET", "POST", "PUT", ""]), paths, headers | ours, bodies)
def test_without_a_token_nothing_is_done(fresh, method, path, heads, body):
    routes, folder = fresh
    answer = routes.answer(Request(method, path, heads, body))
    assert answer.status in STATUSES - {200, 202}
    json.dumps(answer.values)
    assert not (folder / "HALT").exists()
    assert not (folder / FILE).exists()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["GET", "POST"]), st.sampled_from(ACTIONS), bodies)
def test_with_a_token_every_body_gets_an_answer_and_every_command_can_be_read(
    served, method, action, body
):
    routes, folder = served
    heads = {
        "host": HOST,
        "content-type": "application/json",
        "authorization": f"Bearer {TOKENS.control}",
    }
    answer = routes.answer(Request(method, f"/books/paper/{action}", heads, body))
    assert answer.status in STATUSES
    json.dumps(answer.values)
    if folder.exists():
        with Inbox(folder) as inbox:
            for command in inbox.after(max(inbox.last() - 1, 0)):
                json.loads(command.arguments)
                assert command.reason.isprintable()

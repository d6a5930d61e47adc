"""A desk behind its API, in this process, and clients of every scope."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from trading_assets import bootstrap
from trading_assets.interfaces.http_api.application import create_app
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.interfaces.http_api.server import served_of
from trading_assets.settings import load_settings
from trading_assets.storage.inbox import FILE, Inbox
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.live_book import live_book
from trading_assets_tests.stand_ins.clock import HandTime
from trading_assets_tests.stand_ins.published_release import published_release
from trading_assets_tests.stand_ins.written_book import BAR, SPEC, START, written_book

HOST = "127.0.0.1:8790"
WORDS = {"who": "ann", "reason": "checked"}


class MovedClock:
    """The machine's clock, moved by a test."""

    def __init__(self, clock):
        self.clock, self.ahead_s = clock, 0.0

    def now(self):
        return self.clock.now() + int(self.ahead_s * 1_000_000)

    def wait(self, seconds):
        self.ahead_s += seconds


class Endpoint:
    """A served desk, and requests to it."""

    def __init__(self, desk):
        self.desk, self.clock = desk, MovedClock(desk.clock)
        self.local = HandTime()
        self.served = served_of(desk, frozenset({HOST}), self.local)
        self.served.access._clock = self.clock
        self.app = create_app(self.served)
        self.http = TestClient(self.app, base_url=f"http://{HOST}", raise_server_exceptions=False)
        self.tokens = {
            scope: self.served.access.log_in(scope.text, scope).access for scope in Scope
        }

    @property
    def folder(self):
        return self.desk.settings.data_root / "live" / "paper"

    def ask(self, method, path, *, scope=Scope.ADMIN, token=None, key=None, **more):
        heads = {"Idempotency-Key": key or uuid.uuid4().hex}
        shown = self.tokens[scope] if token is None and scope else token
        if shown:
            heads["Authorization"] = f"Bearer {shown}"
        heads |= more.pop("headers", {})
        return self.http.request(method, path, headers=heads, **more)

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=WORDS, **more):
        return self.ask("POST", path, json=body, **more)

    def commands(self):
        if not (self.folder / FILE).is_file():
            return []
        with Inbox(self.folder) as inbox:
            return list(inbox.after(0))


@pytest.fixture
def endpoint(tmp_path):
    found = Endpoint(bootstrap.desk(load_settings({"TA_HOME": str(tmp_path)}).settings))
    with found.http:
        yield found
    found.served.store.close()


@pytest.fixture
def begun(endpoint):
    """A book that trades `mine` and whose journal the test writes."""
    release = published_release(endpoint.desk, parse_spec(SPEC, where="mine.yaml"))
    with written_book(live_book(endpoint.desk.settings, "paper"), release) as book:
        yield book


def round_trip(book, number=0):
    for step, target in enumerate((1.0, 0.0)):
        (ticket,) = book.bar(number + step, target, 50_000.0)
        at = START + (number + step + 1) * BAR
        book.fill(ticket, at, f"t{number + step}", Decimal("50000.10"))

"""The control API against its own OpenAPI document: whatever it allows or forbids is answered."""

from __future__ import annotations

import uuid
from collections import Counter
from functools import partial

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from trading_assets import bootstrap
from trading_assets.interfaces.http_api.application import create_app
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.interfaces.http_api.server import served_of
from trading_assets.settings import load_settings
from trading_assets_tests.stand_ins.clock import HandTime

HOST = "127.0.0.1:8790"


class Rested(HandTime):
    """Long enough between two requests that no limit on their rate is met."""

    def monotonic(self):
        self.seconds += 60
        return self.seconds


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A desk without data behind the API, and a token that may everything."""
    home = tmp_path_factory.mktemp("home")
    desk = bootstrap.desk(load_settings({"TA_HOME": str(home)}).settings)
    served = served_of(desk, frozenset({HOST}), Rested())
    token = served.access.log_in("ann", Scope.ADMIN).access
    yield (
        schemathesis.openapi.from_asgi("/openapi.json", create_app(served), headers={"Host": HOST}),
        token,
    )
    served.store.close()


def _all(cases, ask):
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def each(case):
        ask(case)

    each()


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_that_the_document_describes_or_forbids_is_a_fault(asked, mode):
    schema, token = asked
    answered: Counter[int] = Counter()

    def ask(case, documented):
        given = {**(case.headers or {}), "Host": HOST, "Authorization": f"Bearer {token}"}
        given.setdefault("Idempotency-Key", uuid.uuid4().hex)
        answer = case.call(headers=given)
        answered[answer.status_code] += 1
        assert answer.status_code < 500, (case.method, case.path, answer.text)
        assert str(answer.status_code) in documented, (case.method, case.path, answer.text)

    asked_of = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        documented = set(operation.definition.raw["responses"]) | {"405"}
        try:
            _all(operation.as_strategy(mode), partial(ask, documented=documented))
        except Unsatisfiable:
            continue  # nothing that it could be given is wrong
        asked_of += 1
    assert asked_of >= 20
    assert sum(answered.values()) >= 200

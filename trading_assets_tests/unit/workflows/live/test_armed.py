"""Real money is traded by a person's leave only: for this book, account, host, release and time."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import stat
import threading

import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import canonical_json
from trading_assets.live.safety.arming import require_fit, seal, unseal
from trading_assets.live.safety.halt_signal import HaltSignal
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.arm_book import arm_book, disarm_book
from trading_assets.workflows.armed import require_armed
from trading_assets.workflows.book_control import BookControl, Eyes, Leave
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.run_live import run_live
from trading_assets_tests.stand_ins.arming import ANN, SPEC
from trading_assets_tests.stand_ins.tiny_venue import BTC

REAL = {
    "TA_BOOKS__REAL__VENUE": "binance",
    "TA_BOOKS__REAL__ACCOUNT": "main",
    "TA_BOOKS__REAL__TRADES": "paper",
    "TA_BINANCE_API_KEY": "key-of-the-test",
    "TA_BINANCE_API_SECRET": "secret-of-the-test",
}


class _Hand:
    """A clock that a hand sets."""

    def __init__(self, ts):
        self.ts = ts

    def now(self):
        return self.ts

    def wait(self, seconds):
        raise AssertionError


@pytest.fixture
def desk(make_desk):
    desk = dataclasses.replace(make_desk(**REAL), clock=_Hand(1_700_000_000_000_000))
    spec = parse_spec(SPEC, where="test")
    facts = {
        "decision_id": "d" * 64,
        "order_types": ["MARKET"],
        "models": {},
        "instruments": [instrument_to_plain(BTC)],
    }
    files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
    desk.releases.publish("paper", facts, files, after=None)
    return desk


@pytest.fixture
def place(desk):
    return live_book(desk.settings, "real")


def _release(desk):
    return desk.releases.require("paper").release_id


def _armed(desk, **changes):
    return arm_book(desk, "real", **{"release_id": _release(desk), **ANN, **changes})


def _required(desk, place, release_id=None, after_hours=0):
    now = desk.clock.now() + int(after_hours * 3_600_000_000)
    release_id = _release(desk) if release_id is None else release_id
    return require_armed(desk.settings, place, release_id=release_id, now=now)


def test_ctl_11_real_money_is_refused_before_the_network_is_touched(desk):
    with pytest.raises(ConfigurationError, match="not armed") as caught:
        run_live(desk, "real", stop=threading.Event())
    assert "secret-of-the-test" not in str(caught.value)


def test_play_money_needs_no_leave(desk):
    demo = live_book(desk.settings, "demo")
    assert require_armed(desk.settings, demo, release_id="", now=0) is None
    with pytest.raises(ConfigurationError, match="play money"):
        arm_book(desk, "demo", release_id=_release(desk), **ANN)


def test_a_leave_is_for_one_release_and_a_time(desk, place):
    token = _armed(desk)
    assert _required(desk, place) == token
    assert _required(desk, place, "", 23.9) == token
    assert (token.by, token.host, token.account) == ("ann", "api.binance.com", "main")
    assert stat.S_IMODE(place.arm_token.stat().st_mode) == 0o600
    for wrong in ({"release_id": "other"}, {"after_hours": 24}, {"after_hours": -0.1}):
        with pytest.raises(ConfigurationError, match="not armed"):
            _required(desk, place, **wrong)


@pytest.mark.parametrize("name", ["book", "account", "host", "release_id"])
def test_a_token_of_another_name_opens_nothing(desk, name):
    token = _armed(desk)
    asked = {n: getattr(token, n) for n in ("book", "account", "host", "release_id")}
    require_fit(token, **asked, now=token.armed)
    with pytest.raises(ConfigurationError, match=f"{name} other"):
        require_fit(token, **{**asked, name: "other"}, now=token.armed)


def test_a_token_that_was_edited_or_sealed_by_another_opens_nothing(desk, place):
    token = _armed(desk)
    longer = dataclasses.replace(token, expires=token.expires * 2)
    assert unseal(seal(token, "s"), "s") == token
    for data in (
        seal(token, "another secret"),
        seal(token, "secret-of-the-test").replace(
            str(token.expires).encode(), str(longer.expires).encode()
        ),
        b"",
        b"[]",
        b'{"seal": "x"}',
    ):
        place.arm_token.write_bytes(data)
        with pytest.raises(ConfigurationError, match="not armed"):
            _required(desk, place)


def test_a_token_that_others_can_touch_opens_nothing(desk, place):
    _armed(desk)
    place.arm_token.chmod(0o640)
    with pytest.raises(ConfigurationError, match="0640"):
        _required(desk, place)


@pytest.mark.parametrize("change", [{"by": " "}, {"reason": ""}, {"hours": 0}, {"hours": 745}])
def test_a_leave_needs_a_name_a_reason_and_an_end(desk, place, change):
    with pytest.raises(ConfigurationError, match="armed by a person"):
        _armed(desk, **change)
    assert not place.arm_token.exists()


def test_a_release_that_does_not_exist_is_not_armed(desk, place):
    with pytest.raises((ConfigurationError, DataError)):
        _armed(desk, release_id="0" * 64)
    assert not place.arm_token.exists()


@pytest.mark.parametrize("how", ["expired", "taken away"])
def test_a_leave_that_ends_closes_the_gate_and_a_resume_does_not_open_it(desk, place, how):
    leave = Leave(place, desk.clock, _armed(desk))
    eyes = Eyes(place, leave, 0.0)
    with BookControl(place, HaltSignal(place.halt), leave) as control:
        eyes.look()
        assert control.latched() is None
        if how == "expired":
            desk.clock.ts += 24 * 3_600_000_000
        else:
            assert disarm_book(desk, "real")
            assert not disarm_book(desk, "real")
        assert how in control.latched().reason
        eyes.look()
        latched = place.latched()
        assert (latched.source, how in latched.reason) == ("arming", True)
        assert control.lift(latched.identity)
        assert how in control.latched().reason


def test_a_token_of_before_there_were_fallbacks_is_still_a_leave(desk, place):
    token = _armed(desk)
    values = {k: v for k, v in dataclasses.asdict(token).items() if k != "fallback"}
    secret = "secret-of-the-test"
    sealed = hmac.new(secret.encode(), canonical_json(values), hashlib.sha256).hexdigest()
    place.arm_token.write_bytes(canonical_json({**values, "seal": sealed}))
    assert _required(desk, place) == token
    forged = canonical_json({**values, "fallback": "r1", "seal": sealed})
    place.arm_token.write_bytes(forged)
    with pytest.raises(ConfigurationError, match="edited"):
        _required(desk, place)

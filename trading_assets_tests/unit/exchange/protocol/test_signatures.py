"""Keys, signatures and time windows."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.protocol.signatures import Authenticator, Credential, signed_bytes

NOW = 1_709_294_400_000_000
DEMO = Credential("key", "secret", "demo")
AUTH = Authenticator((DEMO,))


def sign(payload: bytes) -> bytes:
    return hmac.new(b"secret", payload, hashlib.sha256).hexdigest().encode()


def check(query=b"", body=b"", clocks=(NOW,)):
    AUTH.check(DEMO, Parameters(query, body), query=query, body=body, clocks=clocks)


def refusal(call, *arguments, **named):
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_keys_open_their_account():
    assert AUTH.account_of("key") is DEMO


@pytest.mark.parametrize("key", [None, "", "with space", "x" * 200])
def test_a_malformed_key_is_told_from_an_unknown_one(key):
    with pytest.raises(Refused) as caught:
        AUTH.account_of(key)
    assert (caught.value.code, caught.value.status) == (-2014, 401)
    with pytest.raises(Refused) as caught:
        AUTH.account_of("unknown")
    assert (caught.value.code, caught.value.status) == (-2015, 401)


def test_signatures_hold_in_query_body_or_both():
    payload = b"symbol=A&timestamp=1709294400000"
    check(query=payload + b"&signature=" + sign(payload))
    check(body=payload + b"&signature=" + sign(payload))
    check(
        query=b"symbol=A",
        body=b"timestamp=1709294400000&signature=" + sign(b"symbol=Atimestamp=1709294400000"),
    )
    check(query=b"signature=" + sign(payload).upper() + b"&" + payload)


def test_the_bytes_as_received_are_signed_not_a_reencoding():
    encoded = b"x=a%20b&timestamp=1709294400000"
    check(query=encoded + b"&signature=" + sign(encoded))
    assert (
        refusal(check, encoded + b"&signature=" + sign(b"x=a b&timestamp=1709294400000")) == -1022
    )


@given(st.binary(min_size=64, max_size=64))
def test_no_other_signature_passes(guess):
    payload = b"timestamp=1709294400000"
    hexed = hashlib.sha256(guess).hexdigest().encode()
    assert refusal(check, payload + b"&signature=" + hexed) == -1022


def test_a_signature_that_is_none_is_malformed():
    assert refusal(check, b"timestamp=1709294400000&signature=zz") == -1100
    assert refusal(check, b"timestamp=1709294400000") == -1102
    assert refusal(check, b"signature=" + sign(b"")) == -1102


@pytest.mark.parametrize(
    ("age_ms", "window", "passes"),
    [
        (0, None, True),
        (5_000, None, True),
        (5_001, None, False),
        (-999, None, True),
        (-1_000, None, False),
        (59_000, b"60000", True),
        (500, b"499.5", False),
    ],
)
def test_the_window_is_enforced(age_ms, window, passes):
    payload = b"timestamp=%d" % (NOW // 1_000 - age_ms)
    if window is not None:
        payload = b"recvWindow=" + window + b"&" + payload
    query = payload + b"&signature=" + sign(payload)
    if passes:
        check(query)
    else:
        assert refusal(check, query) == -1021


def test_late_and_early_have_different_words():
    for offset, words in ((-10_000, "outside of the recvWindow"), (10_000, "1000ms ahead")):
        payload = b"timestamp=%d" % (NOW // 1_000 + offset)
        with pytest.raises(Refused, match=words):
            check(payload + b"&signature=" + sign(payload))


def test_a_window_beyond_a_minute_is_refused():
    payload = b"recvWindow=60001&timestamp=1709294400000"
    assert refusal(check, payload + b"&signature=" + sign(payload)) == -1131


def test_either_clock_will_do():
    payload = b"timestamp=1709294400000"
    query = payload + b"&signature=" + sign(payload)
    check(query, clocks=(NOW + 10**12, NOW))
    check(query, clocks=(NOW, NOW + 10**12))
    assert refusal(check, query, clocks=(NOW + 10**12, NOW - 10**12)) == -1021


def test_microsecond_timestamps_are_understood():
    payload = b"timestamp=%d" % NOW
    check(payload + b"&signature=" + sign(payload))


def test_signed_bytes_leave_the_signature_out_wherever_it_stands():
    assert signed_bytes(b"a=1&signature=x&b=2", b"signature=y&c=3") == b"a=1&b=2c=3"

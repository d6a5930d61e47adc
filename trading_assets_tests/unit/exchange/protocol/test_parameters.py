"""Request parameters and their refusals."""

from decimal import Decimal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue.orders import Tif


def refusal(call, *arguments):
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.code, caught.value.text


def test_the_query_wins_over_the_body():
    parameters = Parameters(b"symbol=AAA", b"symbol=BBB&side=BUY")
    assert parameters.text("symbol") == "AAA"
    assert parameters.text("side") == "BUY"


def test_a_name_twice_in_one_place_is_refused():
    assert refusal(Parameters, b"a=1&a=2")[0] == -1101


@given(st.text(min_size=1, max_size=40))
def test_any_text_survives_percent_encoding(text):
    assert Parameters(f"x={quote(text, safe='')}".encode()).text("x") == text


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_either_read_or_refused(query, body):
    try:
        parameters = Parameters(query, body)
        parameters.text("symbol")
    except Refused as error:
        assert error.code == -1101  # noqa: PT017


@pytest.mark.parametrize(
    "text", ["1e-05", "-1", "+1", "1.", ".5", "1,5", " 1", "0x1", "\u0661", "nan"]
)
def test_numbers_must_be_plain_decimals(text):
    parameters = Parameters(f"quantity={quote(text)}".encode())
    code, message = refusal(parameters.need_decimal, "quantity")
    assert code == -1100
    assert message == (
        "Illegal characters found in parameter 'quantity'; "
        r"legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."
    )


def test_eight_decimals_are_enough():
    assert Parameters(b"p=0.12345678").need_decimal("p") == Decimal("0.12345678")
    assert Parameters(b"p=0.1234567800").need_decimal("p") == Decimal("0.12345678")
    assert refusal(Parameters(b"p=0.123456789").need_decimal, "p") == (
        -1111,
        "Parameter 'p' has too much precision.",
    )


def test_a_missing_parameter_is_named():
    text = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
    assert refusal(Parameters(b"").need_symbol) == (-1102, text)
    assert refusal(Parameters(b"symbol=").need_symbol) == (-1102, text)
    assert refusal(Parameters(b"limit=").integer, "limit")[0] == -1102


@pytest.mark.parametrize("symbol", ["btcusdt", "BTC/USDT", "A" * 21, "BTC%20USDT"])
def test_symbols_have_their_own_alphabet(symbol):
    code, text = refusal(Parameters(f"symbol={symbol}".encode()).need_symbol)
    assert code == -1100
    assert "'^[A-Z0-9-_.]{1,20}$'" in text


@pytest.mark.parametrize("name", ["a.b", "a" * 37, "a b", "ä"])
def test_client_ids_have_their_own_alphabet(name):
    parameters = Parameters(f"newClientOrderId={quote(name)}".encode())
    assert refusal(parameters.client_id, "newClientOrderId") == (
        -1100,
        "Illegal characters found in parameter 'newClientOrderId'; "
        "legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
    )


def test_whole_numbers_are_whole_and_fit():
    assert Parameters(b"orderId=12").need_integer("orderId") == 12
    assert refusal(Parameters(b"orderId=x").integer, "orderId")[0] == -1100
    assert refusal(Parameters(b"orderId=9999999999999999999").integer, "orderId")[0] == -1108


def test_limits_have_a_default_and_a_cap():
    assert Parameters(b"").limit(500, 1_000) == 500
    assert Parameters(b"limit=5000").limit(500, 1_000) == 1_000
    assert refusal(Parameters(b"limit=0").limit, 500, 1_000)[0] == -1130


def test_choices_are_named_exactly():
    bad = Refused(-1115, "Invalid timeInForce.")
    assert Parameters(b"timeInForce=GTC").choice("timeInForce", Tif, bad) is Tif.GTC
    assert refusal(Parameters(b"timeInForce=gtc").choice, "timeInForce", Tif, bad)[0] == -1115


def test_strangers_are_counted():
    parameters = Parameters(b"symbol=A&foo=1&timestamp=1&signature=x")
    parameters.need_symbol()
    assert refusal(parameters.refuse_unread) == (
        -1104,
        "Not all sent parameters were read; read '3' parameter(s) but was sent '4'.",
    )
    parameters.allow("foo")
    parameters.refuse_unread()

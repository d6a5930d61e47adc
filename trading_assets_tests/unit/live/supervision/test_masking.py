"""No secret gets through, whatever shape it comes in; ordinary words do."""

from __future__ import annotations

import io
import logging

import pytest

from trading_assets.live.supervision.masking import Masking

SECRET = "kTz81hSecretSecret"
BOT = "123456789:AAE" + "x" * 32


@pytest.mark.parametrize(
    "text",
    [
        f"GET /api/v3/account?timestamp=1&signature={SECRET}",
        f'{{"signature": "{SECRET}", "symbol": "BTCUSDT"}}',
        f"X-MBX-APIKEY: {SECRET}",
        f"{{'X-MBX-APIKEY': '{SECRET}'}}",
        f"api_key={SECRET}&x=1",
        f"apiSecret: {SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: {SECRET}",
        f"https://host/ws?listenKey={SECRET}",
        f"token={SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_masked(text):
    masked = Masking().masked(text)
    assert SECRET not in masked
    assert "***" in masked


def test_a_bots_token_is_masked_in_an_address():
    assert BOT not in Masking().masked(f"https://api.telegram.org/bot{BOT}/sendMessage")


def test_known_values_are_masked_wherever_they_stand():
    assert Masking([SECRET]).masked(f"see {SECRET}!") == "see ***!"


def test_words_and_ids_stay():
    text = "order ta_0123456789abcdef of BTCUSDT at 50000.10, row 123456789: was filled"
    assert Masking(["", "abc"]).masked(text) == text


def test_a_handler_masks_arguments_and_tracebacks():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(Masking([SECRET]))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        int(f"signature={SECRET}")
    except ValueError:
        logger.exception("failed with %s", SECRET)
    assert SECRET not in written.getvalue()
    assert "ValueError: invalid literal" in written.getvalue()

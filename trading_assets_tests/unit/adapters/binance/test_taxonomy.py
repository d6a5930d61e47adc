"""Every row of the table of answers, and what must not stand in a message."""

from __future__ import annotations

import pytest

from trading_assets.adapters.binance.taxonomy import Meaning, meaning, without_secrets


@pytest.mark.parametrize(
    ("status", "code", "message", "found"),
    [
        (418, -1003, "", Meaning.BANNED),
        (418, 0, "<html>", Meaning.BANNED),
        (429, -1003, "", Meaning.LIMITED),
        (429, -1015, "Too many new orders.", Meaning.LIMITED),
        (400, -1015, "", Meaning.LIMITED),
        (403, 0, "<html>", Meaning.UNKNOWN),
        (404, 0, "", Meaning.UNKNOWN),
        (302, 0, "", Meaning.UNKNOWN),
        (0, 0, "", Meaning.UNKNOWN),
        (500, -1000, "", Meaning.UNKNOWN),
        (502, 0, "<html>", Meaning.UNKNOWN),
        (503, -1008, "", Meaning.UNKNOWN),
        (504, -1007, "", Meaning.UNKNOWN),
        (500, -2010, "Account has insufficient balance.", Meaning.UNKNOWN),
        *[(400, code, "", Meaning.UNKNOWN) for code in (-1000, -1001, -1006, -1007, -1008)],
        (400, -1021, "Timestamp for this request was 1000ms ahead", Meaning.CLOCK_REFUSED),
        (400, -2010, "Duplicate order sent.", Meaning.UNKNOWN),
        (400, -2010, "Account has insufficient balance.", Meaning.REFUSED),
        (400, -2011, "Unknown order sent.", Meaning.REFUSED),
        (400, -2013, "Order does not exist.", Meaning.REFUSED),
        *[
            (400, code, "", Meaning.REFUSED)
            for code in (-1002, -1013, -1014, -1020, -1022, -1100, -1102, -1106, -1111, -1115)
        ],
        *[(400, code, "", Meaning.REFUSED) for code in (-1121, -1128, -1130, -1131, -2021, -2026)],
        *[(401, code, "", Meaning.REFUSED) for code in (-2008, -2014, -2015)],
        (409, -2022, "", Meaning.REFUSED),
        (400, -9999, "", Meaning.UNLISTED),
        (400, -1099, "", Meaning.UNLISTED),
        (400, -1200, "", Meaning.UNLISTED),
    ],
)
def test_an_answer_has_one_meaning(status: int, code: int, message: str, found: Meaning) -> None:
    assert meaning(status, code, message) is found


KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


@pytest.mark.parametrize(
    "text",
    [
        f"Illegal characters found in 'symbol=A&signature={SIGNATURE}'",
        f"received: timestamp=1&signature={SIGNATURE[:40]}&x=1",
        f'{{"apiKey":"{KEY}"}}',
        f"unknown key {KEY}",
        f"X-MBX-APIKEY: {KEY[:20]}",
    ],
)
def test_keys_and_signatures_are_stripped(text: str) -> None:
    stripped = without_secrets(text)
    assert KEY[:20] not in stripped
    assert SIGNATURE[:40] not in stripped
    assert "..." in stripped


def test_other_words_stay() -> None:
    text = "Signature for this request is not valid."
    assert without_secrets(text) == text

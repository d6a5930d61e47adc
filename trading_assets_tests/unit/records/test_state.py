"""The state record."""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import Account, EngineSetup, SignalFamily, Sizing, SizingMode
from trading_assets.records.state import (
    ACCOUNT,
    BOOK,
    _fields,
    blank_state,
    layout_hash,
    opening_state,
    state_from_bytes,
)
from trading_assets.records.terms import terms_from_setup


def opened():
    coins = ("AAA", "BBB")
    setup = EngineSetup(
        tuple(
            Instrument(symbol_from_text(f"{c}USDT"), c, "USDT", Decimal("0.01"), Decimal("0.001"))
            for c in coins
        ),
        Account("USDT", Decimal("1234.5")),
        SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(1)),
    )
    return opening_state(terms_from_setup(setup), 123_450_000_000)


def test_it_opens_with_cash_and_nothing_else():
    state = opened()
    account = state.account[0]

    assert account["cash"] == account["opening_cash"] == 123_450_000_000
    assert account["equity"] == account["peak"] == account["day_low"] == 1234.5
    assert account["next_order_id"] == 1
    assert state.books["symbol"].tolist() == [0, 1]
    assert not state.books["base"].any()


def test_the_views_share_one_record():
    state = opened()

    state.account["cash"] = 7
    state.books["base"][1] = 9

    assert state.record[0]["account"]["cash"] == 7
    assert state.record[0]["books"][1]["base"] == 9


def test_a_state_is_read_back_from_its_bytes_with_its_lots_in_order():
    state = blank_state(2)
    state.account["cash"] = 5
    state.books["n_lots"] = [3, 1]
    state.queues.heads[:] = [62, 7]
    state.queues.lots["units"][0, [62, 63, 0]] = [10, 20, 30]
    state.queues.lots["units"][1, 7] = 40

    again = state_from_bytes(state.to_bytes(), 2)

    assert again.account[0]["cash"] == 5
    assert again.lots_of(0)["units"].tolist() == [10, 20, 30]
    assert again.lots_of(1)["units"].tolist() == [40]
    assert again.to_bytes() == state.to_bytes()


@pytest.mark.parametrize("wrong", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:100]])
def test_bytes_of_another_length_are_no_state(wrong):
    state = blank_state(1)
    state.books["n_lots"] = 2

    assert state_from_bytes(state.to_bytes(), 1) is not None
    assert state_from_bytes(wrong(state.to_bytes()), 1) is None


def test_the_layout_names_every_field_and_its_place():
    text = _fields(ACCOUNT)

    assert text.startswith("{terms@0:{spot@0:<i8()")
    books = _fields(BOOK)
    assert f"verdicts@{BOOK.fields['verdicts'][1]}:<i8(48,)" in books
    assert len(layout_hash()) == 64


def test_every_byte_of_the_record_is_content_or_zero():
    record = opened().record

    again = np.frombuffer(record.tobytes(), record.dtype)

    assert again.tobytes() == record.tobytes()

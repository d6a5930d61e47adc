"""The state record."""

from decimal import Decimal

import numpy as np

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import Account, EngineSetup, SignalFamily, Sizing, SizingMode
from trading_assets.records.state import (
    ACCOUNT,
    LOTS_PER_SYMBOL,
    _fields,
    blank_state,
    book_dtype,
    layout_hash,
    opening_state,
    with_more_lots,
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


def test_growing_unrolls_the_ring_and_keeps_everything_else():
    state = blank_state(1, 4)
    state.account["cash"] = 5
    book = state.books[0]
    book["n_lots"], book["head"] = 3, 2
    book["lots"]["units"][:4] = [30, 0, 10, 20]  # oldest first: 10, 20, 30
    book["orders"]["id"][0] = 77

    grown = with_more_lots(state)

    assert grown.lots == 16
    assert grown.books[0]["lots"]["units"][:4].tolist() == [10, 20, 30, 0]
    assert grown.books[0]["head"] == 0
    assert grown.books[0]["orders"]["id"][0] == 77
    assert grown.account[0]["cash"] == 5


def test_the_layout_names_every_field_and_its_place():
    text = _fields(ACCOUNT)

    assert text.startswith("{terms@0:{spot@0:<i8()")
    books = _fields(book_dtype(LOTS_PER_SYMBOL))
    assert f"verdicts@{book_dtype(LOTS_PER_SYMBOL).fields['verdicts'][1]}:<i8(48,)" in books
    assert len(layout_hash()) == 64


def test_every_byte_of_the_record_is_content_or_zero():
    record = opened().record

    again = np.frombuffer(record.tobytes(), record.dtype)

    assert again.tobytes() == record.tobytes()

"""Events survive the way to text and back, to the last bit and digit."""

from __future__ import annotations

import dataclasses
import math
import struct
import typing
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.events import BarReady, Event, SignalRow
from trading_assets.storage.journal_codec import decode, encode

_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_INTEGERS = st.integers(-(2**63), 2**63 - 1)
st.register_type_strategy(Decimal, _DECIMALS)
st.register_type_strategy(str, _TEXT)
st.register_type_strategy(int, _INTEGERS)

EVENTS = st.one_of([st.from_type(kind) for kind in typing.get_args(Event)])


def _bits(value):
    """Replace every float by its bits (all NaNs alike), so that equality means identity."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, tuple):
        return tuple(map(_bits, value))
    if dataclasses.is_dataclass(value):
        return type(value), tuple(_bits(getattr(value, f.name)) for f in dataclasses.fields(value))
    return value


@given(EVENTS)
def test_every_event_is_read_back_as_it_was_written(event):
    kind, body = encode(event)
    again = decode(kind, body)

    assert _bits(again) == _bits(event)
    assert encode(again) == (kind, body)


def test_no_opinion_is_written_as_null():
    row = SignalRow("BTCUSDT", 0, (math.nan, math.inf, -0.0), "00")
    body = encode(BarReady(0, (), (row,)))[1]

    assert b'"values":[null,"inf",-0.0]' in body


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("NeverHappened", b"{}"),
        ("SessionClosed", b"{"),
        ("SessionClosed", b'{"ts": 1}'),
        ("SessionClosed", b'{"ts": 1.5, "reason": "x"}'),
        ("SessionClosed", b'{"ts": 1, "reason": 2}'),
        ("SessionClosed", b'{"ts": 1, "reason": "x", "more": 1}'),
        ("SessionClosed", b"[]"),
        ("OrderFilled", b'{"ts": 1, "fill": {"price": "12,5"}}'),
        ("OrderFilled", b'{"ts": 1, "fill": null}'),
    ],
)
def test_a_row_that_cannot_be_read_is_named(kind, body):
    with pytest.raises(CorruptFile, match="journal row"):
        decode(kind, body)


def test_a_number_where_a_decimal_must_be_is_refused():
    with pytest.raises(CorruptFile):
        decode("OrderFilled", b'{"ts": 1, "fill": {"price": 1.1}}')

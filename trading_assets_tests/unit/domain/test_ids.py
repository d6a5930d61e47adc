import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import ConfigurationError, DataError, UnknownSymbol
from trading_assets.domain.ids import (
    Month,
    canonical_json,
    client_order_id,
    content_hash,
    months_between,
    symbol_from_text,
    tag_from_text,
)

BTC = symbol_from_text("BTCUSDT")
months = st.builds(Month, st.integers(1970, 2200), st.integers(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        *("", "btcusdt", "../BTC", "BTC/USDT", "BTC USDT", "A" * 21, "BTCUSDT\n", 7, None),
        *(".", "..", ".A", "A.", "A..B", "A.B.C", "BRK.B\n", "A|B", "A=B", "A-B", "F%", "É"),
        "A" * 19 + ".B",
    ],
)
def test_anything_but_a_symbol_is_refused(text):
    with pytest.raises(UnknownSymbol, match="expected 1 to 20 characters"):
        symbol_from_text(text)


@pytest.mark.parametrize("text", ["F", "BRK.B", "6E", "ES", "BTCUSDT", "1000SATSUSDT", "A" * 20])
def test_tickers_of_one_letter_and_classes_of_shares_are_symbols(text):
    assert symbol_from_text(text) == text


@pytest.mark.parametrize("text", ["", "Paper", "a b", "../x", "x" * 41, "é"])
def test_a_tag_is_a_plain_name(text):
    with pytest.raises(ConfigurationError):
        tag_from_text(text)


@given(months)
def test_a_month_survives_its_text(month):
    assert Month.from_text(str(month)) == month


@given(months, st.integers(-300, 300))
def test_shifting_a_month_there_and_back_changes_nothing(month, by):
    assert month.shift(by).shift(-by) == month


@given(months)
def test_months_tile_time(month):
    assert month.end == month.shift(1).start
    assert month.end - month.start == month.days * 86_400_000_000
    assert Month.of(month.start) == month
    assert Month.of(month.end - 1) == month


@pytest.mark.parametrize("text", ["2024-13", "2024-1", "24-01", "2024-01-01", "", None])
def test_a_wrong_month_is_refused(text):
    with pytest.raises(DataError, match="YYYY-MM"):
        Month.from_text(text)


def test_months_between_is_inclusive_and_empty_backwards():
    assert [str(m) for m in months_between(Month(2023, 12), Month(2024, 2))] == [
        "2023-12",
        "2024-01",
        "2024-02",
    ]
    assert months_between(Month(2024, 2), Month(2024, 1)) == ()


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": 1, "a": [1.5, "ü"]}) == '{"a":[1.5,"ü"],"b":1}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_a_client_order_id_depends_on_what_was_decided_and_on_nothing_else():
    decided = ("paper", "ema_trend", BTC, 1_700_000_000_000_000, 0, 0)
    first = client_order_id(*decided)
    assert first == client_order_id(*decided)
    assert len(first) <= 36
    assert set(first) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    for position, other in enumerate(("live", "ib", symbol_from_text("ETHUSDT"), 1, 1, 1)):
        changed = list(decided)
        changed[position] = other
        assert client_order_id(*changed) != first


def test_content_hashes_are_pinned():
    assert (
        content_hash({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    )

"""Which clock a journal is written by: one of an embedded exchange's own, or the world's."""

import pytest

from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.run_live import _epoch

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
REAL = {"TA_BOOKS__REAL__VENUE": "binance", "TA_BOOKS__REAL__ACCOUNT": "main"}


@pytest.mark.parametrize(
    ("book", "apart_s", "epoch"),
    [
        ("paper", 60, "wall"),
        ("paper", -61, "virtual"),
        ("real", 61, "wall"),  # a machine that lost its time keeps its journal
        ("real", -86_400, "wall"),
    ],
)
def test_only_an_embedded_exchange_has_a_clock_of_its_own(make_desk, book, apart_s, epoch):
    place = live_book(make_desk(**REAL).settings, book)

    assert _epoch(place, NOW + apart_s * SECOND, NOW) == epoch

"""Instruments as a versioned table."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from trading_assets.domain.errors import UnknownSymbol
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.list_instruments import list_instruments, publish_instruments


def test_the_table_is_published_once_and_then_read(
    archive: Any, make_desk: Callable[..., Desk]
) -> None:
    variables = {"TA_SOURCE": "archive", "TA_ARCHIVE_ROOT": str(archive.root)}
    desk = make_desk(**variables, TA_SYMBOLS='["SOLUSDT","BTCUSDT"]')
    solana, bitcoin = list_instruments(desk)
    assert (solana.symbol, solana.base, solana.quote) == ("SOLUSDT", "SOL", "USDT")
    assert (bitcoin.tick, bitcoin.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert list_instruments(desk) == (solana, bitcoin)
    assert not publish_instruments(desk).changed
    larger = make_desk(**variables, TA_SYMBOLS='["SOLUSDT","BTCUSDT","ETHUSDT"]')
    assert [i.symbol for i in list_instruments(larger)] == ["SOLUSDT", "BTCUSDT", "ETHUSDT"]
    assert len(desk.tables.history("instruments", None, None)) == 2
    assert list_instruments(desk) == (solana, bitcoin)


def test_a_symbol_that_the_source_does_not_know_is_named(
    archive: Any, make_desk: Callable[..., Desk]
) -> None:
    variables = {"TA_SOURCE": "archive", "TA_ARCHIVE_ROOT": str(archive.root)}
    desk = make_desk(**variables, TA_SYMBOLS='["ABCUSDT"]')
    with pytest.raises(UnknownSymbol, match="grid of ABCUSDT"):
        list_instruments(desk)
    assert desk.tables.current("instruments", None, None) is None

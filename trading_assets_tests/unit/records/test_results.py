"""Log rows and their buffers."""

import pytest

from trading_assets.records import results


@pytest.mark.parametrize("name", ["FILL", "ROUND_TRIP", "CLOSED_ORDER", "REFUSED"])
def test_rows_have_no_padding(name):
    """Padding would be any bytes, and results are hashed."""
    dtype = getattr(results, name)

    assert dtype.itemsize == sum(dtype[field].itemsize for field in dtype.names)


def test_a_log_that_grows_keeps_its_rows():
    logs = results.new_logs(4, 2)
    logs.fills["id"] = [1, 2, 3, 4]
    logs.used[results.N_FILLS] = 4
    logs.equity[:] = [7.0, 8.0]
    logs.used[results.N_EQUITY] = 2

    grown = results.roomier(logs, 10, 1)

    assert grown.fills["id"][:4].tolist() == [1, 2, 3, 4]
    assert len(grown.fills) >= 14
    assert grown.equity[:2].tolist() == [7.0, 8.0]
    assert len(grown.orders) >= 10


def test_a_log_with_room_stays_where_it_is():
    logs = results.new_logs(20, 5)

    grown = results.roomier(logs, 10, 5)

    assert grown.fills is logs.fills
    assert grown.equity is logs.equity

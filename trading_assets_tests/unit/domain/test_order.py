import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import InvariantError
from trading_assets.domain.order import OrderStatus, advance

FINAL = {
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.REJECTED,
    OrderStatus.EXPIRED,
    OrderStatus.ABSENT,
}


def test_an_order_ends_in_exactly_five_ways():
    assert {status for status in OrderStatus if status.is_final} == FINAL


@given(st.sampled_from(sorted(FINAL, key=str)), st.sampled_from(OrderStatus))
def test_nothing_follows_an_end(end, new):
    with pytest.raises(InvariantError, match="edge that does not exist"):
        advance(end, new)


@given(st.lists(st.sampled_from(OrderStatus), max_size=12))
def test_no_walk_fills_an_order_that_was_never_sent(walk):
    status, seen = OrderStatus.INTENT, [OrderStatus.INTENT]
    for new in walk:
        try:
            status = advance(status, new)
        except InvariantError:
            continue
        seen.append(status)
    if seen[-1] not in {OrderStatus.INTENT, OrderStatus.ABSENT}:
        assert OrderStatus.SENT in seen

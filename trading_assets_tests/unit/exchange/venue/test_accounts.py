"""Balances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import InvariantError
from trading_assets.exchange.venue.accounts import FEES, MARKET, Accounts


def test_locking_moves_and_never_creates():
    accounts = Accounts()
    accounts.open("a", {"USDT": 100})
    accounts.lock("a", "USDT", 60)
    assert (accounts.holding("a", "USDT").free, accounts.holding("a", "USDT").locked) == (40, 60)
    accounts.unlock("a", "USDT", 10)
    accounts.pay("a", "USDT", 50, MARKET, locked=True)
    assert accounts.rows() == [("@market", "USDT", 50, 0), ("a", "USDT", 50, 0)]


@pytest.mark.parametrize("overdraft", ["lock", "unlock", "pay"])
def test_a_client_cannot_go_below_zero(overdraft):
    accounts = Accounts()
    accounts.open("a", {"USDT": 5})
    with pytest.raises(InvariantError, match="overdrew USDT of account a"):
        {
            "lock": lambda: accounts.lock("a", "USDT", 6),
            "unlock": lambda: accounts.unlock("a", "USDT", 1),
            "pay": lambda: accounts.pay("a", "USDT", 6, FEES),
        }[overdraft]()


def test_the_house_may_owe():
    accounts = Accounts()
    accounts.pay(MARKET, "BTC", 7, "a")
    assert accounts.holding(MARKET, "BTC").free == -7
    assert accounts.total("BTC") == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1000)), max_size=30))
def test_payments_keep_the_total(payments):
    accounts = Accounts()
    accounts.open("a", {"USDT": 10**6})
    accounts.open("b", {"USDT": 10**6})
    for owner, units in payments:
        accounts.pay(owner, "USDT", units, "b" if owner == "a" else MARKET)
    assert accounts.total("USDT") == 2 * 10**6


def test_changes_are_remembered_for_the_recorder():
    accounts = Accounts()
    accounts.open("a", {"USDT": 5})
    accounts.changed.clear()
    accounts.pay("a", "USDT", 1, FEES)
    assert accounts.changed == {("a", "USDT"), (FEES, "USDT")}

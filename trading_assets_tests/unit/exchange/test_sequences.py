"""Random sequences of everything a client can do: money kept, edges kept, ledger replayed."""

from collections import Counter

import pytest

from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.market.outages import Outages
from trading_assets_tests.unit.exchange.sequences import SYMBOLS, live


@pytest.fixture(scope="module")
def parts(model):
    listings = {name: listing_of(name) for name in SYMBOLS}
    return listings, model, Outages(model.seed), 1_709_294_400_000_000


def run(parts, seeds, acts=14):
    done = Counter()
    for seed in seeds:
        try:
            done += live(seed, parts, acts)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    return done


def check_reach(done):
    """The sequences must have come to all that they are for."""
    for kind in ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"):
        assert done[kind, "TRADE"], kind
    for execution in ("NEW", "CANCELED", "EXPIRED", "REJECTED"):
        assert sum(n for (_, what), n in done.items() if what == execution), execution
    assert done["refused", "Duplicate order sent."]
    assert done["refused", "Account has insufficient balance for requested action."]


def test_three_hundred_sequences(parts):
    check_reach(run(parts, range(300)))


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_thousand_sequences(parts):
    check_reach(run(parts, range(10_000, 20_000), acts=30))

"""What an exchange may be started with."""

from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.config import AccountConfig, ExchangeConfig


def test_the_defaults_make_a_demo_exchange():
    config = ExchangeConfig()
    (account,) = config.accounts
    assert (account.key, account.secret) == ("demo-key", "demo-secret")
    assert account.deposit_units() == {"USDT": 10**13, "BTC": 10**8}
    assert config.fee_rate == 100_000


def test_secrets_are_not_shown():
    assert "hush" not in repr(ExchangeConfig(accounts=(AccountConfig(secret="hush"),)))


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ({"host": "0.0.0.0"}, "host"),
        ({"host": "192.168.1.2"}, "host"),
        ({"host": "example.com"}, "host"),
        ({"port": 70_000}, "port"),
        ({"structure": 1.1}, "structure"),
        ({"seed": -1}, "seed"),
        ({"symbols": ()}, "symbols"),
        ({"warp": 0.0}, "warp"),
        ({"warp": 2.0}, "start"),
        ({"stepped": True}, "start"),
        ({"start": 0}, "start"),
        ({"fee_bps": Decimal(-1)}, "fee_bps"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(wish, name):
    with pytest.raises(ConfigurationError, match=f"bad {name}"):
        ExchangeConfig(**wish)

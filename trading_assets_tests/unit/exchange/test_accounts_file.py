"""Accounts from a file: where secrets come from, and that none is ever shown."""

from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.accounts_file import EXAMPLE, accounts_from


@pytest.fixture
def read(tmp_path):
    def read(text, name="accounts.toml"):
        path = tmp_path / name
        path.write_text(text)
        return accounts_from(path)

    return read


def test_secrets_come_from_text_file_or_environment(read, tmp_path, monkeypatch):
    (tmp_path / "bob.secret").write_text("of-bob\n")
    monkeypatch.setenv("ALICE_SECRET", "of-alice")
    accounts = read(
        EXAMPLE
        + f"""[[account]]
name = "bob"
key = "bob-key"
secret_file = "{tmp_path / "bob.secret"}"
[[account]]
name = "carol"
key = "carol-key"
secret = "of-carol"
"""
    )
    assert [(a.name, a.secret) for a in accounts] == [
        ("alice", "of-alice"),
        ("bob", "of-bob"),
        ("carol", "of-carol"),
    ]
    assert accounts[0].deposits == (("USDT", Decimal(50_000)), ("BTC", Decimal("0.5")))
    assert accounts[1].deposits == ()
    assert "of-" not in repr(accounts)


def test_an_account_may_sign_by_an_ed25519_key(read, tmp_path):
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "ed.pem").write_bytes(pem)
    (account,) = read(ONE + f'public_key_file = "{tmp_path / "ed.pem"}"')
    assert (account.public_key, account.secret) == (pem.decode().strip(), "")


def test_yaml_reads_the_same(read):
    (account,) = read("account: [{name: a, key: k, secret: s, deposits: {USDT: 5}}]", "a.yaml")
    assert (account.name, account.deposits) == ("a", (("USDT", Decimal(5)),))


ONE = '[[account]]\nname = "a"\nkey = "k"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no accounts"),
        ("x = 1", "has no accounts"),
        ("[[account", "cannot be read"),
        ('[[account]]\nkey = "k"\nsecret = "hush"', "a name"),
        ('[[account]]\nname = "a"\nsecret = "hush"', "a key"),
        (ONE, "one of secret, secret_file, secret_env, public_key_file"),
        (ONE + 'secret = "hush"\nsecret_env = "E"', "one of secret"),
        (ONE + 'secret_env = "NOT_SET_ANYWHERE"', "NOT_SET_ANYWHERE"),
        (ONE + 'secret_file = "/not/there"', "/not/there"),
        (ONE + 'secret = " "', "is empty"),
        (ONE + 'secret = "hush"\nmaker_bps = 0.1', "Bad maker_bps"),
        (ONE + 'secret = "hush"\ntaker_bps = "1001"', "Bad taker_bps"),
        (ONE + 'secret = "hush"\ntaker_bps = true', "Bad taker_bps"),
        (ONE + 'secret = "hush"\npays_fees_in_bnb = 1', "Bad pays_fees_in_bnb"),
        (ONE + 'secret = "hush"\nsecert = "x"', "secert"),
        (ONE + 'secret = "hush"\ndeposits = { USDT = 0.1 }', "Bad deposit of USDT"),
        (ONE + 'secret = "hush"\ndeposits = { USDT = "many" }', "Bad deposit of USDT"),
        (ONE + 'secret = "hush"\ndeposits = { USDT = "-1" }', "Bad deposit of USDT"),
        (ONE + 'secret = "hush"\n' + ONE + 'secret = "hush"', "share a name"),
        ('[[account]]\nname = "@fees"\nkey = "k"\nsecret = "hush"', "marks the house"),
    ],
)
def test_a_bad_file_says_what_is_wrong_and_no_secret(read, text, says):
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)


def test_fees_are_an_accounts_own(wired, read):
    accounts = read(
        '[[account]]\nname = "a"\nkey = "demo-key"\nsecret = "demo-secret"\n'
        'deposits = { USDT = "10000", BNB = "5" }\npays_fees_in_bnb = true\ntaker_bps = "20"\n'
    )
    with wired(accounts=accounts, symbols=("SOLUSDT", "BNBUSDT")) as wire:
        buy = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
        (fill,) = wire.order(**buy).json()["fills"]
        bnb = Decimal(str(wire.price("BNBUSDT")))
    assert fill["commissionAsset"] == "BNB"
    expected = Decimal(fill["price"]) * Decimal("0.0020") * Decimal("0.75") / bnb
    assert abs(Decimal(fill["commission"]) - expected) <= Decimal("0.00000001")


def test_several_accounts_trade_apart(wired, read):
    two = read(
        '[[account]]\nname = "a"\nkey = "demo-key"\nsecret = "demo-secret"\n'
        'deposits = { USDT = "1000" }\n'
        '[[account]]\nname = "b"\nkey = "b-key"\nsecret = "b-secret"\ndeposits = { BTC = "2" }\n'
    )
    with wired(accounts=two) as wire:
        order = wire.order(**wire.limit_buy(0.9)).json()
        other = {"secret": "b-secret", "headers": {"X-MBX-APIKEY": "b-key"}}
        named = {"symbol": "SOLUSDT", "orderId": order["orderId"]}
        assert wire.refusal(wire.signed("GET", "order", **other, **named))[1] == -2013
        assert wire.refusal(wire.signed("DELETE", "order", **other, **named))[1] == -2011
        held = wire.signed("GET", "account", omitZeroBalances="true", **other).json()
        assert [b["asset"] for b in held["balances"]] == ["BTC"]

"""Accounts from a file: names, keys, where the secrets are, and first deposits."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.config import AccountConfig

EXAMPLE = """[[account]]
name = "alice"
key = "alice-key"
secret_env = "ALICE_SECRET"
deposits = { USDT = "50000", BTC = "0.5" }
"""
_RATES = ("maker_bps", "taker_bps")
_SECRETS = ("secret", "secret_file", "secret_env", "public_key_file")


def accounts_from(path: Path) -> tuple[AccountConfig, ...]:
    """Read the accounts of a TOML or YAML file.

    Each `account` has `name`, `key`, one of `secret`, `secret_file`, `secret_env` and
    `public_key_file` (PEM of an Ed25519 key), and optionally `deposits` (asset = amount as text),
    `maker_bps`, `taker_bps` (as text or whole numbers) and `pays_fees_in_bnb`.

    Raises:
        ConfigurationError: says which account and what was expected; never shows a secret.
    """
    table = _table(path)
    rows = table.get("account") if isinstance(table, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ConfigurationError(
            f"{path} has no accounts", expected=f"a list named account, such as\n{EXAMPLE}"
        )
    accounts = tuple(_account(row, number, path) for number, row in enumerate(rows, start=1))
    for field in ("name", "key"):
        values = [getattr(account, field) for account in accounts]
        if len(set(values)) < len(values):
            raise ConfigurationError(
                f"Two accounts of {path} share a {field}",
                expected=f"a {field} for each",
                found=str(next(v for v in values if values.count(v) > 1)),
            )
    return accounts


def _table(path: Path) -> Any:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Cannot read {path}", found=str(error)) from error
    except (tomllib.TOMLDecodeError, yaml.YAMLError):
        # The parser quotes the line, which may hold a secret.
        raise ConfigurationError(
            f"{path} cannot be read", expected="TOML (.toml) or YAML", found="a syntax error"
        ) from None


def _account(row: Any, number: int, path: Path) -> AccountConfig:
    place = f"account {number} of {path}"
    known = {"name", "key", "deposits", *_SECRETS, *_RATES, "pays_fees_in_bnb"}
    if not isinstance(row, dict) or row.keys() - known:
        strangers = ", ".join(sorted(row.keys() - known)) if isinstance(row, dict) else "no table"
        raise ConfigurationError(
            f"Bad {place}", expected=f"only {', '.join(sorted(known))}", found=strangers
        )
    for field in ("name", "key"):
        if not isinstance(row.get(field), str) or not row[field].strip():
            raise ConfigurationError(f"Bad {place}", expected=f"a {field}", found="none")
    if row["name"].startswith("@"):
        raise ConfigurationError(
            f"Bad {place}", expected="a name without @, which marks the house", found=row["name"]
        )
    deposits = row.get("deposits", {})
    if not isinstance(deposits, dict):
        raise ConfigurationError(
            f"Bad {place}", expected='deposits = { USDT = "1000" }', found=type(deposits).__name__
        )
    secret = _secret(row, place)
    signs_by_key = "public_key_file" in row
    return AccountConfig(
        name=row["name"],
        key=row["key"],
        secret="" if signs_by_key else secret,
        public_key=secret if signs_by_key else "",
        maker_bps=_bps(row, "maker_bps", place),
        taker_bps=_bps(row, "taker_bps", place),
        pays_fees_in_bnb=_flag(row, place),
        deposits=tuple((asset, _amount(text, asset, place)) for asset, text in deposits.items()),
    )


def _bps(row: dict[str, Any], name: str, place: str) -> Decimal | None:
    if name not in row:
        return None
    rate = _decimal(row[name])
    if not rate.is_finite() or not 0 <= rate <= 1_000 or rate != round(rate, 4):
        raise ConfigurationError(
            f"Bad {name} of {place}",
            expected='basis points from 0 to 1000 with at most 4 decimals as text, such as "7.5"',
            found=str(row[name]),
        )
    return rate


def _flag(row: dict[str, Any], place: str) -> bool:
    value = row.get("pays_fees_in_bnb", False)
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"Bad pays_fees_in_bnb of {place}", expected="true or false", found=str(value)
        )
    return value


def _decimal(text: Any) -> Decimal:
    """Read an exact number; a float, which is none, gives NaN."""
    if isinstance(text, bool) or not isinstance(text, str | int):
        return Decimal("NaN")
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _amount(text: Any, asset: Any, place: str) -> Decimal:
    amount = _decimal(text)
    if not amount.is_finite() or not 0 <= amount <= 10**12 or amount != round(amount, 8):
        raise ConfigurationError(
            f"Bad deposit of {asset} in {place}",
            expected='an amount of at most 8 decimals as text, such as "1000.5"',
            found=str(text),
        )
    return amount


def _content(name: str) -> str:
    return Path(name).expanduser().read_text(encoding="utf-8")


def _secret(row: dict[str, Any], place: str) -> str:
    given = [name for name in _SECRETS if name in row]
    if len(given) != 1 or not isinstance(row[given[0]], str):
        raise ConfigurationError(
            f"Bad {place}",
            expected=f"one of {', '.join(_SECRETS)}",
            found=", ".join(given) or "none",
        )
    sources: dict[str, Callable[[str], str]] = {
        "secret": str,
        "secret_file": _content,
        "public_key_file": _content,
        "secret_env": lambda name: os.environ[name],
    }
    try:
        secret = sources[given[0]](row[given[0]]).strip()
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise ConfigurationError(
            f"The secret of {place} cannot be read",
            expected=f"{given[0]} that is there",
            found=f"{row[given[0]]}: {type(error).__name__}",
        ) from None
    if not secret:
        raise ConfigurationError(f"The secret of {place} is empty", expected="a secret")
    return secret

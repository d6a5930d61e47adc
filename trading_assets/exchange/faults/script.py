"""Faults from files: a script with market times, and rates that a seed draws from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.faults.armed import Rates
from trading_assets.exchange.faults.kinds import FOREVER, Family, Fault, fault_from

_ORDER = {"method": "POST", "path": "/api/v3/order"}
PROFILES: dict[str, dict[str, Any]] = {
    "light": {
        "delay": {"rate": 0.02, "after_ms": 150},
        "drop_reply": {"rate": 0.002},
        "status": {"rate": 0.002, "status": 503},
        "visible_after": {"rate": 0.01, "ms": 1_000},
        "ws_drop": {"rate": 0.0005},
    },
    "stormy": {
        "delay": {"rate": 0.1, "after_ms": 400},
        "drop_request": {"rate": 0.02},
        "drop_reply": {"rate": 0.02},
        "garbage_body": {"rate": 0.01},
        "reset_mid_body": {"rate": 0.01},
        "status": {"rate": 0.03, "status": 502, "when": "after"},
        "partial_fill": {"rate": 0.1, "quantity": "0.002"},
        "visible_after": {"rate": 0.1, "ms": 8_000},
        "ws_drop": {"rate": 0.005},
        "ws_gap": {"rate": 0.005, "messages": 3},
    },
    "lost_answers": {"drop_reply": {"rate": 0.2, "match": _ORDER}},
}
"""Rates by name, for those who want weather rather than numbers."""


def script_from(path: Path) -> tuple[Fault, ...]:
    """Read a script: a list of faults in YAML or JSON, or one JSON object a line (`.jsonl`).

    Raises:
        ConfigurationError: if the file cannot be read, or an entry is no fault; says which.
    """
    faults = []
    for number, wish in enumerate(_entries(path), start=1):
        try:
            faults.append(fault_from(wish))
        except ConfigurationError as error:
            raise ConfigurationError(
                f"Fault {number} of {path} cannot be read", found=str(error)
            ) from error
    return tuple(faults)


def _entries(path: Path) -> list[Any]:
    text = _text(path)
    if path.suffix == ".jsonl":
        return [_json(line, path) for line in text.splitlines() if line.strip()]
    entries = _yaml(text, path)
    if not isinstance(entries, list):
        raise ConfigurationError(
            f"{path} is not a script of faults",
            expected="a list of faults (YAML, JSON), or a JSON object a line (.jsonl)",
            found=type(entries).__name__,
        )
    return entries


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Cannot read {path}", found=str(error)) from error


def _json(line: str, path: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"{path} has a line that is no JSON", found=line[:80]) from error


def _yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is no YAML or JSON", found=str(error)) from error


def rates_from(wish: str, seed: int) -> Rates:
    """Read the chances of faults: a profile's name, or a file of kind -> rate.

    An entry is a number, or an object with `rate` and the settings and `match` of that kind.

    Raises:
        ConfigurationError: for an unknown profile, an unreadable file, a bad kind or rate.
    """
    table: Any = PROFILES.get(wish)
    if table is None:
        if not Path(wish).is_file():
            raise ConfigurationError(
                "No such fault rates",
                expected=f"a file, or a profile: {', '.join(PROFILES)}",
                found=wish,
            )
        table = _yaml(_text(Path(wish)), Path(wish))
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"{wish} has no fault rates",
            expected="kind: rate, such as drop_reply: 0.01",
            found=str(table)[:100],
        )
    return Rates(seed, tuple(_chance(kind, entry) for kind, entry in table.items()))


def _chance(kind: Any, entry: Any) -> tuple[float, Fault]:
    settings = dict(entry) if isinstance(entry, dict) else {"rate": entry}
    rate = settings.pop("rate", None)
    if type(rate) not in {int, float} or not 0 <= rate <= 1:
        raise ConfigurationError(
            f"Bad rate of {kind}", expected="a chance per request from 0 to 1", found=str(rate)
        )
    fault = fault_from({"kind": kind, **settings})
    if fault.kind.family is Family.STATE or fault.start or fault.until != FOREVER:
        raise ConfigurationError(
            f"{kind} cannot come by chance",
            expected="a fault of requests, orders or streams, without times",
            found=str(entry),
        )
    return float(rate), fault

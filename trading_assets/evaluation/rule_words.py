"""Rules of a decision in words: what was seen, what was wanted, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def value_text(value: Any) -> str:
    """Write a value, with what is in it: two decimals, yes or no, `-` for nothing."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_text(part)}" for name, part in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else str(value)


def rule_text(rule: Mapping[str, Any]) -> str:
    """Write a row of a decision as a sentence; decisions of schema 1 have no notes."""
    said = f" {rule['note']}" if rule.get("note") else ""
    seen, wanted = value_text(rule["value"]), value_text(rule["threshold"])
    return f"{rule['rule']}: {seen}, wanted {wanted}.{said}"

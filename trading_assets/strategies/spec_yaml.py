"""YAML of specs: read strictly, and refused in words that name file, key and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import SafeConstructor

from trading_assets.domain.errors import ConfigurationError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Each start of the graph reads every spec; libyaml, where PyYAML has it, is ten times as fast."""


def yaml_of(path: Path) -> dict[str, Any]:
    """Read the keys of a YAML file.

    Raises:
        ConfigurationError: if it cannot be read, or as `yaml_values`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read", found=str(error)) from None
    return yaml_values(text, str(path))


def is_portfolio(values: Mapping[str, Any]) -> bool:
    """Tell whether the keys of a spec are those of a portfolio."""
    return "members" in values


def yaml_values(text: str, where: str) -> dict[str, Any]:
    """Read the keys of a YAML text, each of which stands once.

    Raises:
        ConfigurationError: if it is no YAML, has no keys, or has one twice.
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
        _refuse_doubles(node, where)
        values = SafeConstructor().construct_document(node) if node else None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where} is not YAML", found=str(error)) from None
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"{where} is not a spec", expected="keys and values", found=type(values).__name__
        )
    return values


def _refuse_doubles(node: yaml.Node | None, where: str) -> None:
    """Refuse a key that stands twice: YAML would silently take the last."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_doubles(child, where)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            raise ConfigurationError(
                f"{where}: key stands twice",
                expected="each key once",
                found=f"{key.value} again in line {key.start_mark.line + 1}",
            )
        seen.add(key.value)
        _refuse_doubles(value, where)


def configuration_error(
    error: ValidationError, where: str, root: type[BaseModel]
) -> ConfigurationError:
    """Say in the words of the house what pydantic says of a spec whose model is `root`."""
    errors = error.errors(include_url=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    parts = [str(part) for part in first["loc"]]
    key = ".".join(parts)
    if first["type"] == "extra_forbidden":
        known = list(_section(parts[:-1], root).model_fields)
        close = difflib.get_close_matches(parts[-1], known, n=1)
        return ConfigurationError(
            f"{where}: unknown key {key}",
            expected=f"one of {', '.join(known)}",
            found=parts[-1],
            fix=f"Did you mean {close[0]}?" if close else "Remove the key.",
        )
    if first["type"] == "missing":
        return ConfigurationError(f"{where}: key {key} is missing", expected=f"a value for {key}")
    return ConfigurationError(
        f"{where}: {key or 'spec'}",
        expected=first["msg"].removeprefix("Value error, "),
        found=repr(first.get("input"))[:120],
    )


def _section(parts: list[str], root: type[BaseModel]) -> type[BaseModel]:
    section = root
    for part in parts:
        field = section.model_fields.get(part)
        kinds = [] if field is None else [field.annotation, *get_args(field.annotation)]
        found = [k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)]
        if not found:
            return section
        section = found[0]
    return section

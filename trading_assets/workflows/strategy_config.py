"""Parameters of strategies as people see them, and a changed one as a new spec: a candidate."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConfigurationError, ConflictError, DataError
from trading_assets.domain.ids import sha256_hex, tag_from_text
from trading_assets.settings import Settings
from trading_assets.storage.roots import LocalFolder
from trading_assets.strategies.spec import StrategySpec, parse_spec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.strategy_specs import (
    find_spec,
    list_portfolios,
    list_specs,
    own_folders,
)

KEY_LENGTH, VALUE_LENGTH = 50, 255
_VERSION = re.compile(r"_v([1-9]\d{0,3})\Z")
_NAME_LENGTH = 40
_REASON_LENGTH = 300

Scalar = bool | int | float | str
"""What a parameter can be changed to."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A spec that was written.

    Attributes:
        spec: its name, which is also its asset `backtest/<name>` once the graph is loaded again.
        version: its number among those of its kind.
        file: where it lies.
        changed: parameter to what it was and what it is.
        todo: what has to happen before anything trades it.
    """

    spec: str
    version: int
    file: Path
    changed: Mapping[str, tuple[Any, Any]]
    todo: str


def list_config(desk: Desk) -> list[dict[str, Any]]:
    """List every parameter of every spec of the desk, by name.

    Rows: `key` (`<spec>.<parameter>`, at most 50 characters: of a longer one the spec's name is cut
    and six characters of its hash tell it from others), `value` (text, at most 255 characters),
    `spec`, `version`, `params` (all of the spec, as values), `is_current` (no newer version of the
    spec is there) and `traded_by` (books whose release is this very spec).

    Raises:
        ConfigurationError: if a file of a spec is wrong.
    """
    specs = list_specs(desk.settings)
    newest: dict[str, int] = {}
    for name in specs:
        stem, version = split_name(name)
        newest[stem] = max(version, newest.get(stem, 0))
    books = _traded(desk)
    rows = []
    for name, spec in specs.items():
        stem, version = split_name(name)
        params = spec.all_params()
        rows += [
            {
                "key": _key(name, param),
                "value": _text(value)[:VALUE_LENGTH],
                "spec": name,
                "version": version,
                "params": params,
                "is_current": version == newest[stem],
                "traded_by": books.get(spec.spec_hash, []),
            }
            for param, value in params.items()
        ]
    return rows


def new_version(
    desk: Desk, name: str, params: Mapping[str, Scalar], *, reason: str, by: str
) -> NewVersion:
    """Write a spec that differs from another in parameters, under a name of its own.

    Nothing that trades changes: the new one is a candidate, which has to be run, and pass the gate.
    No file is ever written again; of two writers each gets a number of its own.

    Args:
        desk: gives the folder of the user's own specs: `specs_dir`, else `strategies_dir`.
        name: of the spec that is changed.
        params: parameter to new value; the others stay.
        reason: for people; stands in the description.
        by: who asks.

    Raises:
        ConfigurationError: if there is no such spec, or it is a portfolio.
        DataError: if a parameter is unknown or cannot have the value, or nothing would change.
        ConflictError: if others take every number meanwhile.
        StorageUnavailable: if the file cannot be written.
    """
    spec = find_spec(desk.settings, name)
    before = spec.all_params()
    unknown = sorted(params.keys() - before.keys())
    if unknown:
        raise DataError(
            f"Spec {name} has no parameter {unknown[0]!r:.60}",
            expected=f"one of {', '.join(before) or 'none'}",
            found=unknown[0][:60],
        )
    for param, value in params.items():
        _require_value(param, value, before[param])
    said = f"{spec.description} {reason.strip()} (by {by})".strip()[:_REASON_LENGTH]
    stem, _ = split_name(name)
    folder = LocalFolder(_folder(desk.settings))
    for number in _free_numbers(desk.settings, stem):
        changed = _changed(spec, _versioned(stem, number), dict(params), said)
        after = changed.all_params()
        differing = {p: (before[p], after[p]) for p in before if before[p] != after[p]}
        if not differing:
            raise DataError(
                "Nothing would change",
                expected=f"a value that {name} does not have",
                found=", ".join(f"{p}={_text(v)}" for p, v in params.items())[:120] or "nothing",
            )
        file = f"{changed.name}.yaml"
        text = f"# Made from {name} by the control API.\n{changed.canonical_yaml()}"
        if folder.create(file, text.encode()):
            todo = f"A candidate: `trading-assets backtest run {changed.name}`, then the gate."
            return NewVersion(changed.name, number, folder.path / file, differing, todo)
    raise ConflictError("Others have written all these versions", expected="a free number")


def _require_value(param: str, value: Scalar, before: Any) -> None:
    """Refuse what a strategy might take for something else: `true` for 1, no number, a novel."""
    is_odd = isinstance(value, bool) and not isinstance(before, bool)
    is_endless = isinstance(value, float) and not math.isfinite(value)
    if is_odd or is_endless or len(_text(value)) > VALUE_LENGTH:
        raise DataError(
            f"{param} cannot be that",
            expected=f"a value such as {_text(before)}, of at most {VALUE_LENGTH} characters",
            found=_text(value)[:60],
        )


def split_name(name: str) -> tuple[str, int]:
    """Split `ema_trend_v2` into `ema_trend` and 2; a name without a number is the first."""
    match = _VERSION.search(name)
    return (name[: match.start()], int(match[1])) if match else (name, 1)


def _changed(
    spec: StrategySpec, name: str, params: dict[str, Any], description: str
) -> StrategySpec:
    """Give the spec as its file will say it, read back by the rules of all specs.

    Raises:
        DataError: if the strategy refuses a value.
    """
    values = {"name": name, "description": description, "params": spec.all_params() | params}
    try:
        changed = spec.model_copy(update=values)
        return parse_spec(changed.canonical_yaml(), where=f"{name}.yaml")
    except ConfigurationError as error:
        raise DataError(
            error.what, expected=error.expected, found=error.found, fix=error.fix
        ) from error


def _versioned(stem: str, number: int) -> str:
    """Name a version; a long stem is cut, and stays told from others by its hash."""
    tail = f"_v{number}"
    if len(stem) + len(tail) > _NAME_LENGTH:
        tail = f"_{sha256_hex(stem.encode())[:6]}{tail}"
    return tag_from_text(stem[: _NAME_LENGTH - len(tail)] + tail)


def _free_numbers(settings: Settings, stem: str) -> range:
    """Give the numbers after the highest that any spec or file of the desk has."""
    names = {*list_specs(settings), *list_portfolios(settings)}
    folders = [folder for folder in own_folders(settings) if folder.is_dir()]
    names |= {path.stem for folder in folders for path in folder.glob("*.y*ml")}
    taken = [number for n in names for of, number in (split_name(n),) if of == stem]
    highest = max(taken, default=1)
    return range(highest + 1, highest + 20)


def _folder(settings: Settings) -> Path:
    return settings.specs_dir or settings.strategies_dir


def _traded(desk: Desk) -> dict[str, list[str]]:
    """Give the books that trade a spec, by its hash."""
    found: dict[str, list[str]] = {}
    for book in sorted(desk.settings.books):
        release = desk.releases.current(desk.settings.books[book].trades or book)
        if release is not None:
            found.setdefault(str(release.facts["spec_hash"]), []).append(book)
    return found


def _key(spec: str, param: str) -> str:
    key = f"{spec}.{param}"
    if len(key) <= KEY_LENGTH:
        return key
    tail = f"~{sha256_hex(spec.encode())[:6]}.{param}"
    return f"{spec[: max(1, KEY_LENGTH - len(tail))]}{tail}"[-KEY_LENGTH:]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)

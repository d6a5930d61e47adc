"""Events as canonical text: what a journal row says, readable and exact in both directions."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import Enum
from operator import itemgetter
from typing import Any

from pydantic_core import from_json

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.events import Event
from trading_assets.domain.ids import canonical_json

_Convert = Callable[[Any], Any]


def encode(event: Event) -> tuple[str, bytes]:
    """Give kind and body of an event; equal events give equal bytes.

    Decimals and enumerations are text, NaN is null, infinities are `"inf"` and `"-inf"`; every
    float keeps its bits.
    """
    kind = type(event).__name__
    return kind, canonical_json(_KINDS[kind][0](event))


def decode(kind: str, body: bytes) -> Event:
    """Read an event back.

    Raises:
        CorruptFile: if the kind or a field is unknown, or a value is not of its type.
    """
    if kind not in _KINDS:
        raise CorruptFile(
            "A journal row is of an unknown kind",
            expected=f"one of {', '.join(sorted(_KINDS))}",
            found=kind,
            fix="It was written by a newer version; start that version.",
        )
    try:
        return typing.cast(Event, _KINDS[kind][1](from_json(body)))
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise CorruptFile(
            f"A journal row of kind {kind} cannot be read",
            expected="its fields, each of its type",
            found=f"{body[:200]!r} ({error})",
        ) from error


def _converters(hint: Any) -> tuple[_Convert, _Convert]:
    """Give the pair (to JSON, from JSON) for one type of the vocabulary."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        write, read = _converters(typing.get_args(hint)[0])
        return (lambda v: [write(item) for item in v]), (lambda v: tuple(read(i) for i in v))
    if origin in (typing.Union, types.UnionType):
        inner = next(item for item in typing.get_args(hint) if item is not types.NoneType)
        write, read = _converters(inner)
        return (lambda v: None if v is None else write(v)), (
            lambda v: None if v is None else read(v)
        )
    hint = getattr(hint, "__supertype__", hint)  # NewType
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast(type[Any], hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda v: v.name), {each.name: each for each in hint}.__getitem__
    return _PLAIN[hint]


def _unless_none(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)


def _record(cls: type[Any]) -> tuple[_Convert, _Convert]:
    hints = typing.get_type_hints(cls)
    fields = {field.name: _converters(hints[field.name]) for field in dataclasses.fields(cls)}

    def write(value: Any) -> dict[str, Any]:
        return {name: pair[0](getattr(value, name)) for name, pair in fields.items()}

    return write, _reader(cls, {name: read for name, (_, read) in fields.items()})


def _reader(cls: type[Any], reads: dict[str, _Convert]) -> _Convert:
    """Give what reads a record; all plain fields of one are looked at in a single step.

    A start without a snapshot reads each row of a journal.
    """
    kinds = {name: _EXACT[read] for name, read in reads.items() if read in _EXACT}
    names, count = tuple(reads), len(reads)
    others = [(at, reads[name]) for at, name in enumerate(names) if name not in kinds]
    places = tuple(at for at, name in enumerate(names) if name in kinds)
    plain, expected = _picker(places), list(kinds.values())
    values_of = _picker(names)

    def read_by_name(value: dict[str, Any]) -> Any:
        return cls(**{name: reads[name](item) for name, item in value.items()})

    def read(value: dict[str, Any]) -> Any:
        try:
            values = list(values_of(value))
        except KeyError:  # of an older version, which did not have each field
            return read_by_name(value)
        if len(value) != count or list(map(type, plain(values))) != expected:
            return read_by_name(value)  # says what is wrong
        for at, convert in others:
            values[at] = convert(values[at])
        return cls(*values)

    return read


def _picker(keys: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda value: tuple(value[key] for key in keys)


def _float_to_json(value: float) -> float | str | None:
    number = float(value)
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else str(number)


def _float_from_json(value: float | str | None) -> float:
    return math.nan if value is None else float(value)


def _exactly(kind: type[Any]) -> _Convert:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, found {value!r}")
        return value

    return read


_TEXT, _WHOLE, _TRUTH = _exactly(str), _exactly(int), _exactly(bool)
_EXACT: dict[_Convert, type[Any]] = {_TEXT: str, _WHOLE: int, _TRUTH: bool}
_PLAIN: dict[Any, tuple[_Convert, _Convert]] = {
    float: (_float_to_json, _float_from_json),
    Decimal: (str, lambda value: Decimal(_TEXT(value))),
    int: (int, _WHOLE),
    bool: (bool, _TRUTH),
    str: (str, _TEXT),
}
_KINDS: dict[str, tuple[_Convert, _Convert]] = {
    kind.__name__: _converters(kind) for kind in typing.get_args(Event)
}

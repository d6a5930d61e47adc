"""Events as canonical text: what a journal row says, readable and exact in both directions."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.events import Event
from trading_assets.domain.ids import canonical_json

_Write = Callable[[Any], Any]


def encode(event: Event) -> tuple[str, bytes]:
    """Give kind and body of an event; equal events give equal bytes.

    Decimals and enumerations are text, NaN is null, infinities are `"inf"` and `"-inf"`; every
    float keeps its bits.
    """
    kind = type(event).__name__
    return kind, canonical_json(_WRITE[kind](event))


def decode(kind: str, body: bytes) -> Event:
    """Read an event back.

    Raises:
        CorruptFile: if the kind or a field is unknown, or a value is not of its type.
    """
    read = _READ.get(kind)
    if read is None:
        raise CorruptFile(
            "A journal row is of an unknown kind",
            expected=f"one of {', '.join(sorted(_READ))}",
            found=kind,
            fix="It was written by a newer version; start that version.",
        )
    try:
        return read(body)
    except (ValueError, KeyError, InvalidOperation) as error:
        raise CorruptFile(
            f"A journal row of kind {kind} cannot be read",
            expected="its fields, each of its type",
            found=f"{body[:200]!r} ({_said(error)})",
        ) from error


def _said(error: Exception) -> str:
    """Give what is wrong, in a line."""
    if not isinstance(error, ValidationError):
        return repr(error)
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)


def _forms(hint: Any) -> tuple[_Write, CoreSchema]:
    """Give how one type of the vocabulary becomes JSON, and what its JSON must be."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        write, schema = _forms(typing.get_args(hint)[0])
        items = core_schema.tuple_schema([schema], variadic_item_index=0)
        return (lambda values: [write(item) for item in values]), items
    if origin in (typing.Union, types.UnionType):
        inner = next(item for item in typing.get_args(hint) if item is not types.NoneType)
        write, schema = _forms(inner)
        nullable = core_schema.nullable_schema(schema)
        return (lambda value: None if value is None else write(value)), nullable
    hint = getattr(hint, "__supertype__", hint)  # NewType
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast(type[Any], hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda value: value.name), _then(
            {each.name: each for each in hint}.__getitem__, _TEXT
        )
    return _PLAIN[hint]


def _record(cls: type[Any]) -> tuple[_Write, CoreSchema]:
    """Give the forms of a record; those with a default may be missing, of an older version."""
    hints = typing.get_type_hints(cls)
    forms = {field.name: _forms(hints[field.name]) for field in dataclasses.fields(cls)}
    fields = []
    for field in dataclasses.fields(cls):
        schema = forms[field.name][1]
        if field.default is not dataclasses.MISSING:
            schema = core_schema.with_default_schema(schema, default=field.default)
        elif field.default_factory is not dataclasses.MISSING:
            schema = core_schema.with_default_schema(schema, default_factory=field.default_factory)
        fields.append(core_schema.dataclass_field(field.name, schema))

    def write(value: Any) -> dict[str, Any]:
        return {name: each[0](getattr(value, name)) for name, each in forms.items()}

    arguments = core_schema.dataclass_args_schema(cls.__name__, fields, extra_behavior="forbid")
    return write, core_schema.dataclass_schema(
        cls, arguments, list(forms), slots=True, post_init=hasattr(cls, "__post_init__")
    )


def _float_to_json(value: float) -> float | str | None:
    number = float(value)
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else str(number)


_then = core_schema.no_info_after_validator_function
_TEXT = core_schema.str_schema(strict=True)
_FLOAT = core_schema.union_schema(
    [core_schema.float_schema(), _then(lambda _: math.nan, core_schema.none_schema())],
    mode="left_to_right",
)
_PLAIN: dict[Any, tuple[_Write, CoreSchema]] = {
    float: (_float_to_json, _FLOAT),
    Decimal: (str, _then(Decimal, _TEXT)),
    int: (int, core_schema.int_schema(strict=True)),
    bool: (bool, core_schema.bool_schema(strict=True)),
    str: (str, _TEXT),
}
_RECORDS = {kind.__name__: _record(kind) for kind in typing.get_args(Event)}
_WRITE = {kind: write for kind, (write, _) in _RECORDS.items()}
_READ: dict[str, Callable[[bytes], Event]] = {
    kind: SchemaValidator(schema).validate_json for kind, (_, schema) in _RECORDS.items()
}

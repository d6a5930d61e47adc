"""How the trading machine is compiled: the decorators, so that their options stand in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit, types

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_SCALARS = {"int": types.int64, int: types.int64, "float": types.float64, float: types.float64}

_ROOMS = ("domain", "records", "portfolio", "risk", "engine")


def _source_hash() -> str:
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((package / room).glob("*.py")):
            digest.update(f"{room}/{path.name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


ENGINE_VERSION = _source_hash()
"""SHA-256 of the source of every room that takes part in a compiled step."""


def compiled(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Compile a part of the machine, to be called by compiled code only."""
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def inlined(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Compile a part that every bar passes through: its call alone would cost as much as it."""
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


def spliced(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Copy a part into its one caller before compiling: it stands apart for reading only.

    Each level of calls is optimised with everything below it, again and again; without these
    levels the machine compiles in two thirds of the time.
    """
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, inline="always")


def entry(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Compile a function that Python calls."""
    return _compile(function)


def chosen(function: Callable[..., _Result], arguments: Sequence[object]) -> Callable[..., _Result]:
    """Give the machine code of an entry for arguments of these types, past numba's own choice.

    Numba looks at every argument of every call: 17 us for the arrays of the machine, of which the
    call itself takes half of one. The code that is given trusts that arrays are of the same types
    as those that it was chosen by; numbers become what the entry's annotations say.
    """
    dispatcher = cast("Any", function)
    names = dispatcher.py_func.__annotations__.values()
    kinds = tuple(
        _SCALARS.get(name) or dispatcher.typeof_pyval(argument)
        for name, argument in zip(names, arguments, strict=False)  # the result's comes last
    )
    dispatcher.compile(kinds)
    return cast("Callable[..., _Result]", dispatcher.overloads[kinds].entry_point)


def _compile(
    function: Callable[_Parameters, _Result], **options: bool | str
) -> Callable[_Parameters, _Result]:
    """Compile with what all parts share.

    - `_nrt=False`: nothing is allocated inside, and reference counts around inner calls would
      cost 3 to 4 times the run time. A test counts them in the compiled code.
    - `error_model="numpy"`: no exception can leave a step half done.
    - No fastmath: a loop, a single step and a restored run must give the same bits.
    - `cache=True`, keyed by `ENGINE_VERSION`: by itself numba looks at one source file only, and
      would run yesterday's machine after a change in a file that this one calls.
    """
    dispatcher = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, **options)(function)
    dispatcher._cache._cache_file._source_stamp = ENGINE_VERSION  # noqa: SLF001
    resolve = dispatcher.get_call_template

    def resolve_plain(arguments: tuple[types.Type, ...], named: dict[str, types.Type]) -> object:
        """Take constants as plain integers: numba compiles one copy per constant otherwise."""
        plain = {name: types.unliteral(kind) for name, kind in named.items()}
        return resolve(tuple(types.unliteral(kind) for kind in arguments), plain)

    dispatcher.get_call_template = resolve_plain
    return cast("Callable[_Parameters, _Result]", dispatcher)

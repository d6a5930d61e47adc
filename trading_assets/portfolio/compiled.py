"""How the trading machine is compiled: the decorators, so that their options stand in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from numba import njit, types

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

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

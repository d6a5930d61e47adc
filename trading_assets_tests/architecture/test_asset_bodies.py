"""Assets are thin: a body calls a workflow, and anything longer belongs into one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trading_assets.defs.assets

LONGEST = 25
FOLDER = Path(trading_assets.defs.assets.__file__).parent
DECORATORS = {
    "asset",
    "multi_asset",
    "asset_check",
    "multi_asset_check",
    "monthly_table",
    "_table",
    "op",
}


def decorated(module: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and any(map(is_definition, node.decorator_list)):
            yield node


def is_definition(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in DECORATORS


def body_lines(function: ast.FunctionDef) -> int:
    """Count the lines of the body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


BODIES = [
    pytest.param(function, id=f"{path.stem}.{function.name}")
    for path in sorted(FOLDER.glob("*.py"))
    for function in decorated(ast.parse(path.read_text()))
]


def test_the_search_finds_the_assets() -> None:
    assert len(BODIES) >= 15


@pytest.mark.parametrize("function", BODIES)
def test_an_asset_body_is_at_most_25_lines(function: ast.FunctionDef) -> None:
    assert body_lines(function) <= LONGEST


@pytest.mark.parametrize("function", BODIES)
def test_a_body_calls_at_most_one_use_case(function: ast.FunctionDef) -> None:
    imported = [
        name.name
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("trading_assets.work")
        for name in node.names
    ]
    assert len(imported) <= 1

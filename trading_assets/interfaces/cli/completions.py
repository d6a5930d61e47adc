"""What a shell can complete: names from settings and stores, and nothing where they are unreadable.

A shell shows what these print while somebody types, so that an error has no place there; the
command itself names it a moment later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.interfaces.cli.desk_settings import load_settings

if TYPE_CHECKING:
    from trading_assets.settings import Settings

_RUN_DIGITS = 12


def symbol_names(incomplete: str) -> list[str]:
    """Give the symbols of the settings that begin so."""
    return _beginning(incomplete, lambda settings: settings.symbols)


def book_names(incomplete: str) -> list[str]:
    """Give the books of the settings that begin so."""
    return _beginning(incomplete, lambda settings: settings.books)


def spec_names(incomplete: str) -> list[str]:
    """Give the specs and portfolios of the desk that begin so."""

    def names(settings: Settings) -> Iterable[str]:
        from trading_assets.workflows.strategy_specs import list_portfolios, list_specs

        return [*list_specs(settings), *list_portfolios(settings)]

    return _beginning(incomplete, names)


def run_names(incomplete: str) -> list[str]:
    """Give specs that have run, and after `<spec>/` the beginnings of the ids of their runs."""
    spec, slash, _ = incomplete.partition("/")

    def names(settings: Settings) -> Iterable[str]:
        root = settings.data_root / "runs"
        found = [path for path in root.iterdir() if path.is_dir()]
        if not slash:
            return [path.name for path in found]
        runs = (run for path in found if path.name == spec for run in path.iterdir())
        return [f"{spec}/{run.name[:_RUN_DIGITS]}" for run in runs if run.is_dir()]

    return _beginning(incomplete, names)


def _beginning(incomplete: str, names: Callable[[Settings], Iterable[str]]) -> list[str]:
    try:
        found = sorted(set(names(load_settings().settings)))
    except (TradingAssetsError, OSError):
        return []
    return [name for name in found if name.startswith(incomplete)]


SymbolName = Annotated[str, typer.Argument(autocompletion=symbol_names)]
BookName = Annotated[
    str,
    typer.Option("--book", autocompletion=book_names, help="Name of the book in the settings."),
]

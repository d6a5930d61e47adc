"""Commands whose module is loaded when they are asked for, and not to list them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from trading_assets.interfaces.cli.command_table import COMMANDS


class Listed(TyperCommand):
    """A command as a list shows it: its name and the first paragraph of its help."""

    def __init__(self, name: str, module: str, help_text: str) -> None:
        super().__init__(name, help=help_text)
        self._module = module

    def load(self) -> Any:
        """Give the command itself; a module has one group of that name, or commands of their own.

        Raises:
            ImportError: if its module cannot be loaded.
        """
        module = import_module(f"trading_assets.interfaces.cli.{self._module}")
        group: Any = get_group(module.app)
        found = group.commands.get(self.name, group)
        found.name = self.name
        return found


class LazyGroup(TyperGroup):
    """The root: what it lists and completes is in `command_table`, what it runs is loaded."""

    def __init__(self, *, commands: Mapping[str, Any] | None = None, **attributes: Any) -> None:
        listed = {name: Listed(name, *where) for name, where in COMMANDS.items()}
        super().__init__(commands={**listed, **(commands or {})}, **attributes)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Give name, command and what is left of the words; the command is loaded."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Listed) else command, rest

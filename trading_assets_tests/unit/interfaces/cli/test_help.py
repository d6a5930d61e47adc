"""What the command line says of itself: examples that work, and fixes that name what exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import trading_assets
from trading_assets.interfaces.cli import main
from trading_assets.interfaces.cli.command_table import COMMANDS
from trading_assets.interfaces.cli.lazy import Listed

ROOT = typer.main.get_command(main.app)
_NAMED = re.compile(r"trading-assets((?: [a-z][a-z0-9-]*)+)")


def loaded(command: Any) -> Any:
    """Give a command itself, where the root only lists it."""
    return command.load() if isinstance(command, Listed) else command


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """Follow the words from the root as far as they name commands, and give the rest."""
    found: Any = ROOT
    rest = list(words)
    while rest and hasattr(found, "commands"):
        if rest[0] not in found.commands:
            break
        found = loaded(found.commands[rest.pop(0)])
    return found, rest


def leaves(command: Any, words: str = "") -> Iterator[tuple[str, Any]]:
    """Walk all commands that do something, each with the words that name it."""
    for name, each in getattr(command, "commands", {}).items():
        found = loaded(each)
        path = f"{words} {name}".strip()
        if hasattr(found, "commands"):
            yield from leaves(found, path)
        else:
            yield path, found


LEAVES = dict(leaves(ROOT))


def test_the_walk_finds_the_commands() -> None:
    assert {"version", "halt", "data quality", "exchange fault arm"} <= set(LEAVES)
    assert len(LEAVES) > 100


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_shows_an_example_that_it_accepts(words: str) -> None:
    command = LEAVES[words]
    text = " ".join((command.help or "").split())
    found = re.search(rf"Example: trading-assets {words}(?: (.*))?$", text)
    assert found is not None, text
    command.make_context(words, shlex.split((found[1] or "").partition("> ")[0]))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_root_lists_a_command_as_it_presents_itself(name: str) -> None:
    said = (loaded(ROOT.commands[name]).help or "").split("\n\n")[0]
    assert ROOT.commands[name].help == " ".join(said.split())


def test_every_module_of_commands_is_offered() -> None:
    offered = {module for module, _ in COMMANDS.values()}
    folder = Path(main.__file__).parent
    own = {path.stem for path in folder.glob("*.py") if "\napp = typer.Typer(" in path.read_text()}
    assert own - {"main"} == offered


SOURCES = sorted(Path(trading_assets.__file__).parent.rglob("*.py"))
SAID = sorted(
    {
        words
        for path in SOURCES
        for words in _NAMED.findall(re.sub(r'"\s*f?"', "", path.read_text(encoding="utf-8")))
    }
)


def test_the_search_finds_what_messages_name() -> None:
    assert " data verify" in SAID


@pytest.mark.parametrize("words", SAID)
def test_a_command_that_a_message_names_exists(words: str) -> None:
    command, rest = command_of(words.split())
    assert command is not ROOT, words
    assert not hasattr(command, "commands") or not rest, f"{rest[0]} is no command of {words}"

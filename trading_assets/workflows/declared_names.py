"""What a person names, among what this desk has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from trading_assets.domain.errors import ConfigurationError

_T = TypeVar("_T")


def declared_as(name: str, among: Mapping[str, _T], kind: str, *, fix: str) -> _T:
    """Give the one of that name.

    Args:
        name: as somebody wrote it.
        among: all that there are, by name.
        kind: what they are, for the message.
        fix: where they are listed.

    Raises:
        ConfigurationError: if there is none of that name.
    """
    if name not in among:
        raise ConfigurationError(
            f"No such {kind}",
            expected=f"one of {', '.join(among)}",
            found=repr(name)[:80],
            fix=fix,
        )
    return among[name]

"""Bearer tokens of the control endpoint: two files that only their owner can read."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from trading_assets.domain.errors import ConfigurationError

_BYTES = 32


class Scope(IntEnum):
    """What a token allows; each includes the ones below it."""

    NOTHING = 0
    HALT = 1  # pause and halt: what can only stop
    CONTROL = 2  # also flatten, cancel, tighten and resume


@dataclass(frozen=True, slots=True)
class Tokens:
    """Both tokens; never shown by `repr`."""

    halt: str = field(repr=False)
    control: str = field(repr=False)

    def scope(self, presented: str) -> Scope:
        """Give what a token allows, in a time that does not depend on its text."""
        found = presented.encode(errors="replace")
        is_control = hmac.compare_digest(found, self.control.encode())
        is_halt = hmac.compare_digest(found, self.halt.encode())
        if is_control:
            return Scope.CONTROL
        return Scope.HALT if is_halt else Scope.NOTHING


def load_tokens(folder: Path) -> Tokens:
    """Read `halt.token` and `control.token`; what is missing is made, 256 bits each.

    Raises:
        ConfigurationError: if others than the owner can read one, or it is too short.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return Tokens(_load(folder / "halt.token"), _load(folder / "control.token"))


def _load(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return _read(path)


def _read(path: Path) -> str:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(
            f"Others can read the token {path}",
            expected="mode 0600",
            found=f"{mode:04o}",
            fix="Delete the file; a new token is made at the next start.",
        )
    token = path.read_text().strip()
    if len(token) < _BYTES:
        raise ConfigurationError(
            f"No token in {path}",
            expected=f"at least {_BYTES} characters",
            found=str(len(token)),
            fix="Delete the file; a new token is made at the next start.",
        )
    return token

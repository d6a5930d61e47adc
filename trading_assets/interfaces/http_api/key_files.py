"""Keys of the control API: a file per scope that only its owner can read."""

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

    READ = 1  # look at everything
    TRADE = 2  # also whatever stops or tightens
    ADMIN = 3  # also resume, approve, arm, and new configurations

    @classmethod
    def named(cls, name: str) -> Scope:
        """Read the name of a scope.

        Raises:
            ConfigurationError: if there is none of this name.
        """
        try:
            return cls[name.upper()]
        except KeyError:
            raise ConfigurationError(
                "No such scope", expected="read, trade or admin", found=name[:20]
            ) from None

    @property
    def text(self) -> str:
        """Its name in tokens and files."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Keys:
    """All of them; never shown by `repr`.

    Attributes:
        of: key -> scope.
        signing: signs access tokens.
        arm: is repeated by whoever allows a book to trade real money; no token stands for it.
    """

    of: dict[str, Scope] = field(repr=False)
    signing: bytes = field(repr=False)
    arm: str = field(repr=False)

    def scope(self, presented: str) -> Scope | None:
        """Give what a key allows, in a time that does not depend on its text."""
        text = presented.encode(errors="replace")
        found = None
        for key, scope in self.of.items():
            if hmac.compare_digest(text, key.encode()):
                found = scope
        return found


def load_keys(folder: Path) -> Keys:
    """Read the keys of all scopes, `arm.key` and `signing.key`; 256 bits each, made once.

    Raises:
        ConfigurationError: if others than the owner can read one, or it is too short.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = {_load(key_path(folder, scope)): scope for scope in Scope}
    return Keys(keys, _load(folder / "signing.key").encode(), _load(folder / "arm.key"))


def key_path(folder: Path, scope: Scope) -> Path:
    """Give where the key of a scope lies."""
    return folder / f"{scope.text}.key"


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
            f"Others can read the key {path}",
            expected="mode 0600",
            found=f"{mode:04o}",
            fix="Delete the file; a new key is made at the next start.",
        )
    key = path.read_text().strip()
    if len(key) < _BYTES:
        raise ConfigurationError(
            f"No key in {path}",
            expected=f"at least {_BYTES} characters",
            found=str(len(key)),
            fix="Delete the file; a new key is made at the next start.",
        )
    return key

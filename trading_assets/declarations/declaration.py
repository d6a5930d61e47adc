"""What every declaration of a user has in common: frozen, and no key but its own."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Declaration(BaseModel):
    """One table of the settings that a person writes: a section, a source, an instrument."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

"""What is worked out of a setup once, for all machines of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from trading_assets.domain.instrument import units_from_decimal
from trading_assets.domain.setup import AnySetup
from trading_assets.records.arrays import Records
from trading_assets.records.memory import memory_dtype
from trading_assets.records.state import State, blank_state, opening_state
from trading_assets.records.terms import Terms, setup_hash, terms_from_setup


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is worked out of a setup once, for all machines of it.

    Attributes:
        setup_hash: identity of the setup, which snapshots carry.
        memory_dtype: layout of what asked strategies remember, None without any.
        opening: the record before the first bar.
    """

    terms: Terms
    setup_hash: str
    memory_dtype: np.dtype[np.void] | None
    opening: Records

    @classmethod
    def of(cls, setup: AnySetup) -> Self:
        """Convert a setup.

        Raises:
            ConfigurationError: if its parts do not fit each other.
        """
        terms = terms_from_setup(setup)
        memory = memory_dtype(setup)
        opening = opening_state(terms, units_from_decimal(setup.account.cash), memory)
        return cls(terms, setup_hash(setup, terms), memory, opening.record)

    def opening_state(self) -> State:
        """Make the state before the first bar."""
        state = blank_state(len(self.terms.grids), self.memory_dtype)
        state.record[:] = self.opening
        return state

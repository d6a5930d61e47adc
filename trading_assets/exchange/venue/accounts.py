"""Accounts: free and locked balances in whole 1e-8 units; money only ever moves.

House accounts make every movement two-sided: `@market` is the other side of all trades, `@fees`
collects commissions, and `@outside` is where later deposits come from and withdrawals go. The sum
over all accounts of an asset is therefore a constant, which `total` lets a judge check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trading_assets.domain.errors import InvariantError

UNITS = 100_000_000
"""Units of one whole asset."""
MARKET = "@market"
FEES = "@fees"
OUTSIDE = "@outside"
HOUSE = (MARKET, FEES, OUTSIDE)


@dataclass(slots=True)
class Holding:
    """One asset of one account, in 1e-8 units; only the house may be below zero."""

    free: int = 0
    locked: int = 0


class Accounts:
    """All balances of the venue."""

    def __init__(self) -> None:
        self._holdings: dict[tuple[str, str], Holding] = {}
        self.changed: set[tuple[str, str]] = set()
        """(account, asset) pairs that changed since the recorder last cleared the set."""
        self._moved: dict[str, set[str]] = {}

    def open(self, account: str, deposits: Mapping[str, int]) -> None:
        """Create an account with its first deposits, in 1e-8 units."""
        for asset, units in deposits.items():
            self.holding(account, asset).free += units
            self.changed.add((account, asset))

    def restore(self, account: str, asset: str, free: int, locked: int) -> None:
        """Set a balance as a ledger recorded it."""
        self._holdings[account, asset] = Holding(free, locked)

    def holding(self, account: str, asset: str) -> Holding:
        """Give the balance of one asset, creating an empty one."""
        return self._holdings.setdefault((account, asset), Holding())

    def assets(self, account: str) -> Iterator[tuple[str, Holding]]:
        """Yield (asset, balance) of one account in order of asset."""
        for (owner, asset), holding in sorted(self._holdings.items()):
            if owner == account:
                yield asset, holding

    def rows(self) -> list[tuple[str, str, int, int]]:
        """List (account, asset, free, locked) of everyone, the house included."""
        return [(a, b, h.free, h.locked) for (a, b), h in sorted(self._holdings.items())]

    def total(self, asset: str) -> int:
        """Give the sum of an asset over all accounts, the house included: a constant."""
        return sum(h.free + h.locked for (_, name), h in self._holdings.items() if name == asset)

    def take_moved(self) -> list[tuple[str, tuple[tuple[str, int, int], ...]]]:
        """Give (account, ((asset, free, locked), ...)) of what moved since the last call.

        Accounts in the order in which they first moved, assets by name; not the house.
        """
        moved, self._moved = self._moved, {}
        return [
            (
                account,
                tuple(
                    (asset, holding.free, holding.locked)
                    for asset in sorted(assets)
                    for holding in (self._holdings[account, asset],)
                ),
            )
            for account, assets in moved.items()
        ]

    def lock(self, account: str, asset: str, units: int) -> None:
        """Move units from free to locked."""
        self._change(account, asset, -units, units)

    def unlock(self, account: str, asset: str, units: int) -> None:
        """Move units from locked to free."""
        self._change(account, asset, units, -units)

    def pay(self, account: str, asset: str, units: int, to: str, *, locked: bool = False) -> None:
        """Move units to another account, from the free or the locked part."""
        self._change(account, asset, 0 if locked else -units, -units if locked else 0)
        self._change(to, asset, units, 0)

    def _change(self, account: str, asset: str, free: int, locked: int) -> None:
        holding = self.holding(account, asset)
        holding.free += free
        holding.locked += locked
        self.changed.add((account, asset))
        if account in HOUSE:
            return
        self._moved.setdefault(account, set()).add(asset)
        if holding.free < 0 or holding.locked < 0:
            raise InvariantError(
                f"The exchange overdrew {asset} of account {account}",
                expected="free and locked balances of 0 or more",
                found=f"free {holding.free}, locked {holding.locked} (1e-8 units)",
            )

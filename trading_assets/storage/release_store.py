"""Releases: the immutable bundle that a book trades, and the ledger of what it traded before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConflictError, CorruptFile, MissingPartition
from trading_assets.domain.ids import (
    canonical_json,
    content_hash,
    symbol_from_text,
    tag_from_text,
)
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderType
from trading_assets.storage import folders, pointers
from trading_assets.storage.decision_store import DecisionStore
from trading_assets.strategies.portfolio_spec import AnySpec, parse_any
from trading_assets.strategies.spec import StrategySpec
from trading_assets.strategies.spec_sections import CostsSpec

RELEASE, SPEC, DECISION = "release.json", "spec.yaml", "decision.json"
_LEDGER = "release"


@dataclass(frozen=True, slots=True)
class Release:
    """Everything that an executor needs, pinned; made by `ReleaseStore` after proving every byte.

    Attributes:
        release_id: first 16 hex characters of the SHA-256 of `facts`.
        facts: spec and model hashes, feature set, instruments, order types, inputs, decision.
        spec: what is traded; its name is the tag of the orders, or its members' names are.
        instruments: grids as they were when the release was published, in the spec's order.
    """

    release_id: str
    book: str
    folder: Path
    facts: Mapping[str, Any]
    spec: AnySpec
    instruments: tuple[Instrument, ...]

    @property
    def decision_id(self) -> str:
        """Decision that promoted it."""
        return str(self.facts["decision_id"])

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Order types that the book's venue must have."""
        return frozenset(OrderType[name] for name in self.facts["order_types"])

    @property
    def models(self) -> Mapping[str, Mapping[str, Any]]:
        """Pinned models by horizon: `model_id`, `month`, and names of files in this folder."""
        found: Mapping[str, Mapping[str, Any]] = self.facts["models"]
        return found

    @property
    def regimes(self) -> Mapping[str, Mapping[str, str]]:
        """Pinned parameters of regimes by symbol: `month`, `version`, `sha256`, `document`."""
        found: Mapping[str, Mapping[str, str]] = self.facts.get("regimes", {})
        return found

    def file(self, name: str) -> bytes:
        """Read one of its files, proven.

        Raises:
            CorruptFile: if it is missing or altered.
        """
        return folders.read_file(self.folder, name)


class ReleaseStore:
    """Releases under `<root>/<book>/<release_id>/`; `release-<n>.json` names the current one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def decisions(self) -> DecisionStore:
        """Decisions of the same books."""
        return DecisionStore(self.root)

    def publish(
        self,
        book: str,
        facts: Mapping[str, Any],
        files: Mapping[str, bytes],
        *,
        after: str | None,
    ) -> tuple[Release, bool]:
        """Publish a release and make it the current one of its book.

        A decision leads to one release: publishing it again gives that one back, and never makes
        an older release current again.

        Args:
            book: name of the book.
            facts: plain values, with `decision_id`, `order_types`, `models`, `instruments`.
            files: `spec.yaml`, `decision.json` and the files that are pinned.
            after: release that the decision has seen as current; None for none.

        Returns:
            The release of this decision, and whether it is new.

        Raises:
            ConflictError: if the book has another current release than `after`.
        """
        folder = self._folder(book)
        published = self.by_decision(book, facts["decision_id"])
        if published is not None:
            return published, False
        number = max((n for n, _ in self._ledger(book)), default=0)
        release_id = content_hash(facts)[:16]
        bundle = {**files, RELEASE: canonical_json(facts)}
        if not folders.publish_folder(folder / release_id, bundle):
            folders.verify_folder(folder / release_id)
        entry = {
            "release_id": release_id,
            "decision_id": facts["decision_id"],
            "previous": after,
        }
        current = self._current_id(book)
        if current != after:
            raise ConflictError(
                f"Book {book} has got another release since the decision was made",
                expected=f"release {after or 'none'}",
                found=str(current),
                fix="Nothing was published. Decide again.",
            )
        pointers.publish_exclusive(folder, _LEDGER, pointers.sealed(entry), after=number)
        return self._load(book, release_id), True

    def roll_back(self, book: str, *, reason: str, by: str) -> Release:
        """Make the release before the current one current again, by a new entry of the ledger.

        Args:
            book: name of the book.
            reason: why.
            by: who says so, or which part of the desk.

        Raises:
            MissingPartition: if there is no release before it.
            ConflictError: if the book has got another release meanwhile.
            CorruptFile: if a file of that release is missing or altered.
        """
        ledger = self._ledger(book)
        before = self.before(book, ledger[-1][1]["release_id"]) if ledger else None
        if before is None:
            raise MissingPartition(
                f"Book {book} has no release to go back to",
                expected="a release before the current one",
                found=f"{len(ledger)} in its ledger",
                fix="Halt the book instead: `trading-assets halt`.",
            )
        release = self._load(book, before)
        newest = self.decisions.current(book)
        # The data that the book knew when it was taken back: what comes after it is new evidence.
        as_of = newest.document["as_of"] if newest else None
        entry = {
            "release_id": before,
            "decision_id": release.decision_id,
            "previous": ledger[-1][1]["release_id"],
            "rolled_back": {"reason": reason, "by": by, "as_of": as_of},
        }
        number = ledger[-1][0]
        pointers.publish_exclusive(
            self._folder(book), _LEDGER, pointers.sealed(entry), after=number
        )
        return release

    def before(self, book: str, release_id: str) -> str | None:
        """Give the release that another one replaced when it was published; None for none."""
        for _, entry in self._ledger(book):
            if entry["release_id"] == release_id:
                return entry["previous"] and str(entry["previous"])
        return None

    def current(self, book: str) -> Release | None:
        """Give the release that a book trades, every byte proven; None when it has none.

        Raises:
            CorruptFile: if a file of it is missing or altered.
        """
        release_id = self._current_id(book)
        return self._load(book, release_id) if release_id else None

    def current_id(self, book: str) -> str | None:
        """Name the release that a book trades, without proving it; None when it has none."""
        return self._current_id(book)

    def require(self, book: str) -> Release:
        """Give the release that a book trades.

        Raises:
            MissingPartition: if it has none.
        """
        release = self.current(book)
        if release is None:
            raise MissingPartition(
                f"Book {book} has no release",
                expected=f"a release in {self._folder(book)}",
                found="none",
                fix="Materialise backtests, promotion_decision and release first.",
            )
        return release

    def get(self, release_id: str) -> Release:
        """Give a release of any book, every byte proven.

        Raises:
            MissingPartition: if there is none.
        """
        found = sorted(self.root.glob(f"*/{release_id}")) if release_id.isalnum() else []
        if len(found) != 1:
            raise MissingPartition(
                f"No release {release_id}",
                expected=f"a folder in {self.root}/<book>",
                found=f"{len(found)} of that name",
            )
        return self._load(found[0].parent.name, release_id)

    def by_decision(self, book: str, decision_id: str) -> Release | None:
        """Give the release that a decision led to, or None."""
        for _, entry in self._ledger(book):
            if entry["decision_id"] == decision_id:
                return self._load(book, entry["release_id"])
        return None

    def history(self, book: str) -> tuple[Mapping[str, Any], ...]:
        """List the ledger, oldest first: `n, release_id, decision_id, previous`."""
        return tuple({"n": n, **entry} for n, entry in self._ledger(book))

    def releases(self) -> Iterator[Release]:
        """Give every release of every book, every byte proven; also one outside of its ledger.

        Raises:
            CorruptFile: if a file of one of them is missing or altered.
        """
        books = {path.parent.name for path in self.root.glob(f"*/{_LEDGER}-*.json")}
        found = {(book, entry["release_id"]) for book in books for entry in self.history(book)}
        found |= {
            (path.parts[-3], path.parts[-2]) for path in self.root.glob(f"*/*/{folders.INDEX}")
        }
        for book, release_id in sorted(found):
            yield self._load(book, release_id)

    def _ledger(self, book: str) -> tuple[tuple[int, dict[str, Any]], ...]:
        folder = self._folder(book)
        return tuple(
            (n, pointers.unsealed(payload, folder))
            for n, payload in pointers.history(folder, _LEDGER)
        )

    def _current_id(self, book: str) -> str | None:
        folder = self._folder(book)
        pointer = pointers.current(folder, _LEDGER)
        return str(pointers.unsealed(pointer[1], folder)["release_id"]) if pointer else None

    def _load(self, book: str, release_id: str) -> Release:
        folder = self._folder(book) / release_id
        folders.verify_folder(folder)
        facts = folders.read_json(folder, RELEASE)
        if content_hash(facts)[:16] != release_id:
            raise CorruptFile(
                f"Release {folder} is not what its name promises",
                expected=release_id,
                found=content_hash(facts)[:16],
                fix="Restore it from a copy, or publish the decision again.",
            )
        spec = parse_any(
            folders.read_file(folder, SPEC).decode(), where=f"{folder}/{SPEC}", find=_not_inside
        )
        if "costs" in facts:  # measured, as the run that was promoted had them in the end
            pinned = CostsSpec.model_validate(facts["costs"])
            spec = spec.model_copy(update={"costs": spec.costs.always(pinned)})
        instruments = tuple(instrument_from_plain(item) for item in facts["instruments"])
        return Release(release_id, book, folder, facts, spec, instruments)

    def _folder(self, book: str) -> Path:
        return self.root / tag_from_text(book)


def instrument_to_plain(instrument: Instrument) -> dict[str, str]:
    """Write an instrument as text values; what is not known is left out."""
    known = asdict(instrument).items()
    return {name: str(value) for name, value in known if value is not None}


def instrument_from_plain(values: Mapping[str, str]) -> Instrument:
    """Read what `instrument_to_plain` wrote, also before instruments had a listing."""
    decimals = ("tick", "lot", "min_notional", "point_value")
    instants = [name for name in ("listed", "delisted") if name in values]
    plain: dict[str, Any] = dict(values)
    return Instrument(
        **{
            **plain,
            "symbol": symbol_from_text(plain["symbol"]),
            **{name: Decimal(plain[name]) for name in decimals},
            **{name: int(plain[name]) for name in instants},
        }
    )


def _not_inside(name: str) -> StrategySpec:
    """Refuse a member that is named only: a release holds the keys of its members."""
    raise CorruptFile(
        "The spec of a release names a strategy that it does not hold",
        expected="members with all their keys",
        found=name[:60],
    )

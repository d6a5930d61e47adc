"""Promotion decisions: immutable documents, and a ledger per book."""

from __future__ import annotations

from pathlib import Path

from trading_assets.domain.errors import CorruptFile, MissingPartition
from trading_assets.domain.ids import tag_from_text
from trading_assets.evaluation.decision import Decision
from trading_assets.storage import pointers

_DOCUMENT, _LEDGER = "document", "decision"


class DecisionStore:
    """Decisions under `<root>/<book>/decisions/`; the newest is the one that counts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def record(self, decision: Decision) -> bool:
        """Store a decision and make it the current one of its book.

        Returns:
            False when it is the current one already; nothing is written then.

        Raises:
            ConflictError: if another writer decided meanwhile.
        """
        folder = self._folder(decision.book)
        current = pointers.current(folder, _LEDGER)
        if current and pointers.unsealed(current[1], folder)["id"] == decision.decision_id:
            self.get(decision.decision_id)
            return False
        pointers.write_immutable(folder, _DOCUMENT, ".json", decision.payload)
        payload = pointers.sealed({"id": decision.decision_id})
        pointers.publish_exclusive(folder, _LEDGER, payload, after=current[0] if current else 0)
        return True

    def current(self, book: str) -> Decision | None:
        """Give the newest decision about a book, or None."""
        folder = self._folder(book)
        pointer = pointers.current(folder, _LEDGER)
        return self.get(pointers.unsealed(pointer[1], folder)["id"]) if pointer else None

    def require(self, book: str) -> Decision:
        """Give the newest decision about a book.

        Raises:
            MissingPartition: if there is none.
        """
        newest = self.current(book)
        if newest is None:
            raise MissingPartition(
                f"Nothing was decided about book {book} yet",
                expected="a promotion decision",
                found="none",
                fix="Materialise promotion_decision first.",
            )
        return newest

    def history(self, book: str) -> tuple[Decision, ...]:
        """List the decisions about a book, oldest first; one may be current again."""
        return tuple(self.get(decision_id) for _, decision_id in self.ledger(book))

    def ledger(self, book: str) -> tuple[tuple[int, str], ...]:
        """List number and id of the decisions about a book, oldest first; reads no document."""
        folder = self._folder(book)
        return tuple(
            (n, str(pointers.unsealed(payload, folder)["id"]))
            for n, payload in pointers.history(folder, _LEDGER)
        )

    def get(self, decision_id: str) -> Decision:
        """Give a decision by its id, or by the first 8 or more characters of it.

        Raises:
            MissingPartition: if there is none, or more than one.
            CorruptFile: if the document is not what its name promises.
        """
        found = [] if len(decision_id) < 8 else self._documents(decision_id[:16])
        if len(found) != 1:
            raise MissingPartition(
                f"No decision {decision_id}",
                expected="the id of one decision, or 8 or more characters of it",
                found=f"{len(found)} that begin so",
                fix="`trading-assets decision list` shows them.",
            )
        decision = Decision.from_payload(found[0].read_bytes(), where=str(found[0]))
        sixteen = found[0].stem.removeprefix(f"{_DOCUMENT}-")
        if not (
            decision.decision_id.startswith(sixteen)
            and decision.decision_id.startswith(decision_id)
        ):
            raise CorruptFile(
                f"Decision {found[0]} is not what its name promises",
                expected=f"sha256 {decision_id}",
                found=f"sha256 {decision.decision_id}",
                fix="Restore it from a copy; decisions are never rewritten.",
            )
        return decision

    def books(self) -> tuple[str, ...]:
        """List the books that were decided about, sorted."""
        return tuple(sorted(path.parent.name for path in self.root.glob("*/decisions")))

    def _documents(self, prefix: str) -> list[Path]:
        if not prefix.isalnum():
            return []
        return sorted(self.root.glob(f"*/decisions/{_DOCUMENT}-{prefix}*.json"))

    def _folder(self, book: str) -> Path:
        return self.root / tag_from_text(book) / "decisions"

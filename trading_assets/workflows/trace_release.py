"""A release as evidence: its files, the decision that promoted it, and the code between."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from trading_assets.domain.errors import (
    CorruptFile,
    DataError,
    InvariantError,
    RulesChanged,
    TradingAssetsError,
)
from trading_assets.storage.release_store import Release
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.trace_links import (
    DIFFERS,
    EQUAL,
    NOT_CHECKABLE,
    FileProof,
    Link,
    code_link,
    filed,
)


class ReleaseTracer:
    """Proves releases; what promoted one is decided again once."""

    def __init__(self, desk: Desk, proofs: Provenance) -> None:
        self._desk, self._proofs = desk, proofs
        self.find = cache(self._find)
        self._promotion = cache(self._promotion_link)

    def links(self, release: Release) -> Iterator[Link]:
        """Give the links of a release: itself, its promotion, its code."""
        files = self._proofs.folder(release.folder)
        name = f"{release.book}/{release.release_id}"
        pins = {horizon: pin["model_id"] for horizon, pin in release.models.items()}
        yield filed(
            "release", name, release.release_id, files,
            models=pins, regimes=dict(release.regimes), spec=release.spec.name,
        )  # fmt: skip
        yield self._promotion(release.decision_id)
        recorded = str(release.facts.get("code_hash", ""))
        yield code_link(release.spec.name, recorded, code_hash(release.spec.build_strategy()))

    def _find(self, release_id: str) -> Release | Link:
        """Find a release; the link that says what is wrong with it, otherwise."""
        try:
            return self._desk.releases.get(release_id)
        except TradingAssetsError as error:
            files: tuple[FileProof, ...] = ()
            for folder in sorted(self._desk.releases.root.glob(f"*/{release_id or '-'}")):
                try:
                    files = self._proofs.folder(folder)
                except CorruptFile:
                    continue
            return Link(
                "release", release_id, DIFFERS, error.what, error.expected, error.found, {}, files
            )

    def _promotion_link(self, decision_id: str) -> Link:
        from trading_assets.workflows.decide import recompute

        said = "made again from the evidence that it names"
        try:
            again = recompute(self._desk, decision_id)
        except InvariantError as error:
            status = NOT_CHECKABLE if isinstance(error, RulesChanged) else DIFFERS
            told = f"{error.what}. {error.fix}"
            return Link("promotion", decision_id, status, told, error.expected, error.found)
        except DataError as error:
            return Link("promotion", decision_id, DIFFERS, error.what, error.expected, error.found)
        facts = {"verdict": again.verdict, "book": again.book}
        return Link("promotion", decision_id, EQUAL, said, decision_id, again.decision_id, facts)

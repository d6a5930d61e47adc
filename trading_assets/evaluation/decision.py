"""The promotion decision: one canonical document, a pure function of recorded evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import canonical_json, sha256_hex
from trading_assets.evaluation.gates import (
    ChampionEvidence,
    RuleResult,
    RunEvidence,
    Thresholds,
    Verdict,
    has_integrity,
    unmet,
    verdict,
)
from trading_assets.evaluation.judging import evaluate_rules
from trading_assets.evaluation.stage_robust import largest_capital

SCHEMA = 5
_READABLE = (1, 2, 3, 4, SCHEMA)
"""Schema 1 had no stages, 2 did not know what was taken back, 3 no months held out, and it waived
rules for the first release of a book, 4 pinned no regimes; such decisions can be read, and
recomputed by the code of their time."""

_SELECTION = (
    "Every spec with a run, except what the champion already is, is judged by all rules. The "
    "candidate is the one that comes first by: may be promoted, passes all integrity "
    "rules, higher annualised net return out of sample (runs have different spans), name."
)


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it is stored; `decision_id` is the SHA-256 of its bytes."""

    document: Mapping[str, Any]

    @property
    def payload(self) -> bytes:
        """Canonical JSON of the document."""
        return canonical_json(self.document)

    @property
    def decision_id(self) -> str:
        """SHA-256 of the payload, 64 hex characters."""
        return sha256_hex(self.payload)

    @property
    def book(self) -> str:
        """Book that was decided about."""
        return str(self.document["book"])

    @property
    def verdict(self) -> Verdict:
        """Give promote, hold or reject."""
        found: Verdict = self.document["verdict"]
        return found

    @property
    def candidate(self) -> Mapping[str, Any] | None:
        """Spec, hashes and pins of the candidate, or None when there was none."""
        found: Mapping[str, Any] | None = self.document["candidate"]
        return found

    @property
    def rules(self) -> tuple[Mapping[str, Any], ...]:
        """Rows of the candidate: rule, value, threshold, passed, evidence."""
        return tuple(self.document["rules"])

    def measured(self, rule: str) -> Mapping[str, Any]:
        """Give what a rule has measured of the candidate, where that is more than one figure."""
        for row in self.rules:
            if row["rule"] == rule and isinstance(row["value"], Mapping):
                found: Mapping[str, Any] = row["value"]
                return found
        return {}

    @classmethod
    def from_payload(cls, payload: bytes, *, where: str = "decision") -> Decision:
        """Read a stored decision.

        Raises:
            CorruptFile: if the bytes are not the canonical form of a decision.
        """
        try:
            decision = cls(json.loads(payload))
            sound = decision.payload == payload and decision.document["schema"] in _READABLE
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise CorruptFile(
                f"{where} is damaged",
                expected="the canonical JSON of a decision",
                found=repr(payload[:60]),
                fix="Restore it from a copy; decisions are never rewritten.",
            )
        return decision


@dataclass(frozen=True, slots=True)
class Contender:
    """A candidate with the champion as seen over the candidate's own days."""

    run: RunEvidence
    champion: ChampionEvidence | None


def decide_from(
    *,
    book: str,
    venue: str,
    as_of: int | None,
    thresholds: Thresholds,
    contenders: Sequence[Contender],
    champion: Mapping[str, Any] | None,
    inputs: Mapping[str, Any],
) -> Decision:
    """Choose the candidate, judge it and write the document; no clock, no I/O, no chance.

    Args:
        book: name of the book.
        venue: where it trades; decides which order types exist.
        as_of: open time of the newest bar behind any run, in microseconds; the only time in it.
        thresholds: what the rules demand.
        contenders: every spec that could be promoted.
        champion: release that the book trades now, as plain values; None for a new book.
        inputs: everything that is needed to gather the same evidence again, as plain values.
    """
    judged = [
        _Judged(
            contender.run,
            evaluate_rules(contender.run, contender.champion, venue, thresholds),
            capital=largest_capital(contender.run, thresholds),
        )
        for contender in contenders
    ]
    judged.sort(key=lambda one: one.order)
    best = judged[0] if judged else None
    document = {
        "schema": SCHEMA,
        "book": book,
        "venue": venue,
        "as_of": as_of,
        "selection": _SELECTION,
        "field": [one.summary() for one in judged],
        "candidate": best.plain() if best else None,
        "champion": champion,
        "rules": [rule.plain() for rule in best.rules] if best else [],
        "verdict": best.verdict if best else "hold",
        "reason": best.reason() if best else "No spec has a run that is not the champion's own.",
        "inputs": dict(inputs),
    }
    return Decision(json.loads(canonical_json(document)))


@dataclass(frozen=True, slots=True)
class _Judged:
    run: RunEvidence
    rules: tuple[RuleResult, ...]
    capital: float | None

    @property
    def verdict(self) -> Verdict:
        """Apply the rules."""
        return verdict(self.rules)

    @property
    def order(self) -> tuple[bool, bool, float, str]:
        """Sort key: the candidate comes first."""
        growth = self.run.oos.get("cagr_pct")
        return (
            self.verdict != "promote",
            not has_integrity(self.rules),
            float("inf") if growth is None else -growth,
            self.run.spec,
        )

    def plain(self) -> dict[str, Any]:
        """Describe the candidate."""
        return {
            "spec": self.run.spec,
            "spec_hash": self.run.spec_hash,
            "run_id": self.run.run_id,
            "order_types": sorted(self.run.order_types),
            "models": dict(self.run.models),
            "regimes": {symbol: dict(pin) for symbol, pin in sorted(self.run.regimes.items())},
            "largest_capital": self.capital,
        }

    def summary(self) -> dict[str, Any]:
        """Describe one of the field in a line."""
        return {
            "spec": self.run.spec,
            "run_id": self.run.run_id,
            "verdict": self.verdict,
            "oos_net_return_pct": self.run.oos.get("net_return_pct"),
            "oos_cagr_pct": self.run.oos.get("cagr_pct"),
            "oos_days": self.run.oos.get("num_days"),
            "oos_trades": self.run.oos.get("num_trades"),
            "failed": [rule.rule for rule in self.rules if not rule.passed],
        }

    def reason(self) -> str:
        """Say the verdict in plain words: the first rule that is not met comes first."""
        rules = unmet(self.rules)
        if not rules:
            return f"{self.run.spec} passed every rule."
        first, stage = rules[0], rules[0].stage
        failed = [rule.rule for rule in rules if rule.passed is False]
        missing = [rule.rule for rule in rules if rule.passed is None]
        told = [f"{self.run.spec} did not pass the stage {stage!r}."]
        if failed:
            told.append(f"It failed {', '.join(failed)}.")
        if missing:
            told.append(f"Evidence is missing for {', '.join(missing)}.")
        if first.note:
            told.append(f"{first.rule}: {first.note}")
        return " ".join(told)

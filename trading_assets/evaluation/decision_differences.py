"""How one decision differs from another about the same evidence: by rule, and in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trading_assets.evaluation.decision import Decision

_LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule of one candidate that another value, threshold or verdict has come of.

    Attributes:
        passed_then: None when evidence was missing; the same for `passed_now`.
    """

    rule: str
    value_then: Any
    value_now: Any
    threshold_then: Any
    threshold_now: Any
    passed_then: bool | None
    passed_now: bool | None

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return asdict(self)


def is_flip(then: Decision, now: Decision) -> bool:
    """Tell whether the verdict, or the spec that it is about, is another."""
    return (then.verdict, spec_of(then)) != (now.verdict, spec_of(now))


def spec_of(decision: Decision) -> str | None:
    """Name the candidate's spec; None when there was no candidate."""
    return None if decision.candidate is None else str(decision.candidate["spec"])


def rule_changes(then: Decision, now: Decision) -> tuple[RuleChange, ...]:
    """Give the rules that differ, in their order; none when the candidates are of other specs."""
    return tuple(_changes(then, now)) if spec_of(then) == spec_of(now) else ()


def first_difference(then: Decision, now: Decision) -> str:
    """Say in plain words what makes the two differ: the first rule that does; "" when none does."""
    old, new = spec_of(then), spec_of(now)
    if old == new:
        found = next((c for c in _changes(then, now) if c.passed_then != c.passed_now), None)
        return "" if found is None else _sentence(found, now)
    if old is None or new is None:
        return f"{new or old} is {'a' if new else 'no'} candidate now."
    return _why_replaced(then, now, old, new)


def _changes(then: Decision, now: Decision) -> Iterator[RuleChange]:
    old = {row["rule"]: row for row in then.rules}
    for row in now.rules:
        was = old.get(row["rule"])
        if was is None:
            continue
        found = RuleChange(
            row["rule"],
            was["value"],
            row["value"],
            was["threshold"],
            row["threshold"],
            was["passed"],
            row["passed"],
        )
        pairs = (
            (found.value_then, found.value_now),
            (found.threshold_then, found.threshold_now),
            (found.passed_then, found.passed_now),
        )
        if any(one != other for one, other in pairs):
            yield found


def _sentence(change: RuleChange, now: Decision) -> str:
    verb = {
        True: "is met now",
        False: "is not met any more" if change.passed_then else "is not met",
        None: "lacks its evidence now",
    }[change.passed_now]
    then, value = _parts_that_differ(change.value_then, change.value_now)
    was = f", was {value_text(then)}" if then != value else ""
    wanted = value_text(change.threshold_now)
    if change.threshold_then != change.threshold_now:
        asked, asks = _parts_that_differ(change.threshold_then, change.threshold_now)
        wanted = f"{value_text(asks)} instead of {value_text(asked)}"
    note = next(row["note"] for row in now.rules if row["rule"] == change.rule)
    said = f" {note}" if note and not change.passed_now else ""
    return f"{change.rule} {verb}: {value_text(value)}{was}; wanted {wanted}.{said}"


def _parts_that_differ(then: Any, now: Any) -> tuple[Any, Any]:
    """Leave out of two values with the same names what is the same in both, unless all is."""
    if not isinstance(then, Mapping) or not isinstance(now, Mapping) or then.keys() != now.keys():
        return then, now
    names = [name for name in now if then[name] != now[name]] or list(now)
    return {name: then[name] for name in names}, {name: now[name] for name in names}


def _why_replaced(then: Decision, now: Decision, old: str, new: str) -> str:
    before, after = _field(then), _field(now)
    if old not in after:
        return f"{old} is no candidate now, and {new} comes first."
    lost = [rule for rule in after[old]["failed"] if rule not in before[old]["failed"]]
    if lost:
        return f"{old} does not pass {lost[0]} any more, and {new} comes before it."
    failed = before[new]["failed"] if new in before else []
    won = [rule for rule in failed if rule not in after[new]["failed"]]
    if won:
        return f"{new} passes {won[0]} now, and comes before {old}."
    figures = [value_text(after[name]["oos_cagr_pct"]) for name in (new, old)]
    return (
        f"{new} earns {figures[0]} % a year out of sample, {old} {figures[1]} %: "
        f"{new} comes first now."
    )


def _field(decision: Decision) -> dict[str, Mapping[str, Any]]:
    return {entry["spec"]: entry for entry in decision.document["field"]}


def value_text(value: Any) -> str:
    """Write a value or threshold of a rule for people; hashes of the ledger are left out."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        parts = [f"{name} {value_text(part)}" for name, part in value.items() if name != _LEDGER]
        return ", ".join(parts) or "-"
    if isinstance(value, list):
        return ", ".join(map(value_text, value)) or "-"
    return "nothing" if value is None else str(value)

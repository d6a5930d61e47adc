"""What tests assume of a past, how a desk lives through it, and what of it must be equal."""

import copy
import hashlib
from pathlib import Path

DEARER = {"fees_bps": "10", "slippage_x": "3"}


def tree(root):
    """Names, contents and times of everything under a folder."""
    found = {}
    for path in sorted(Path(root).rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = hashlib.sha256(data).hexdigest(), path.lstat().st_mtime_ns
    return found


def comparable(decision):
    """A decision without what belongs to the desk: its ledger's head, and its release."""
    document = copy.deepcopy(dict(decision.document))
    rules = document["rules"]
    for rule in rules:
        rule["evidence"] = [p for p in rule["evidence"] if not p.startswith("examinations/")]
        if rule["rule"] == "deflated_sharpe":
            rule["value"].pop("ledger")
    candidates = document["inputs"]["candidates"]
    for entry in candidates:
        if entry["trials"]:
            entry["trials"].pop("head")
        entry["examination"] = bool(entry["examination"])  # its id is of the ledger's keys, too
    champion = document["inputs"]["champion"]
    named = {k: v for k, v in champion.items() if k != "release_id"} if champion else None
    plain = ("verdict", "reason", "as_of", "candidate", "field")
    return {
        **{name: document[name] for name in plain},
        "rules": rules,
        "candidates": candidates,
        "champion": named,
        "thresholds": document["inputs"]["thresholds"],
    }


def costs_are(**costs):
    return lambda spec: {**spec, "costs": {**spec["costs"], **costs}}


BRUTE = {
    "dearer": (DEARER, costs_are(fees_bps=10, slippage_bps=3), {}, False),
    "free": ({"fees_x": "0", "slippage_x": "0"}, costs_are(fees_bps=0, slippage_bps=0), {}, True),
    "small": (
        {"cash": "5000", "fees_bps": "4", "others": ["costs.half_spread_bps=0.5"]},
        lambda spec: costs_are(fees_bps=4, half_spread_bps=0.5)({**spec, "cash": 5000}),
        {},
        True,
    ),
    "strict": (
        {"others": ["gate.min_days_between_switches=60", "gate.min_neighbour_share=0.9"]},
        dict,
        {"min_days_between_switches": 60, "min_neighbour_share": 0.9},
        True,
    ),
    "a little": (
        {"fees_x": "1.5", "others": ["gate.min_trades=6", "gate.pbo_from_trials=50"]},
        costs_are(fees_bps=3),
        {"min_trades": 6, "pbo_from_trials": 50},
        False,
    ),
}

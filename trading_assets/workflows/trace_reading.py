"""A trace as a page shows it: each link with what was recorded and what came out once more."""

from __future__ import annotations

from typing import Any

from trading_assets.workflows.trace_links import EQUAL, Trace


def trace_answer(trace: Trace) -> dict[str, Any]:
    """Give a trace as plain values.

    Returns:
        `order_id`, `origin`, `order`, `status`, `is_sound` (every link came out once more), and
        `links`: `kind`, `name`, `status`, `is_equal` (None where it cannot be checked), `said`,
        `recorded`, `found`, `facts`, and `files`: `path`, `sha256`, `is_equal`, `vendor`.
    """
    return {
        "order_id": trace.order_id,
        "origin": trace.origin,
        "order": dict(trace.order),
        "status": trace.status,
        "is_sound": trace.status == EQUAL,
        "links": [
            {
                "kind": link.kind,
                "name": link.name,
                "status": link.status,
                "is_equal": None if link.status == "not checkable" else link.status == EQUAL,
                "said": link.said,
                "recorded": link.recorded,
                "found": link.found,
                "facts": dict(link.facts),
                "files": [
                    {
                        "path": file.path,
                        "sha256": file.sha256,
                        "is_equal": not file.found,
                        "vendor": file.vendor,
                    }
                    for file in link.files
                ],
            }
            for link in trace.links
        ],
    }

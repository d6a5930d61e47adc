"""One HTML page that needs nothing else: style, script, data and the chart library are inside.

The library is plotly.js, packed (gzip, base64) so that a page has 2 MB instead of 5; the browser
unpacks it. The page's policy forbids every request, so it shows the same offline.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

_PARTS = Path(__file__).with_name("page")
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)


def html_page(title: str, body: str, figures: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Give a whole page; equal arguments give equal bytes.

    Args:
        title: of the browser's tab.
        body: HTML inside `<main>`, with `<div class="chart" id=...>` for every figure.
        figures: id -> a plotly figure (`data`, `layout`) as plain values. Traces say with `meta`
            what they are, and the page's script gives them their colours (`page/page.js`).
    """
    data = json.dumps({"figures": figures}, separators=(",", ":"), allow_nan=False)
    parts = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(title)}</title><style>{_part('page.css')}</style></head>",
        f"<body><main>{body}</main>",
        f'<script type="application/json" id="page-data">{_inert(data)}</script>',
        f'<script type="text/plain" id="plotly">{_packed_library()}</script>',
        f"<script>{_part('page.js')}</script></body></html>\n",
    )
    return "".join(parts).encode()


def header(title: str, *lines: str) -> str:
    """Give the head of a page, with the button that turns light into dark."""
    below = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return (
        f"<header><div><h1>{escape(title)}</h1>{below}</div>"
        '<button id="theme" type="button" title="Light or dark">Light / dark</button></header>'
    )


def section(title: str, content: str, note: str = "") -> str:
    """Give a framed part of a page."""
    foot = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{content}{foot}</section>"


def _inert(data: str) -> str:
    """Keep text inside its script element, whatever it says."""
    return data.replace("<", "\\u003c")


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


@cache
def _packed_library() -> str:
    """Give plotly.js, packed; its bytes depend on the versions of plotly and zlib only."""
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode(), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")

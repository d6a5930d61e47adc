"""Vendors: where market data comes from, as nodes that the desk reads and never makes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from trading_assets.declarations.sources import BUILT_IN
from trading_assets.defs.partitions import SETTINGS

GROUP = "vendors"

_BUILT_IN = {
    "embedded": "The embedded exchange: a seeded market on loopback, offline, repeatable.",
    "binance": "Binance's REST API: klines in pages, as recent as the last finished minute.",
    "archive": "Binance's public archive, or a mirror of it on disk: zips with a checksum each.",
}
_DECLARED = {
    "binance_archive": "A declared archive in the layout of data.binance.vision.",
    "eodhd": "EODHD's REST API: daily bars as traded, or minutes, in windows of fixed length.",
    "polygon": "Polygon's REST API (now Massive): minutes that are not adjusted for splits.",
}
_LICENCE = "the vendor's terms; nothing of it is in this repository"


def vendor_key(source: str) -> dg.AssetKey:
    """Give the node of a source."""
    return dg.AssetKey(["vendor", source.replace("-", "_")])


def used_vendors() -> list[dg.AssetKey]:
    """List the nodes of the sources that symbols of the settings have."""
    sources = dict.fromkeys(SETTINGS.source_of(symbol) for symbol in SETTINGS.symbols)
    return [vendor_key(source) for source in sources]


def _archives() -> list[dg.AssetSpec]:
    layout = "{period}/klines/{symbol}/1m/{symbol}-1m-{date}.zip"
    return [
        dg.AssetSpec(
            dg.AssetKey(["archive", f"binance_spot_{period}"]),
            description=f"Binance's public {period} zips of one-minute bars: one CSV without a "
            "header in each, times in milliseconds until 2024 and in microseconds since.",
            group_name=GROUP,
            kinds={"binance", "file"},
            metadata={
                "url": dg.MetadataValue.url(SETTINGS.archive_url),
                "layout": layout.replace("{period}", period),
                "gives": "12 columns per minute; a .CHECKSUM (sha256) beside each zip",
                "licence": _LICENCE,
            },
        )
        for period in ("monthly", "daily")
    ]


def _vendor(source: str, kind: str, description: str, facts: dict[str, Any]) -> dg.AssetSpec:
    is_archive = source == "archive"
    return dg.AssetSpec(
        vendor_key(source),
        description=description,
        group_name=GROUP,
        kinds={kind},
        deps=[spec.key for spec in ARCHIVES] if is_archive else [],
        metadata={**facts, "licence": _LICENCE},
    )


def _built_in(source: str) -> dg.AssetSpec:
    urls = {"binance": SETTINGS.binance.api_url, "archive": SETTINGS.archive_url}
    facts: dict[str, Any] = {"gives": "one-minute bars with volume, quote volume and trades"}
    if source in urls:
        facts["url"] = dg.MetadataValue.url(urls[source])
    return _vendor(source, "binance", _BUILT_IN[source], facts)


def _declared(source: str) -> dg.AssetSpec:
    declared = SETTINGS.sources[source]
    description = _DECLARED.get(declared.kind, f"A declared source of the kind {declared.kind}.")
    silence = "have a bar" if declared.silent_minutes == "bars" else "have no bar"
    facts: dict[str, Any] = {
        "gives": f"bars of {declared.timeframe}; minutes without a trade {silence}"
    }
    url = getattr(declared, "url", "")
    if url:
        parts = urlsplit(url)
        facts["url"] = dg.MetadataValue.url(f"{parts.scheme}://{parts.hostname}{parts.path}")
    kind = declared.kind.removesuffix("_archive")
    return _vendor(source, kind, description, facts)


ARCHIVES = _archives()
VENDORS = [*ARCHIVES, *map(_built_in, BUILT_IN), *map(_declared, SETTINGS.sources)]
"""Every source that settings name or declare; only those that a symbol has are read."""

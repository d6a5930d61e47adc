"""What a person sees of a materialisation: plain metadata, and a small plot that costs nothing."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from trading_assets.defs.partition_events import Version
from trading_assets.defs.partitions import month_and_symbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.workflows.market_tables import EXPLAINED
from trading_assets.workflows.published import Published

_WIDTH, _HEIGHT, _POINTS = 320, 60, 160
_PATHS = ("file", "folder", "card")
_TABLES = ("restated_minutes", "first_gaps")


def shown(
    published: Published, plot: Sequence[float] = (), pictures: Mapping[str, Any] | None = None
) -> Version:
    """Give the version of a partition, and its facts as Dagster metadata.

    Two partitions of equal rows differ for those that stand on them when their gaps are explained
    differently: what is made of them repeats the causes.
    """
    metadata: dict[str, Any] = {
        "dagster/row_count": published.rows,
        "changed": published.changed,
        **facts({k: v for k, v in published.metadata.items() if k != "rows"}),
        "parents": dict(published.parents),
        **(pictures or {}),
    }
    if plot:
        metadata["plot"] = sparkline(plot)
    explained = str(published.metadata.get(EXPLAINED, ""))
    return Version("-".join(filter(None, (published.version, explained))), metadata)


def by_month(
    publish: Callable[[Symbol, Month], Published],
    plot: Callable[[Symbol, Month], Sequence[float]] | None = None,
    pictures: Callable[[Symbol, Month], Mapping[str, Any]] | None = None,
) -> Callable[[str], Version]:
    """Make a use case that takes (symbol, month) one that takes a partition key.

    `plot` and `pictures` look at what was published.
    """

    def publish_key(key: str) -> Version:
        month, symbol = month_and_symbol(key)
        published = publish(symbol, month)
        return shown(
            published,
            plot(symbol, month) if plot else (),
            pictures(symbol, month) if pictures else None,
        )

    return publish_key


def columns(
    names_and_types: Mapping[str, str], descriptions: Mapping[str, str] | None = None
) -> dg.TableSchema:
    """Show the columns of a table, with their types in words, in the catalogue."""
    texts = descriptions or {}
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=said, description=texts.get(name))
            for name, said in names_and_types.items()
        ]
    )


def table(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> dg.TableMetadataValue:
    """Show some fields of plain rows as a table; what is no number or text is written as such."""
    records = [dg.TableRecord({name: _cell(row.get(name)) for name in names}) for row in rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in names])
    return dg.MetadataValue.table(records, schema)


def facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn plain values into metadata; what Dagster has no type for becomes JSON or text."""
    return {name: _metadata_value(name, value) for name, value in values.items()}


def sparkline(values: Sequence[float]) -> dg.MarkdownMetadataValue:
    """Draw values as a line of 320 x 60 pixels; gaps and infinities are left out."""
    finite = [value for value in values if math.isfinite(value)]
    step = max(1, math.ceil(len(finite) / _POINTS))
    sampled = [*finite[::step], *finite[-1:]]
    low, high = min(sampled, default=0.0), max(sampled, default=0.0)
    spread, last = (high - low) or 1.0, max(len(sampled) - 1, 1)
    points = " ".join(
        f"{_WIDTH * i / last:.1f},{(_HEIGHT - 4) * (high - value) / spread + 2:.1f}"
        for i, value in enumerate(sampled)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<polyline fill="none" stroke="#4f43dd" stroke-width="1.5" points="{points}"/></svg>'
    )
    encoded = base64.b64encode(svg.encode()).decode()
    image = f"![plot](data:image/svg+xml;base64,{encoded})"
    return dg.MetadataValue.md(f"{image}\n\nfrom {low:,.6g} to {high:,.6g}")


def image(name: str, png: bytes) -> dg.MarkdownMetadataValue:
    """Show a picture in place."""
    source = base64.b64encode(png).decode()
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{source})")


def _metadata_value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return _text(name, value)
    if value is None:
        return dg.MetadataValue.null()
    if isinstance(value, float) and not math.isfinite(value):
        return dg.MetadataValue.text(str(value))
    if isinstance(value, bool | int | float | dg.MetadataValue):
        return value
    if name in _TABLES:
        return table(value, tuple(value[0]))
    return dg.MetadataValue.json(_plain(value))


def _text(name: str, text: str) -> dg.MetadataValue[Any]:
    if name.rpartition(" ")[2] in _PATHS:
        return dg.MetadataValue.path(text)
    if text.startswith("!["):
        return dg.MetadataValue.md(text)
    if text.startswith(("http://", "https://")):
        return dg.MetadataValue.url(text)
    return dg.MetadataValue.text(text)


def _cell(value: Any) -> str | int | float | bool | None:
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)

"""Which version of what a person means: by its address, its manifest, or the hash of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.storage.partition_store import Manifest, address
from trading_assets.storage.raw_store import RawManifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import RAW_TABLE
from trading_assets.workflows.lineage import Node, manifests
from trading_assets.workflows.provenance import partition_from_address

_HASH = re.compile(r"[0-9a-f]{8,64}")
_MANIFEST = re.compile(r"manifest-([1-9]\d*)\.json")


def find_versions(desk: Desk, text: str) -> tuple[Node, ...]:
    """Give the versions that are meant.

    Args:
        desk: whose stores to look in.
        text: one of

            - an address, such as `bars_1m/BTCUSDT/2024-03`, `raw_klines/BTCUSDT/2024-03` or
              `forecast_model/1h/2024-03`: the current version; or with `@3` that of manifest 3, or
              with `@` and 8 or more characters that version;
            - the path of a manifest of a table or a raw month;
            - 8 or more characters of a SHA-256: of a raw file, a Parquet file, a file of a model,
              or of a version.

    Raises:
        MissingPartition: if nothing is meant.
    """
    path = _MANIFEST.fullmatch(Path(text).name)
    if path is not None:
        found = _of_path(desk, Path(text), int(path[1]))
    elif _HASH.fullmatch(text):
        found = _of_hash(desk, text)
    else:
        found = _of_address(desk, *text.partition("@")[::2])
    if not found:
        raise MissingPartition(
            f"Nothing is named {text!r:.120}",
            expected="table/symbol/month, with @number or @version; the path of a manifest; or 8 "
            "or more characters of the SHA-256 of a file",
            found="no such version in the tables, raw months and models of this desk",
        )
    return tuple(dict.fromkeys(found))


def _of_address(desk: Desk, name: str, which: str) -> list[Node]:
    head, *parts = name.split("/")
    numbered: dict[int, str]
    if head == "forecast_model" and len(parts) == 2:
        models = desk.models.history(Month.from_text(parts[1]), parts[0])
        numbered = {model.n: model.model_id for model in models}
    elif head == RAW_TABLE and len(parts) == 2:
        symbol, month = symbol_from_text(parts[0]), Month.from_text(parts[1])
        sources = [s for s, *rest in desk.raw.months() if rest == [symbol, month]]
        every = [_numbered(desk.raw.history(source, symbol, month)) for source in sources]
        return [(name, v) for numbers in every for v in _chosen(numbers, which)]
    else:
        place = partition_from_address(name)
        numbered = _numbered(desk.tables.history(*place)) if place is not None else {}
    return [(name, version) for version in _chosen(numbered, which)]


def _numbered(history: tuple[Manifest, ...] | tuple[RawManifest, ...]) -> dict[int, str]:
    return {manifest.n: manifest.version for manifest in history}


def _chosen(numbered: Mapping[int, str], which: str) -> list[str]:
    if not which:
        return [numbered[max(numbered)]] if numbered else []
    if which.isdecimal() and int(which) in numbered:
        return [numbered[int(which)]]
    is_hash = _HASH.fullmatch(which) is not None
    return [v for v in numbered.values() if is_hash and v.startswith(which)]


def _of_path(desk: Desk, path: Path, number: int) -> list[Node]:
    folder = path.absolute().parent
    found = []
    for partition in desk.tables.partitions():
        if str(desk.tables.folder(*partition)) == str(folder):
            name = address(*partition)
            found += [(name, m.version) for m in desk.tables.history(*partition) if m.n == number]
    for source, symbol, month in desk.raw.months():
        if str(desk.raw.folder(source, symbol, month)) == str(folder):
            history = desk.raw.history(source, symbol, month)
            name = address(RAW_TABLE, symbol, month)
            found += [(name, raw.version) for raw in history if raw.n == number]
    return found


def _of_hash(desk: Desk, start: str) -> list[Node]:
    return [node for hashes, node in _hashes(desk) if any(h.startswith(start) for h in hashes)]


def _hashes(desk: Desk) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Give every version with the hashes that name it."""
    for month in desk.raw.months():
        for raw in desk.raw.history(*month):
            files = (item.sha256 for item in raw.objects)
            yield (raw.version, *files), (address(RAW_TABLE, raw.symbol, raw.month), raw.version)
    for table in manifests(desk.tables):
        yield (table.version, table.file_sha256), (table.address, table.version)
    for at in desk.models.months():
        for horizon in desk.models.horizons(at):
            for model in desk.models.history(at, horizon):
                yield (model.model_id, *model.files.values()), (model.address, model.model_id)

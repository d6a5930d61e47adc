"""The vendor's own bytes: one immutable file per vendor object, listed by month in a manifest."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from trading_assets.domain.errors import ConfigurationError, CorruptFile, MissingPartition
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash, sha256_hex
from trading_assets.market.history import (
    PACKAGE_SUFFIXES,
    Confirmation,
    ObjectKind,
    VendorObject,
)
from trading_assets.storage import pointers, removal, roots
from trading_assets.storage.partition_tree import values
from trading_assets.storage.roots import Place, folder_at
from trading_assets.storage.verification import Told, Verification, verify_files

_STEM = "manifest"
_NOTE = "kept"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SUFFIX: Mapping[ObjectKind, str] = {
    "zip_csv": ".zip",
    "klines_json": ".json",
    "eodhd_json": ".json",
    "polygon_json": ".json",
    **dict[ObjectKind, str](PACKAGE_SUFFIXES.items()),
}


@dataclass(frozen=True, slots=True)
class RawObject:
    """A vendor object that is on disk.

    Attributes:
        described: what the vendor said of it.
        file: name of its file beside the manifest.
        sha256: of the bytes.
    """

    described: VendorObject
    file: str
    sha256: str
    size_bytes: int

    def stands_for(self, wanted: VendorObject) -> bool:
        """Tell whether these bytes are still what the vendor would hand out."""
        own = self.described
        facts = (own.name, own.role, own.start, own.end)
        is_it = facts == (wanted.name, wanted.role, wanted.start, wanted.end)
        return is_it and own.finished and wanted.vendor_sha256 in ("", self.sha256)


@dataclass(frozen=True, slots=True)
class RawManifest:
    """The objects that made up a symbol's month at one time; the highest `n` is current.

    Attributes:
        source: folder of the source (`HistorySource.store`).
        version: hash over the objects' bytes and spans, and over what was expected.
        start: from when bars are expected, None when the first bar decides.
        end: until when.
        confirmed: what the vendor was asked for again and does not have.
        published_at: file time of the manifest.
    """

    source: str
    symbol: Symbol
    month: Month
    n: int
    version: str
    objects: tuple[RawObject, ...]
    start: Micros | None
    end: Micros
    confirmed: tuple[Confirmation, ...] = ()
    published_at: Micros = field(default=0, compare=False)

    @property
    def size_bytes(self) -> int:
        """Bytes of all objects."""
        return sum(item.size_bytes for item in self.objects)


class RawStore:
    """Vendor objects under `<root>/<source>/symbol=X/month=YYYY-MM/`.

    A file that serves several months lies beside them, in `symbol=X/shared/`, once.
    """

    def __init__(self, root: Place | str) -> None:
        self.root = roots.open_root(root)

    def keep(
        self, source: str, symbol: Symbol, month: Month, described: VendorObject, data: bytes
    ) -> RawObject:
        """Store one object of a month that is not complete yet.

        A finished one is noted beside the manifests, so that an interrupted ingestion goes on
        from it. The note counts for nothing else: what a month consists of, only a manifest says.

        Raises:
            CorruptFile: if a file of the same content is there and damaged.
        """
        folder = self.folder(source, symbol, month)
        roots.make_folder(folder)
        with removal.turn(folder.parent):
            item = _write(folder, described, data)
            if described.finished:
                note = pointers.sealed(asdict(item))
                pointers.write_immutable(folder, _NOTE, ".json", note)
        return item

    def kept(self, source: str, symbol: Symbol, month: Month) -> tuple[RawObject, ...]:
        """List the objects that an interrupted ingestion has noted, as far as they are sound.

        Raises:
            CorruptFile: if a note is damaged.
        """
        folder = self.folder(source, symbol, month)
        noted = [_object(facts) for _, facts in _read_notes(folder)]
        return tuple(
            item
            for item in noted
            if _is_sound(_home(folder, shared=item.described.shared) / item.file, item.sha256)
        )

    def publish(
        self,
        source: str,
        symbol: Symbol,
        month: Month,
        contents: Iterable[tuple[VendorObject, bytes] | RawObject],
        *,
        start: Micros | None,
        end: Micros,
        confirmed: tuple[Confirmation, ...] = (),
        before: RawManifest | None = None,
    ) -> tuple[RawManifest, bool]:
        """Store new objects and make this list of objects the current one.

        The notes of `keep` have then done their work and are removed.

        Args:
            source: folder of the source (`HistorySource.store`).
            symbol: whose objects they are.
            month: which they make up.
            contents: in order of their spans; new objects with their bytes, and objects of the
                current manifest, or of `kept`, that are still good.
            start: from when bars are expected.
            end: until when bars are expected.
            confirmed: what the vendor was asked for again and does not have.
            before: the manifest that the caller has read.

        Returns:
            The current manifest, and whether it is new.

        Raises:
            ConflictError: if another writer has published this month since `before`.
            CorruptFile: if a file of the same content is there and damaged, or the file of an
                object without bytes is gone.
        """
        folder = self.folder(source, symbol, month)
        roots.make_folder(folder)
        with removal.turn(folder.parent):
            items = tuple(
                item if isinstance(item, RawObject) else _write(folder, *item) for item in contents
            )
            version, facts = _facts(items, start, end, confirmed)
            if before is not None and before.version == version and before.objects == items:
                _remove_notes(folder)
                return before, False
            _require_there(folder, items)
            pointers.sweep(folder)
            payload = pointers.sealed(facts | {"version": version})
            pointers.publish_exclusive(folder, _STEM, payload, after=before.n if before else 0)
            _remove_notes(folder)
        return self.require(source, symbol, month), True

    def current(self, source: str, symbol: Symbol, month: Month) -> RawManifest | None:
        """Give the current manifest, or None when nothing was ever fetched."""
        pointer = pointers.current(self.folder(source, symbol, month), _STEM)
        return self._manifest(source, symbol, month, *pointer) if pointer else None

    def require(self, source: str, symbol: Symbol, month: Month) -> RawManifest:
        """Give the current manifest.

        Raises:
            MissingPartition: if nothing was ever fetched.
        """
        manifest = self.current(source, symbol, month)
        if manifest is None:
            raise MissingPartition(
                f"There are no raw bars of {symbol} for {month} from {source}",
                expected=f"a manifest in {self.folder(source, symbol, month)}",
                found="none",
                fix=f"Materialise raw_klines or run `trading-assets data ingest {symbol} {month}`.",
            )
        return manifest

    def history(self, source: str, symbol: Symbol, month: Month) -> tuple[RawManifest, ...]:
        """List every manifest of a month, oldest first."""
        found = []
        for n, payload in pointers.history(self.folder(source, symbol, month), _STEM):
            with suppress(FileNotFoundError):  # removed since it was read
                found.append(self._manifest(source, symbol, month, n, payload))
        return tuple(found)

    def months(self) -> Iterator[tuple[str, Symbol, Month]]:
        """Name every month that something was fetched for: source folder, symbol and month."""
        for source in folder_at(self.root).folders():
            for symbol in values(self.root / source, "symbol="):
                for month in values(self.root / source / f"symbol={symbol}", "month="):
                    yield source, Symbol(symbol), Month.from_text(month)

    def remove(
        self,
        source: str,
        symbol: Symbol,
        numbers: Mapping[Month, Collection[int]],
        *,
        before: Micros,
        delete: bool,
    ) -> removal.Removed:
        """Remove versions of a symbol's months by number; see `removal.remove`.

        Files go that no version of any of its months lists, and no note of `keep`.
        """
        home = self.root / source / f"symbol={symbol}"
        months = values(home, "month=")
        doomed: dict[Place, Collection[int]] = {home / f"month={month}": () for month in months}
        doomed |= {home / f"month={month}": found for month, found in numbers.items()}
        with removal.turn(home, alone=delete):
            noted = {path for folder in doomed for path in _noted(folder)}
            return removal.remove(
                doomed,
                _STEM,
                _listed,
                beside=(home / "shared",),
                noted=noted,
                before=before,
                delete=delete,
            )

    def is_sound(self, manifest: RawManifest, item: RawObject) -> bool:
        """Tell whether an object's file is there with its bytes, whole."""
        return _is_sound(self.path(manifest, item), item.sha256)

    def read(self, manifest: RawManifest, item: RawObject) -> bytes:
        """Read the bytes of one object.

        Raises:
            CorruptFile: if they are not what was stored.
        """
        return pointers.read_verified(self.path(manifest, item), item.sha256)

    def verify(self, *, told: Told | None = None) -> Verification:
        """Hash the files of all versions again; `told` hears how many of how many are done."""
        files, faults = self._promised()
        return verify_files(files, faults, lambda: self._promised()[0], told=told)

    def folder(self, source: str, symbol: Symbol, month: Month) -> Place:
        """Give the folder of a month.

        Raises:
            ConfigurationError: if the name of the source could leave the store.
        """
        if not _NAME.fullmatch(source):
            raise ConfigurationError(
                "Not the name of a source", expected="letters, digits, . _ -", found=repr(source)
            )
        return self.root / source / f"symbol={symbol}" / f"month={month}"

    def path(self, manifest: RawManifest, item: RawObject) -> Place:
        """Give the file of one object."""
        folder = self.folder(manifest.source, manifest.symbol, manifest.month)
        return _home(folder, shared=item.described.shared) / item.file

    def _promised(self) -> tuple[dict[Place, str], list[CorruptFile]]:
        files: dict[Place, str] = {}
        faults: list[CorruptFile] = []
        for folder in (self.folder(*key) for key in self.months()):
            for _, payload in pointers.history(folder, _STEM):
                try:
                    facts = pointers.unsealed(payload, folder)
                except CorruptFile as fault:
                    faults.append(fault)
                else:
                    files |= {_file(folder, item): item["sha256"] for item in facts["objects"]}
        return files, faults

    def _manifest(
        self, source: str, symbol: Symbol, month: Month, n: int, payload: bytes
    ) -> RawManifest:
        folder = self.folder(source, symbol, month)
        facts = pointers.unsealed(payload, folder)
        return RawManifest(
            source=source,
            symbol=symbol,
            month=month,
            n=n,
            version=facts["version"],
            objects=tuple(_object(item) for item in facts["objects"]),
            start=facts["start"],
            end=facts["end"],
            confirmed=tuple(_answer(answer) for answer in facts.get("confirmed", ())),
            published_at=folder_at(folder).modified(f"{_STEM}-{n}.json"),
        )


def _home(folder: Place, *, shared: bool) -> Place:
    """Give the folder of an object's file: its month's, or the one beside all months."""
    return folder.with_name("shared") if shared else folder


def _file(folder: Place, item: dict[str, Any]) -> Place:
    return _home(folder, shared=item["described"].get("shared", False)) / str(item["file"])


def _is_sound(path: Place, sha256: str) -> bool:
    try:
        pointers.check_file(path, sha256)
    except CorruptFile:
        return False
    return True


def _notes(folder: Place) -> list[str]:
    names = folder_at(folder).names()
    return sorted(name for name in names if re.fullmatch(rf"{_NOTE}-.+\.json", name))


def _read_notes(folder: Place) -> list[tuple[Place, dict[str, Any]]]:
    read = folder_at(folder).read
    return [(folder / name, pointers.unsealed(read(name), folder)) for name in _notes(folder)]


def _noted(folder: Place) -> Iterator[Place]:
    """Give the notes of a month, and the files that they hold."""
    for note, item in _read_notes(folder):
        yield from (note, _file(folder, item))


def _listed(folder: Place, payload: bytes) -> list[Place]:
    return [_file(folder, item) for item in pointers.unsealed(payload, folder)["objects"]]


def _require_there(folder: Place, items: Iterable[RawObject]) -> None:
    for item in items:
        path = _home(folder, shared=item.described.shared) / item.file
        if not folder_at(path.parent).exists(path.name):
            raise pointers.missing(path, item.sha256)


def _remove_notes(folder: Place) -> None:
    for name in _notes(folder):
        folder_at(folder).delete(name)


def _facts(
    items: tuple[RawObject, ...],
    start: Micros | None,
    end: Micros,
    confirmed: tuple[Confirmation, ...],
) -> tuple[str, dict[str, Any]]:
    """Give the version of a list of objects, and what its manifest says."""
    facts: dict[str, Any] = {"objects": [asdict(i) for i in items], "start": start, "end": end}
    identity = [start, end, [(i.described.name, i.described.end, i.sha256) for i in items]]
    if confirmed:
        facts["confirmed"] = [asdict(answer) for answer in confirmed]
        identity.append(facts["confirmed"])
    return content_hash(identity), facts


def _answer(facts: dict[str, Any]) -> Confirmation:
    return Confirmation(**(facts | {"asked": tuple(facts["asked"])}))


def _object(facts: dict[str, Any]) -> RawObject:
    return RawObject(**(facts | {"described": VendorObject(**facts["described"])}))


def _write(folder: Place, described: VendorObject, data: bytes) -> RawObject:
    if not _NAME.fullmatch(described.name):
        raise CorruptFile(
            "The vendor's object has a name that cannot be a file",
            expected="letters, digits, . _ -",
            found=repr(described.name)[:120],
        )
    suffix = _SUFFIX[described.kind]
    folder = _home(folder, shared=described.shared)
    path = pointers.write_immutable(folder, described.name.removesuffix(suffix), suffix, data)
    return RawObject(described, path.name, sha256_hex(data), len(data))

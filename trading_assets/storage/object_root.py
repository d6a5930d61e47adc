"""Object stores as roots: `s3://bucket/prefix`, through obstore; a conditional put makes a name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from trading_assets.domain.errors import ConfigurationError, StorageUnavailable
from trading_assets.domain.ids import OBJECT_STORE_URL, Micros, sha256_hex

_MOST_OF_A_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class ObjectPath:
    """A place in an object store: joins and prints like a path; nothing is opened by it.

    Attributes:
        bucket: `s3://<bucket>`.
        key: inside the bucket, without a slash at either end; "" is the bucket itself.
    """

    bucket: str
    key: str

    @classmethod
    def from_url(cls, url: str) -> ObjectPath:
        """Read `s3://bucket/prefix`.

        Raises:
            ConfigurationError: if it is not such a URL; it is not shown, since people put
                credentials into URLs.
        """
        match = OBJECT_STORE_URL.fullmatch(url)
        if match is None:
            raise ConfigurationError(
                "Not the address of an object store",
                expected="s3://bucket/prefix of letters, digits and . _ - =, without credentials",
                found="another text (not shown)",
                fix="Credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            )
        return cls(f"s3://{match['bucket']}", match["prefix"].strip("/"))

    @property
    def name(self) -> str:
        """Last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> ObjectPath:
        """The folder that it lies in."""
        return replace(self, key=self.key.rpartition("/")[0])

    def with_name(self, name: str) -> ObjectPath:
        """Give the place beside it of another name."""
        return self.parent / name

    def __truediv__(self, name: str) -> ObjectPath:
        return replace(self, key=f"{self.key}/{name}" if self.key else name)

    def __lt__(self, other: ObjectPath) -> bool:
        return str(self) < str(other)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    def folder(self) -> ObjectFolder:
        """Give what can be done in it, as a folder."""
        return ObjectFolder(self)


class ObjectFolder:
    """The objects below one prefix. An object appears whole or not at all: there is no leftover."""

    def __init__(self, place: ObjectPath) -> None:
        self.place = place

    def read(self, name: str) -> bytes:
        """Read a whole object."""
        import obstore

        with self._said(name):
            return bytes(obstore.get(self._store, self._key(name)).bytes())

    def create(self, name: str, data: bytes) -> bool:
        """Put an object on condition that there is none of this name; False when there is.

        When the answer to a put is lost on the way, the repeated put finds the name taken and the
        call says False: a caller then fails as if another writer had won, and the next run finds
        what it wrote.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._said(name):
            try:
                obstore.put(self._store, self._key(name), data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def exists(self, name: str) -> bool:
        """Tell whether there is an object."""
        try:
            self._head(name)
        except FileNotFoundError:
            return False
        return True

    def modified(self, name: str) -> Micros:
        """Give the time of an object, of one second's resolution at some vendors."""
        at = self._head(name)["last_modified"]
        return int(at.timestamp()) * 1_000_000 + int(at.microsecond)

    def size(self, name: str) -> int:
        """Give the bytes of an object."""
        return int(self._head(name)["size"])

    def names(self) -> list[str]:
        """List the objects directly inside."""
        return [str(item["path"]).rpartition("/")[2] for item in self._listing()["objects"]]

    def folders(self) -> list[str]:
        """List the prefixes directly inside, sorted."""
        prefixes = self._listing()["common_prefixes"]
        return sorted(str(prefix).rstrip("/").rpartition("/")[2] for prefix in prefixes)

    def delete(self, name: str) -> None:
        """Remove an object."""
        import obstore

        try:
            with self._said(name):
                obstore.delete(self._store, self._key(name))
        except FileNotFoundError:
            return

    def digest(self, name: str) -> tuple[str, int]:
        """Give SHA-256 and size of an object."""
        data = self.read(name)
        return sha256_hex(data), len(data)

    def sweep(self) -> int:
        """Find nothing: a put that did not finish left no object."""
        return 0

    @property
    def _store(self) -> Any:
        return _open_bucket(self.place.bucket)

    def _key(self, name: str) -> str:
        return (self.place / name).key

    def _head(self, name: str) -> Any:
        import obstore

        with self._said(name):
            return obstore.head(self._store, self._key(name))

    def _listing(self) -> Any:
        import obstore

        with self._said(""):
            try:
                return obstore.list_with_delimiter(self._store, self.place.key or None)
            except FileNotFoundError as error:  # an empty prefix lists nothing; this is the bucket
                raise _unavailable(self.place, error) from None

    @contextmanager
    def _said(self, name: str) -> Iterator[None]:
        """Turn the library's errors into ours; a missing object stays FileNotFoundError."""
        from obstore.exceptions import BaseError

        try:
            yield
        except BaseError as error:
            raise _unavailable(self.place / name if name else self.place, error) from None


@cache
def _open_bucket(bucket: str) -> Any:
    """Open a bucket with the settings of the standard AWS variables, once per process."""
    from obstore.store import from_url

    return from_url(bucket)


def _unavailable(place: ObjectPath, error: Exception) -> StorageUnavailable:
    # Signatures travel in headers, which messages do not hold; what follows the first line is bulk.
    first_line = str(error).splitlines()[0][:_MOST_OF_A_MESSAGE]
    return StorageUnavailable(
        f"The object store did not serve {place}",
        expected="a bucket that this process may use",
        found=first_line,
        fix="Check the bucket, the network, and the variables AWS_REGION, AWS_ENDPOINT_URL, "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; then run again.",
    )

"""Streams of a Redis server, each mirrored to the channel of its name, and how far each has come.

Where the writer stands lies beside the stream, in the hash `<stream>:cursor`, and both move in one
transaction (WATCH, MULTI, EXEC). Whoever dies in between, the writer or the server, the two agree
afterwards: what the cursor says was added is in the stream, once. A server that comes back with an
older state, from its last snapshot, has an older cursor as well, and is told the rest again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trading_assets.domain.errors import ConfigurationError, ConflictError, StorageUnavailable

if TYPE_CHECKING:
    from trading_assets.declarations.redis import Redis as Terms

PAYLOAD, ROW = "payload", "row"
"""Fields of an entry: the JSON document, and which row of the desk it is."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """What is added.

    Attributes:
        payload: a JSON document; subscribers of the channel get it as it is.
        row: names the row of the desk; the same row has the same name for ever.
    """

    payload: str
    row: str


class RedisStreams:
    """One server. Not for several threads; connects when it is asked something."""

    def __init__(self, terms: Terms, password: str) -> None:
        """Name the server; nothing is sent.

        Args:
            terms: `[redis]`.
            password: of the user that settings name.
        """
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._max_entries = terms.max_entries
        self.url = terms.url
        self._client: Any = Redis.from_url(
            terms.url,
            username=terms.username or None,
            password=password,
            socket_timeout=terms.timeout_s,
            socket_connect_timeout=terms.timeout_s,
            retry=Retry(NoBackoff(), 0),  # whoever asks knows what to do meanwhile
            decode_responses=True,
        )

    def cursor(self, stream: str) -> dict[str, str]:
        """Give how far a stream has come, as the last `add` left it; empty for a new one.

        Raises:
            ConfigurationError: if the server refuses the user, or what it asks for.
            StorageUnavailable: if the server cannot be asked.
        """
        with self._translated():
            found: dict[str, str] = self._client.hgetall(_cursor(stream))
            return found

    def add(
        self,
        stream: str,
        entries: Sequence[StreamEntry],
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        """Add entries, publish their payloads, and move the cursor: all of it or nothing.

        Args:
            stream: its name, which is the channel's as well.
            entries: oldest first; older ones are trimmed beyond `max_entries`.
            before: the cursor that they were chosen by.
            after: the cursor from now on.

        Raises:
            ConflictError: if the cursor is another by now; nothing was added.
            ConfigurationError: as `cursor`; or if the key is no stream.
            StorageUnavailable: if the server cannot be asked, has no room, or went away: then only
                the cursor tells whether they were added.
        """
        key = _cursor(stream)
        with self._translated(), self._client.pipeline(transaction=True) as pipe:
            pipe.watch(key)
            if pipe.hgetall(key) != before:
                raise _moved(stream)
            self._require_stream(stream, str(pipe.type(stream)))
            pipe.multi()
            for entry in entries:
                fields = {PAYLOAD: entry.payload, ROW: entry.row}
                pipe.xadd(stream, fields, maxlen=self._max_entries, approximate=False)
                pipe.publish(stream, entry.payload)
            changed = {name: at for name, at in after.items() if before.get(name) != at}
            if changed:
                pipe.hset(key, mapping=changed)
            if gone := [name for name in before if name not in after]:
                pipe.hdel(key, *gone)
            pipe.execute()

    def close(self) -> None:
        """Leave the server."""
        self._client.close()

    def _require_stream(self, stream: str, kind: str) -> None:
        """Refuse a foreign key: a transaction of Redis would move the cursor without adding."""
        if kind not in ("none", "stream"):
            raise ConfigurationError(
                f"The key {stream} at {self.url} is something else",
                expected="a stream, or nothing",
                found=f"a {kind}",
                fix="Give the desk a database of its own in redis.url, or rename that key.",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Make errors ours: those that a person has to mend, and those that pass."""
        from redis.exceptions import (
            AuthenticationError,
            NoPermissionError,
            RedisError,
            WatchError,
        )

        try:
            yield
        except (AuthenticationError, NoPermissionError) as error:
            raise ConfigurationError(
                f"Redis at {self.url} refuses",
                expected="the password of the user, and the rights of docs/how-to/redis.md",
                found=str(error)[:200],
                fix="Set redis.username and TA_REDIS_PASSWORD, or the rights of the user.",
            ) from error
        except WatchError as error:
            raise _moved("one of the streams") from error
        except (RedisError, OSError) as error:
            raise StorageUnavailable(
                f"Redis at {self.url} takes nothing",
                expected="an answer",
                found=f"{type(error).__name__}: {error}"[:200],
                fix="Nothing is lost: it is told when it answers again.",
            ) from error


def _cursor(stream: str) -> str:
    return f"{stream}:cursor"


def _moved(stream: str) -> ConflictError:
    return ConflictError(
        f"Somebody else writes to {stream}, or Redis went away",
        expected="the cursor as it was read",
        found="another",
        fix="Nothing was added. Run one mirror of a desk.",
    )

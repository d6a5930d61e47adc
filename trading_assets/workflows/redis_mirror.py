"""Mirror what is new on a desk to streams of Redis; what it misses while away it is told later."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from trading_assets.adapters.redis_streams import RedisStreams, StreamEntry
from trading_assets.declarations.redis import MOST_AT_ONCE
from trading_assets.domain.errors import ConflictError, StorageUnavailable, TradingAssetsError
from trading_assets.workflows.redis_updates import Update, UpdateSource

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LOG = logging.getLogger(__name__)


class RedisMirror:
    """Reads the desk, writes to Redis, and keeps nothing that has to survive."""

    def __init__(
        self, streams: RedisStreams, sources: Sequence[UpdateSource], *, poll_s: float
    ) -> None:
        """Join them.

        Args:
            streams: the server.
            sources: of one stream each.
            poll_s: pause between two looks when all is well.
        """
        self._streams, self._sources, self._poll_s = streams, sources, poll_s
        self._failures = 0
        self._said: dict[str, str] = {}

    def turn(self, is_ending: Callable[[], bool] = lambda: False) -> float:
        """Tell everything that is new, and give the seconds until the next turn.

        What cannot be read on the desk is logged once and hides no other stream.

        Args:
            is_ending: asked before each transaction; what is left is told next time.

        Raises:
            ConfigurationError: if Redis refuses the user, or a key is in the way.
        """
        try:
            for source in self._sources:
                self._mirror(source, is_ending)
        except ConflictError as error:
            _LOG.warning("%s", error)  # the next turn begins with the cursor as it is then
            return self._poll_s
        except StorageUnavailable as error:
            self._failures += 1
            doubled = _FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 16)
            pause_s = min(doubled, _LONGEST_PAUSE_S)
            _LOG.warning("%s; again in %.1f s (failure %d)", error, pause_s, self._failures)
            return pause_s
        self._failures = 0
        return self._poll_s

    def _mirror(self, source: UpdateSource, is_ending: Callable[[], bool]) -> None:
        cursor = self._streams.cursor(source.stream)
        new = self._readable(source, dict(cursor))
        while not is_ending() and (updates := list(islice(new, MOST_AT_ONCE))):
            after = dict(cursor)
            for update in updates:
                if update.position is None:
                    after.pop(update.key, None)
                else:
                    after[update.key] = update.position
            entries = [StreamEntry(json.dumps(each.document), each.row) for each in updates]
            self._streams.add(source.stream, entries, cursor, after)
            cursor = after

    def _readable(self, source: UpdateSource, cursor: dict[str, str]) -> Iterator[Update]:
        """Yield what can be read; that something cannot is for a person, once."""
        try:
            yield from source.after(cursor)
        except TradingAssetsError as error:
            if self._said.get(source.stream) != str(error):
                _LOG.exception("%s is not told everything", source.stream)
            self._said[source.stream] = str(error)
        else:
            self._said.pop(source.stream, None)

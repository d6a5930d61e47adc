"""What a process logs: every library's records in one form, on stderr, without a secret in them.

For people on a terminal, else one JSON object per line, with the names that the lines of a live
book's journal have (`live.supervision.log_lines`). Begun where a process begins, never on import.
"""

from __future__ import annotations

import atexit
import logging
import queue
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from types import TracebackType
from typing import Any, TextIO

from trading_assets.live.supervision.masking import Masking
from trading_assets.settings import Settings

FIELDS = (
    "book", "run_id", "oco_id", "order_ref", "symbol", "side", "prices", "reason",
)  # fmt: skip
"""Values that any record may have, by `extra=` or `bound`; null where it has not."""

_OF_FORMATTERS = ("message", "asctime")
"""What another handler's formatter has left in a record."""

_PROGRAM = "trading_assets"
_bound: dict[str, str] = {}


def begin_logging(
    settings: Settings, *, in_background: bool = False, leave_out: tuple[str, ...] = ()
) -> None:
    """Write the records of this process; called again it replaces what it did before.

    The libraries that write are loaded with the first record.

    Args:
        settings: of form and level, and whose secrets are masked.
        in_background: write in a thread of its own, so that a slow terminal or a full pipe holds up
            nobody; what a killed process has not written is lost.
        leave_out: loggers whose records somebody else writes, with all below them.

    Raises:
        ConfigurationError: if there is a DSN of Sentry and no Sentry, or it is none.
    """
    masking = Masking(settings.secret_values)
    written = _Stderr()
    written.setFormatter(_Form(settings.logging.format, masking))
    handler: logging.Handler = _Handed(written) if in_background else written
    handler.addFilter(lambda record: not _is_of(record.name, leave_out))
    end_logging()
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(settings.logging.level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).disabled = False  # Dagster silences whatever was there before it
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread
    if settings.sentry_dsn is not None:
        from trading_assets.workflows.error_reports import begin_reports

        begin_reports(settings.sentry_dsn.get_secret_value(), masking)


def end_logging() -> None:
    """Write what waits to be written, and stop; without a beginning it does nothing."""
    root = logging.getLogger()
    for each in list(root.handlers):
        if isinstance(each, _Stderr | _Handed):
            root.removeHandler(each)
            each.close()


@contextmanager
def bound(**values: str) -> Iterator[None]:
    """Put values into every record of this process, whichever thread logs it.

    Threads inherit no context, and a process has one executor, so that they are the process's.
    """
    before = dict(_bound)
    _bound.update(values)
    try:
        yield
    finally:
        _bound.clear()
        _bound.update(before)


def take_uncaught() -> None:
    """Log the error that is about to end this process, in place of a bare traceback."""
    sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    failed = (kind, error, trace)
    logging.getLogger(_PROGRAM).critical("This is a bug: the program fails", exc_info=failed)


def _uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is None or failed.exc_type is SystemExit:
        return
    name = failed.thread.name if failed.thread else "?"
    known = (failed.exc_type, failed.exc_value, failed.exc_traceback)
    logging.getLogger(_PROGRAM).critical("Thread %s fails", name, exc_info=known)


def _is_of(name: str, loggers: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in loggers)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Handed(QueueHandler):
    """Hands records over whole, for they stay in this process, to a thread that writes them."""

    def __init__(self, written: logging.Handler) -> None:
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        super().__init__(waiting)
        self._writer: QueueListener | None = QueueListener(waiting, written)
        self._writer.start()
        atexit.register(self.close)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def close(self) -> None:
        """Write what waits, and end the thread; a second time it does nothing."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()
            atexit.unregister(self.close)
        super().close()


class _Form(logging.Formatter):
    """Text or JSON, chosen and loaded with the first record."""

    def __init__(self, form: str, masking: Masking) -> None:
        super().__init__()
        self._form, self._masking = form, masking
        self._inner: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._inner is None:
            is_text = self._form == "text" or (self._form == "auto" and sys.stderr.isatty())
            self._inner = _formatter(self._masking, is_text=is_text)
        return self._inner.format(record)


def _formatter(masking: Masking, *, is_text: bool) -> logging.Formatter:
    import structlog

    last: list[Any]
    if is_text:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)]
    else:
        last = [structlog.processors.JSONRenderer(ensure_ascii=False, default=str)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
        processors=[
            _shaped,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_nulls if is_text else _as_it_is,
            lambda _, __, values: masking.masked_values(values),
            *last,
        ],
    )


def _shaped(_: Any, __: str, values: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Give the values of a record: those that every record has first, always in the same order."""
    record: logging.LogRecord = values["_record"]
    ts = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    shaped: dict[str, Any] = {
        "ts": ts,
        "level": record.levelname.lower(),
        "event": values.pop("event"),
        "logger": record.name,
    }
    shaped |= {name: values.pop(name, None) or _bound.get(name) for name in FIELDS}
    for name in _OF_FORMATTERS:
        values.pop(name, None)
    return {**shaped, **values}


def _as_it_is(_: Any, __: str, values: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return values


def _without_nulls(_: Any, __: str, values: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what a record has not: people read what is there."""
    told = {name: each for name, each in values.items() if each is not None}
    return {"timestamp" if name == "ts" else name: each for name, each in told.items()}

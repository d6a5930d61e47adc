"""Exceptions, named for what happens next.

TradingAssetsError
├── ConfigurationError      fix the setting and start again
├── DataError               the partition is not materialised; downstream must not run
│   ├── UnknownSymbol       the symbol is not in settings, or not listed at the venue
│   ├── NotTraded           the month is outside a symbol's listing; there is nothing to do
│   ├── MissingPartition    materialise the named upstream first
│   ├── CorruptFile         the bytes are not what the manifest or the vendor says
│   │   └── LedgerBroken    trials were cut, edited or lost; nothing is promoted until restored
│   ├── ConflictError       another writer published first; read again
│   └── StorageUnavailable  the disk is full or the object store refuses; mend it, run again
├── VenueError              something happened at, or on the way to, the venue
│   ├── VenueUnavailable    retry later; nothing was executed
│   ├── RateLimited         wait `retry_after_ms`, then retry
│   │   └── VenueBanned     the same, for minutes to days: a person should know
│   ├── OrderRejected       a definite refusal; never retry the same order
│   ├── OrderArchived       it ended without an execution, so long ago that nothing else is kept
│   └── OutcomeUnknown      ask the venue before anything else; never resend
├── AlertUndelivered        a channel to people does not take a message; it is sent again later
│   └── AlertRefused        it never takes this one; the next are sent
├── LeaseHeld               another executor owns this book; attach or wait
├── RecoveryError           a person reconciles before trading continues
│   └── JournalUnwritable   the disk refuses; the book is halted and its process ends
└── InvariantError          a bug; stop trading
    └── RulesChanged        the record is of other rules; run the code of its time
"""


class TradingAssetsError(Exception):
    """Base of every error of this product.

    The message says what is wrong, what was expected, what was found and what to do next; the same
    four facts are attributes, so that interfaces can lay them out.
    """

    def __init__(self, what: str, *, expected: str = "", found: str = "", fix: str = "") -> None:
        self.what = what
        self.expected = expected
        self.found = found
        self.fix = fix
        parts = [what]
        if expected:
            parts.append(f"expected {expected}")
        if found:
            parts.append(f"found {found}")
        text = "; ".join(parts)
        super().__init__(f"{text}. {fix}" if fix else text)

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process border whole: keyword-only arguments defeat the default."""
        return _rebuild, (type(self), dict(self.__dict__), self.args)


def _rebuild(
    kind: type[TradingAssetsError], state: dict[str, object], args: tuple[object, ...]
) -> TradingAssetsError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(TradingAssetsError):
    """A setting, spec or environment is wrong; fix it and start again."""


class DataError(TradingAssetsError):
    """Data is missing or wrong; nothing was published."""


class UnknownSymbol(DataError):
    """The symbol is malformed, not configured, or not listed at the venue."""


class NotTraded(DataError):
    """A symbol was not traded in the month: not listed yet or no more, or not in it so far."""


class MissingPartition(DataError):
    """An upstream partition has not been materialised."""


class CorruptFile(DataError):
    """Bytes on disk or from a vendor differ from their checksum or schema."""


class LedgerBroken(CorruptFile):
    """The ledger of trials was cut, edited, replaced or lost; what was tried is not known."""


class ConflictError(DataError):
    """Another writer published this partition first; nothing was overwritten."""


class StorageUnavailable(DataError):
    """A disk is full or an object store does not answer; what stood before is intact."""


class VenueError(TradingAssetsError):
    """A fault at the venue or on the way to it.

    `code` is the venue's own error code (0 when it gave none), `status` the HTTP status (0 for a
    transport fault).
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str = "",
        found: str = "",
        fix: str = "",
        code: int = 0,
        status: int = 0,
    ) -> None:
        super().__init__(what, expected=expected, found=found, fix=fix)
        self.code = code
        self.status = status


class VenueUnavailable(VenueError):
    """The venue cannot be reached and nothing was executed; retry later."""


class RateLimited(VenueError):
    """The venue refused for weight or order count; nothing was executed."""

    def __init__(
        self, what: str, *, retry_after_ms: int, code: int = -1003, status: int = 429
    ) -> None:
        super().__init__(what, fix=f"Wait {retry_after_ms} ms.", code=code, status=status)
        self.retry_after_ms = retry_after_ms


class VenueBanned(RateLimited):
    """The venue has shut this address out for a while; nothing was executed."""


class OrderRejected(VenueError):
    """The venue refused the order for certain; it does not exist there."""


class OrderArchived(VenueError):
    """The order ended without an execution; the venue has put away all else that it knew."""


class OutcomeUnknown(VenueError):
    """The request may or may not have been executed; query before anything else."""


class AlertUndelivered(TradingAssetsError):
    """A channel to people has not taken a message; it is sent again after a pause.

    Attributes:
        retry_after_s: the shortest pause that the other side asks for, 0 when it does not.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str = "",
        found: str = "",
        fix: str = "",
        retry_after_s: float = 0.0,
    ) -> None:
        super().__init__(what, expected=expected, found=found, fix=fix)
        self.retry_after_s = retry_after_s


class AlertRefused(AlertUndelivered):
    """A channel to people never takes this message; those after it are sent."""


class LeaseHeld(TradingAssetsError):
    """Another live process owns this book."""


class RecoveryError(TradingAssetsError):
    """Local state and evidence disagree; a person decides."""


class JournalUnwritable(RecoveryError):
    """The disk takes no more of the journal; nothing was sent after it."""


class InvariantError(TradingAssetsError):
    """The program is wrong; trading stops."""


class RulesChanged(InvariantError):
    """A record cannot be made again, since the rules that made it are others now."""

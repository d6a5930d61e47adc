"""What people can ask a bot: words in, a text out, by the same use cases as the command line.

Nothing here knows of Telegram. A person has come through the door before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.interfaces.telegram_bot.door import Person
from trading_assets.interfaces.telegram_bot.texts import (
    HELP,
    orders_text,
    status_text,
    strategies_text,
)

if TYPE_CHECKING:
    from trading_assets.workflows.control_book import Asked
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.strategy_cash import StrategyCash

SOURCE = "telegram"
NOTHING_RUNS = "No book runs: nothing is sold. /halt keeps all of them from opening positions."
_NO_REASON = "no reason given"
_ORDERS, _MOST_ORDERS = 10, 50


class Kind(Enum):
    """What a command does; those of one kind wait for each other, and for no other."""

    READS = "reads"
    HALTS = "halts"
    CHANGES = "changes"  # in the order in which they were asked


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the list; `answer` takes the person and the words after its name."""

    answer: Callable[[Person, Sequence[str]], str]
    kind: Kind


class BookCommands:
    """The commands over the books of one desk; each may be called in a thread of its own."""

    def __init__(self, desk: Desk, refusals: Callable[[], str]) -> None:
        """Join a desk to its door.

        Args:
            desk: whose books are asked.
            refusals: says what the door has not let in, "" for nothing.
        """
        self._desk = desk
        self._refusals = refusals
        self._cash: dict[str, StrategyCash] = {}
        self.by_name: Mapping[str, Command] = {
            "help": Command(lambda _person, _words: HELP, Kind.READS),
            "status": Command(self._status, Kind.READS),
            "strategies": Command(self._strategies, Kind.READS),
            "orders": Command(self._orders, Kind.READS),
            "halt": Command(self._halt, Kind.HALTS),
            "resume": Command(self._resume, Kind.CHANGES),
            "stop": Command(self._stop, Kind.CHANGES),
            "start": Command(self._start, Kind.CHANGES),
            "risk": Command(self._risk, Kind.CHANGES),
            "alloc": Command(self._alloc, Kind.CHANGES),
        }

    def answer(self, command: Command, person: Person, words: Sequence[str]) -> str:
        """Do what is asked and tell what came of it; whatever is wrong is told as well."""
        try:
            return command.answer(person, words)
        except TradingAssetsError as error:
            return f"Refused: {_said(error)}"
        except OSError as error:
            return f"The disk refuses: {error.strerror}"

    def question_of_panic(self) -> str:
        """Say what a panic would do now, "" when no book runs."""
        from trading_assets.workflows.panic import running_books

        names = running_books(self._desk)
        idle = [name for name in self._desk.settings.books if name not in names]
        asked = f"Sell everything in {', '.join(names)}?" if names else ""
        return asked + (f" ({', '.join(idle)}: not running)" if idle and names else "")

    def panic(self, person: Person) -> str:
        """Flatten every running book; tell of each."""
        from trading_assets.workflows.panic import flatten_all, running_books

        books = running_books(self._desk)
        found = flatten_all(self._desk, books, who=person.who, reason="panic", source=SOURCE)
        if not found:
            return NOTHING_RUNS
        return "\n".join(
            f"{each.book}: {each.failure or 'FLATTEN, no entry leaves from now on'}"
            for each in found
        )

    # What only looks

    def _status(self, person: Person, words: Sequence[str]) -> str:
        named, _ = self._named(words)
        books = (named,) if named else tuple(self._desk.settings.books)
        told = [self._status_of(book) for book in books]
        return "\n\n".join(text for text in (*told, self._refusals()) if text)

    def _status_of(self, book: str) -> str:
        from trading_assets.storage.journal_reader import FILE
        from trading_assets.workflows.control_book import standing
        from trading_assets.workflows.live_book import live_book
        from trading_assets.workflows.live_status import live_status
        from trading_assets.workflows.strategy_cash import StrategyCash

        place = live_book(self._desk.settings, book)
        try:
            found = live_status(self._desk, book)
            earned = {}
            if found.book and (place.folder / FILE).is_file():
                with place.journal() as journal:
                    cash = self._cash.setdefault(book, StrategyCash(self._desk.releases))
                    earned = cash.read(journal).earned(found.book["positions"])
            release_id = found.release_id
            quote = self._desk.releases.get(release_id).spec.quote if release_id else ""
            return status_text(found, earned, code=standing(place).code, quote=quote)
        except TradingAssetsError as error:  # one book that cannot be read hides no other
            return f"{book}: {_said(error)}"

    def _strategies(self, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.control_strategy import list_strategies

        book, _ = self._book(words)
        return strategies_text(book, list_strategies(self._desk, book))

    def _orders(self, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.book_listing import book_orders

        has_count = bool(words) and words[0].isdecimal()
        count = int(words[0]) if has_count else _ORDERS
        book, _ = self._book(words[1:] if has_count else words)
        page = book_orders(self._desk, book, limit=max(1, min(count, _MOST_ORDERS)))
        return orders_text(book, page.items)

    # What holds back

    def _halt(self, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.panic import running_books

        named, rest = self._named(words)
        books = (named,) if named else running_books(self._desk)
        if not books:  # none runs: then none may begin by itself
            books = tuple(self._desk.settings.books)
        reason = " ".join(rest) or _NO_REASON
        return "\n".join(self._halt_of(book, person, reason) for book in books)

    def _halt_of(self, book: str, person: Person, reason: str) -> str:
        from trading_assets.workflows.control_book import halt_book, standing
        from trading_assets.workflows.live_book import live_book

        try:
            level = HaltLevel.HALT
            halt_book(self._desk, book, level=level, who=person.who, reason=reason, source=SOURCE)
            code = standing(live_book(self._desk.settings, book)).code
        except (TradingAssetsError, OSError) as error:  # of one book; the others are halted too
            return f"{book}: {error}"
        return f"{book}: HALT, no entry leaves from now on. /resume {code} {book} REASON ends it"

    def _stop(self, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.control_strategy import stop_strategy

        name, (book, rest) = self._one_word("/stop NAME", words), self._book(words[1:])
        reason = " ".join(rest) or _NO_REASON
        asked = stop_strategy(self._desk, book, name, who=person.who, reason=reason, source=SOURCE)
        return f"{book}: no entry of {name}. {_when(asked)}"

    def _risk(self, person: Person, words: Sequence[str]) -> str:
        return self._tighten("/risk NAME BPS", "risk_bps", person, words)

    def _alloc(self, person: Person, words: Sequence[str]) -> str:
        return self._tighten("/alloc NAME WEIGHT", "weight", person, words)

    def _tighten(self, usage: str, limit: str, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.control_strategy import tighten_strategy

        name, value = self._one_word(usage, words), self._one_word(usage, words[1:])
        book, rest = self._book(words[2:])
        asked = tighten_strategy(
            self._desk, book, name, {limit: value}, who=person.who,
            reason=" ".join(rest) or _NO_REASON, source=SOURCE,
        )  # fmt: skip
        return f"{book}: {limit} of {name} is {value}. {_when(asked)}"

    # What lets go on: a person says why

    def _start(self, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.start_strategy import start_strategy

        if not words:  # every first chat with a bot begins with this word
            return HELP
        name, (book, rest) = words[0], self._book(words[1:])
        asked = start_strategy(
            self._desk, book, name, who=person.who, reason=" ".join(rest), source=SOURCE
        )
        return f"{book}: {name} may open positions again. {_when(asked)}"

    def _resume(self, person: Person, words: Sequence[str]) -> str:
        from trading_assets.workflows.resume_book import resume_book

        code = self._one_word("/resume CODE REASON", words)
        named, rest = self._named(words[1:])
        book = named or self._halted_by(code)
        asked = resume_book(
            self._desk, book, reason=" ".join(rest), operator=person.who, code=code, source=SOURCE
        )
        return f"{book}: may open positions again. {_when(asked)}"

    # Which book is meant

    def _named(self, words: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Give the book that the first word names, "" when it names none, and what is left."""
        if words and words[0] in self._desk.settings.books:
            return words[0], words[1:]
        return "", words

    def _book(self, words: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Give the book that is meant: the one named, the only one, or the only one that runs."""
        from trading_assets.workflows.panic import running_books

        named, rest = self._named(words)
        if named:
            return named, rest
        names = tuple(self._desk.settings.books)
        running = names if len(names) == 1 else running_books(self._desk)
        if len(running) != 1:
            raise ConfigurationError(
                f"Which book? Name one of {', '.join(names)}",
                found=f"{len(running)} that run",
            )
        return running[0], rest

    def _halted_by(self, code: str) -> str:
        """Give the book whose halt has this code."""
        from trading_assets.workflows.control_book import standing
        from trading_assets.workflows.live_book import live_book

        for book in self._desk.settings.books:
            if standing(live_book(self._desk.settings, book)).code == code.strip().upper():
                return book
        raise ConfigurationError("No halt has this code; /status shows it", found=repr(code)[:20])

    @staticmethod
    def _one_word(usage: str, words: Sequence[str]) -> str:
        if not words:
            raise ConfigurationError(f"Say {usage}", found="a word too few")
        return words[0]


def _said(error: TradingAssetsError) -> str:
    """Never what was expected: of a resume that is the code, which is to be read first."""
    return error.what + (f"; found {error.found}" if error.found else "")


def _when(asked: Asked) -> str:
    now = "The executor takes it now." if asked.is_running else "Taken when the book is started."
    return f"Command {asked.inbox_id}. {now}"

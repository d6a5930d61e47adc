"""What the control endpoint answers: one request as values in, status and JSON out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.interfaces.http_api.tokens import Scope, Tokens

if TYPE_CHECKING:
    from trading_assets.workflows.control_book import Asked
    from trading_assets.workflows.desk import Desk

MOST_BYTES = 4096
_PATH = re.compile(r"/books/([a-z0-9][a-z0-9_]{0,39})(?:/([a-z-]{1,20}))?")
_SOURCE = "http"
_KINDS = {
    "cancel-all": CommandKind.CANCEL_ALL,
    "reconcile": CommandKind.RECONCILE_STATE,
    "snapshot": CommandKind.SAVE_SNAPSHOT,
}
_HALTS = {
    "pause": HaltLevel.PAUSE,
    "halt": HaltLevel.HALT,
    "flatten": HaltLevel.FLATTEN,
}
_SCOPES = {"pause": Scope.HALT, "halt": Scope.HALT}
_TEXTS = ("reason", "who", "code", "symbol")


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    values: dict[str, Any]


class Routes:
    """The endpoint without its socket."""

    def __init__(self, desk: Desk, tokens: Tokens, hosts: frozenset[str]) -> None:
        """Join a desk to its tokens.

        Args:
            desk: whose books are asked.
            tokens: say who may ask for what.
            hosts: the values of `Host` that are ours; any other is a page's of somebody else.
        """
        self._desk = desk
        self._tokens = tokens
        self._hosts = hosts

    def answer(self, request: Request) -> Answer:
        """Answer one request; whatever is wrong with it is an answer too."""
        refused = self._refusal(request)
        if refused is not None:
            return refused
        match = _PATH.fullmatch(request.path)
        if match is None:
            return _no(404, "there is /books/<book> and /books/<book>/<action>")
        book, action = match[1], match[2] or ""
        scope = self._scope(request)
        if scope < _SCOPES.get(action, Scope.CONTROL if action else Scope.HALT):
            status = 403 if scope else 401
            return _no(status, "this needs the control token" if scope else "a bearer token")
        return self._done(request, book, action)

    def _done(self, request: Request, book: str, action: str) -> Answer:
        try:
            return self._do(request, book, action)
        except ConfigurationError as error:
            return _no(409, error.what, error)
        except TradingAssetsError as error:
            return _no(503, error.what, error)
        except OSError as error:
            return _no(503, f"the disk refuses: {error.strerror}")

    def _refusal(self, request: Request) -> Answer | None:
        """Refuse what no program of ours sends: it may come from a web page."""
        if request.headers.get("host", "").lower() not in self._hosts:
            return _no(421, "this is not the host that was asked")
        if "origin" in request.headers:
            return _no(403, "not for web pages")
        if request.method not in {"GET", "POST"}:
            return _no(405, "GET and POST only")
        if request.method == "POST":
            kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind != "application/json":
                return _no(415, "application/json only")
        return None

    def _scope(self, request: Request) -> Scope:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return Scope.NOTHING
        return self._tokens.scope(token.strip())

    def _do(self, request: Request, book: str, action: str) -> Answer:
        from trading_assets.workflows.control_book import standing
        from trading_assets.workflows.live_book import live_book

        if book not in self._desk.settings.books:
            return _no(404, "no such book")
        if request.method == "GET":
            if action:
                return _no(405, "POST only")
            found = standing(live_book(self._desk.settings, book))
            values = {"level": found.level.name, "reason": found.reason}
            may_resume = self._scope(request) is Scope.CONTROL
            return Answer(200, values | ({"code": found.code} if may_resume else {}))
        words = _words(request.body, may_limit=action == "tighten")
        if isinstance(words, str):
            return _no(400, words)
        return self._post(book, action, words)

    def _post(self, book: str, action: str, words: dict[str, Any]) -> Answer:
        from trading_assets.workflows.control_book import ask_book, halt_book, tighten_book
        from trading_assets.workflows.resume_book import resume_book

        who, reason = words["who"], words["reason"]
        if action in _HALTS:
            level = _HALTS[action]
            return _taken(
                halt_book(self._desk, book, level=level, who=who, reason=reason, source=_SOURCE)
            )
        if action in _KINDS:
            kind = _KINDS[action]
            return _taken(ask_book(self._desk, book, kind, who=who, reason=reason, source=_SOURCE))
        if action == "acknowledge":
            kind, symbol = CommandKind.ACKNOWLEDGE_SYMBOL, {"symbol": words["symbol"].upper()}
            return _taken(
                ask_book(
                    self._desk, book, kind, who=who, reason=reason, source=_SOURCE, arguments=symbol
                )
            )
        if action == "tighten":
            limits = words["limits"]
            return _taken(
                tighten_book(self._desk, book, limits, who=who, reason=reason, source=_SOURCE)
            )
        if action == "resume":
            code = words["code"]
            return _taken(
                resume_book(
                    self._desk, book, reason=reason, operator=who, code=code, source=_SOURCE
                )
            )
        actions = ", ".join(sorted({*_HALTS, *_KINDS, "acknowledge", "resume", "tighten"}))
        return _no(404, f"a book can be asked for {actions}")


def _words(body: bytes, *, may_limit: bool) -> dict[str, Any] | str:
    """Give the words of a body, or what is wrong with it; a halt in a hurry has none."""
    try:
        values = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return "the body is no JSON, or one too deep"
    names = {*_TEXTS, "limits"} if may_limit else set(_TEXTS)
    if not isinstance(values, dict) or not values.keys() <= names:
        return f"an object with no more than {', '.join(sorted(names))}"
    limits = values.pop("limits", {})
    if not all(isinstance(value, str) for value in values.values()):
        return "texts only"
    if not isinstance(limits, dict):
        return "limits as an object of numbers"
    return {name: values.get(name, "") for name in _TEXTS} | {"limits": limits}


def _taken(asked: Asked) -> Answer:
    return Answer(202, asdict(asked))


def _no(status: int, what: str, error: TradingAssetsError | None = None) -> Answer:
    values = {"error": what}
    if error is not None:
        # Never what was expected: of a resume that is the code, which is shown to readers only.
        values |= {"found": error.found}
    return Answer(status, values)

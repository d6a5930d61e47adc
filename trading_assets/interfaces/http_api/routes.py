"""What the control endpoint answers: one request as values in, status and JSON out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.errors import ConfigurationError, RecoveryError, TradingAssetsError
from trading_assets.interfaces.http_api.rate import TokenBucket
from trading_assets.interfaces.http_api.tokens import Scope, Tokens

if TYPE_CHECKING:
    from trading_assets.live.ports import LocalTime
    from trading_assets.workflows.control_book import Asked
    from trading_assets.workflows.desk import Desk

MOST_BYTES = 4096
PER_S, BURST = 5.0, 20
"""Requests with one token, halts apart; each command is a durable row that the executor takes in
between bars, so a program gone wild must not fill the inbox."""
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
    """What is sent back; `retry_after_s` above 0 says when to ask again."""

    status: int
    values: dict[str, Any]
    retry_after_s: int = 0


class Routes:
    """The endpoint without its socket."""

    def __init__(self, desk: Desk, tokens: Tokens, hosts: frozenset[str], local: LocalTime) -> None:
        """Join a desk to its tokens.

        Args:
            desk: whose books are asked.
            tokens: say who may ask for what.
            hosts: the values of `Host` that are ours; any other is a page's of somebody else.
            local: monotonic time, for the limit on requests. Each token has its own, so that who
                may only halt keeps nobody from a resume; without a token an answer costs nothing.
        """
        self._desk = desk
        self._tokens = tokens
        self._hosts = hosts
        self._buckets = {
            scope: TokenBucket(local, per_s=PER_S, burst=BURST)
            for scope in (Scope.HALT, Scope.CONTROL)
        }

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
        wait_s = 0.0 if action in _HALTS else self._buckets[scope].take()
        if wait_s > 0:
            values = {"error": f"more than {BURST} requests at once or {PER_S:g} a second"}
            return Answer(429, values, retry_after_s=math.ceil(wait_s))
        return self._done(request, book, action)

    def _done(self, request: Request, book: str, action: str) -> Answer:
        try:
            return self._do(request, book, action)
        except ConfigurationError as error:
            return _no(409, error.what, error)
        except RecoveryError as error:
            halts = request.method == "POST" and action in _HALTS
            also = "; the book is halted all the same, by its latch" if halts else ""
            return _no(503, error.what + also, error)
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
            return self._acknowledge(book, words)
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

    def _acknowledge(self, book: str, words: dict[str, Any]) -> Answer:
        from trading_assets.workflows.control_book import ask_book

        symbol = words["symbol"].upper()
        if not symbol:
            return _no(400, "a symbol, or `all` for what pauses the book")
        arguments = {"symbol": "" if symbol == "ALL" else symbol}
        who, reason = words["who"], words["reason"]
        kind = CommandKind.ACKNOWLEDGE_SYMBOL
        return _taken(
            ask_book(
                self._desk, book, kind, who=who, reason=reason, source=_SOURCE, arguments=arguments
            )
        )


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

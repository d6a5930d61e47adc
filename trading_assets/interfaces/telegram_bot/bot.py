"""A Telegram bot over the books of a desk: asks for news, answers, and never waits for an answer.

Long polling only: nothing listens. Commands run in threads, one for each kind: what halts waits for
nothing that only reads, and what changes something is done in the order in which it was asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.telegram_bot.commands import NOTHING_RUNS, BookCommands, Kind
from trading_assets.interfaces.telegram_bot.confirmations import Confirmations, Pressed
from trading_assets.interfaces.telegram_bot.door import Came, Door, Person, Refusal
from trading_assets.interfaces.telegram_bot.outbox import (
    LONGEST_TEXT,
    Delivery,
    Outbox,
    Outgoing,
)
from trading_assets.interfaces.telegram_bot.texts import HELP
from trading_assets.live.ports import LocalTime

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message, Update

    from trading_assets.declarations.telegram import Telegram
    from trading_assets.domain.ports import Clock

_LONGEST_PAUSE_S = 30.0
_LAST_WORDS_S = 2.0
_KINDS = ["message", "edited_message", "callback_query"]
_SURE, _REALLY = "panic1", "panic2"
_log = logging.getLogger(__name__)


class TelegramBot:
    """One bot. Everything but the commands themselves happens in one event loop."""

    def __init__(
        self,
        commands: BookCommands,
        door: Door,
        terms: Telegram,
        token: str,
        *,
        clock: Clock,
        local: LocalTime,
    ) -> None:
        """Join the parts; nobody is asked for anything yet.

        Args:
            commands: what can be asked.
            door: who is obeyed.
            terms: where the Bot API is, and how long it may take to answer.
            token: of the bot; it is part of every address that is asked.
            clock: tells how old a message is.
            local: tells how old a button is.
        """
        from telegram import Bot
        from telegram.request import HTTPXRequest

        self._commands = commands
        self._door = door
        self._poll_s = terms.poll_s
        self._clock = clock
        self._confirmations = Confirmations(local)
        self._outbox = Outbox(self._send)
        self._pools = {kind: ThreadPoolExecutor(1, f"telegram-{kind.value}") for kind in Kind}
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen = 0  # number of the latest piece of news, 0 before any
        wait_s = terms.timeout_s
        request = partial(
            HTTPXRequest, read_timeout=wait_s, write_timeout=wait_s, connect_timeout=wait_s
        )
        self._bot = Bot(
            token,
            base_url=f"{terms.api_url}/bot",
            request=request(),
            get_updates_request=request(),
        )

    async def serve(self, stop: asyncio.Event) -> None:
        """Obey until `stop` is set, once; a Telegram that is silent is asked again and again.

        Raises:
            ConfigurationError: if Telegram does not know the token.
        """
        sending = asyncio.create_task(self._outbox.run())
        hearing = asyncio.create_task(self._hear())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({hearing, sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (hearing, sending):
                if task.done():
                    task.result()
        finally:
            await self._close((hearing, sending, stopping))

    async def _close(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Let what was asked be done and, within a little time, be said."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
        for pool in self._pools.values():
            pool.shutdown()
        try:
            await asyncio.wait_for(self._outbox.flush(), _LAST_WORDS_S)
        except TimeoutError:
            _log.warning("the last answers were not delivered")
        await self._forget_news()
        await self._bot.shutdown()

    async def _forget_news(self) -> None:
        """Tell Telegram what was heard, or the next process would obey the last of it again."""
        from telegram.error import TelegramError

        if not self._seen:
            return
        asked = self._bot.get_updates(offset=self._seen + 1, timeout=0, allowed_updates=_KINDS)
        try:
            await asyncio.wait_for(asked, _LAST_WORDS_S)
        except (TimeoutError, TelegramError) as error:
            _log.warning("the latest news may be heard again: %s", type(error).__name__)

    # Hearing

    async def _hear(self) -> None:
        """Ask for news for ever; what fails is asked again, ever more slowly."""
        from telegram.error import InvalidToken, TelegramError

        bot, pause_s, is_known = self._bot, 0.0, False
        while True:
            await asyncio.sleep(pause_s)
            try:
                if not is_known:
                    await bot.initialize()
                    is_known = True
                    _log.info("@%s listens", bot.username)
                news = await bot.get_updates(
                    offset=self._seen + 1 if self._seen else None,
                    timeout=self._poll_s,
                    allowed_updates=_KINDS,
                )
            except InvalidToken:
                raise ConfigurationError(
                    "Telegram does not know the bot's token",
                    expected="the token that @BotFather gave",
                    found="a refusal",
                    fix="Set TA_TELEGRAM_BOT_TOKEN, or that file in TA_SECRETS_DIR, anew.",
                ) from None
            except TelegramError as error:
                pause_s = _pause(error, pause_s)
                _log.warning("no news: %s; again in %g s", type(error).__name__, pause_s)
                continue
            pause_s = 0.0
            for update in news:
                self._seen = update.update_id
                self._take(update)

    def _take(self, update: Update) -> None:
        """Begin what a piece of news asks for; the order of changes is the order of news."""
        query, message = update.callback_query, update.message or update.edited_message
        if query is not None:
            self._pressed(query)
        elif message is not None:
            self._said(message, is_edited=update.edited_message is not None)

    def _said(self, message: Message, *, is_edited: bool) -> None:
        """Take a message."""
        user = message.from_user
        person = Person(
            user.id if user else 0, message.chat_id, user.full_name[:40] if user else ""
        )
        age_s = self._clock.now() / 1_000_000 - message.date.timestamp()
        came = Came(person, age_s, is_edited, _is_second_hand(message))
        refusal = self._door.refusal(came)
        if refusal is not None:
            if refusal not in {Refusal.STRANGER, Refusal.STRANGE_CHAT}:
                self._say(person.chat_id, f"Not obeyed: {refusal.value}. Type it again.")
            return
        name, words = self._words(message.text or "")
        if name is None:
            return
        if name == "panic":
            self._ask_to_confirm(person, _SURE, 0)
            return
        command = self._commands.by_name.get(name)
        if command is None:
            self._say(person.chat_id, f"No such command.\n{HELP}")
            return
        _log.info("/%s by user %s in chat %s", name, person.user_id, person.chat_id)
        answer = partial(self._commands.answer, command, person, words)
        self._begin(command.kind, answer, partial(self._say, person.chat_id))

    def _words(self, text: str) -> tuple[str | None, list[str]]:
        """Give command and words of a text; no command when it is none, or another bot's."""
        first, *words = text.split() or [""]
        name, _, bot = first.removeprefix("/").partition("@")
        is_ours = first.startswith("/") and bot.lower() in {"", self._bot.username.lower()}
        return (name.lower() if is_ours else None), words

    def _pressed(self, query: CallbackQuery) -> None:
        """Take a button; the door is asked again, for a button passes it by."""
        chat_id = query.message.chat.id if query.message else 0
        person = Person(query.from_user.id, chat_id, query.from_user.full_name[:40])
        if self._door.refusal(Came(person)) is not None:
            return
        step, pressed = self._confirmations.press(person, query.data or "")
        told = {
            Pressed.TAKEN: "",
            Pressed.NOT_YOURS: "This button is somebody else's.",
            Pressed.EXPIRED: "expired",
            Pressed.SPENT: "pressed already",
        }[pressed]
        self._outbox.put(Outgoing(chat_id, told, pressed=query.id))
        _log.info("button of user %s in chat %s: %s", person.user_id, chat_id, pressed.value)
        shown = query.message.message_id if query.message else 0
        if pressed is Pressed.EXPIRED:
            self._outbox.put(Outgoing(chat_id, "expired: /panic begins anew", replaces=shown))
        elif pressed is Pressed.TAKEN and step == _SURE:
            self._ask_to_confirm(person, _REALLY, shown)
        elif pressed is Pressed.TAKEN:
            self._outbox.put(Outgoing(chat_id, "Everything is being sold.", replaces=shown))
            panic = partial(self._commands.panic, person)
            self._begin(Kind.HALTS, panic, partial(self._say, chat_id))

    def _ask_to_confirm(self, person: Person, step: str, replaces: int) -> None:
        def ask(question: str) -> None:
            if not question:
                self._say(person.chat_id, NOTHING_RUNS)
                return
            text, label = f"{question} (1/2)", "Yes"
            if step == _REALLY:
                text, label = f"Really? {question} (2/2)", "SELL EVERYTHING"
            button = label, self._confirmations.offer(person, step)
            self._outbox.put(Outgoing(person.chat_id, text, button, replaces))

        self._begin(Kind.HALTS, self._commands.question_of_panic, ask)

    # Doing and saying

    def _begin(self, kind: Kind, do: Callable[[], str], tell: Callable[[str], None]) -> None:
        """Let a thread do it, in its turn, and tell what came of it."""
        done = asyncio.get_running_loop().run_in_executor(self._pools[kind], do)
        task = asyncio.create_task(_told(done, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, chat_id: int, text: str) -> None:
        self._outbox.put(Outgoing(chat_id, text))

    async def _send(self, message: Outgoing) -> Delivery:
        """Deliver one message."""
        from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

        try:
            await self._deliver(message)
        except (BadRequest, Forbidden, InvalidToken) as error:
            return Delivery(failure=type(error).__name__)
        except TelegramError as error:
            return Delivery(again_s=_pause(error, 0.0))
        return Delivery()

    async def _deliver(self, message: Outgoing) -> None:
        from telegram import InlineKeyboardButton, InlineKeyboardMarkup

        bot, text = self._bot, message.text
        if len(text) > LONGEST_TEXT:
            text = f"{text[: LONGEST_TEXT - 1]}…"
        if message.pressed:
            await bot.answer_callback_query(message.pressed, text or None)
            return
        keys = None
        if message.button is not None:
            label, data = message.button
            keys = InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data)]])
        if message.replaces:
            await bot.edit_message_text(text, message.chat_id, message.replaces, reply_markup=keys)
        else:
            await bot.send_message(message.chat_id, text, reply_markup=keys)


async def _told(done: asyncio.Future[str], tell: Callable[[str], None]) -> None:
    try:
        text = await done
    except Exception:
        _log.exception("a command has failed")
        text = "An error of the program: the log of the bot has it. Look at /status."
    tell(text)


def _is_second_hand(message: Message) -> bool:
    """Tell whether a message is not its sender's own words, typed here."""
    of_others = (message.forward_origin, message.via_bot, message.sender_chat)
    return any(of_others) or bool(message.is_automatic_forward)


def _pause(error: Exception, last_s: float) -> float:
    """Give how long to wait after an error: what Telegram asks, or twice as long as before."""
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        return float(asked.total_seconds() if hasattr(asked, "total_seconds") else asked) + 0.5
    return min(max(1.0, 2 * last_s), _LONGEST_PAUSE_S)

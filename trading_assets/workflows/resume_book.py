"""A person allows a halted book to open positions again."""

from __future__ import annotations

from trading_assets.domain.control import CommandKind
from trading_assets.domain.errors import ConfigurationError
from trading_assets.workflows.control_book import Asked, ask_book, standing
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book


def resume_book(
    desk: Desk, book: str, *, reason: str, operator: str, code: str, source: str
) -> Asked:
    """Ask for entries again; the executor lifts the latch, now or when it is started.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings.
        reason: why it is safe again.
        operator: who says so.
        code: of the halt that is lifted, as the refusal and the status of the book show it. A later
            halt has another one.
        source: by which way, see `domain.control.HaltRequest`.

    Raises:
        ConfigurationError: if reason or operator are missing, the book is not halted, or the code
            is not the one of the halt in force.
        RecoveryError: if journal or inbox cannot be used.
    """
    if not reason.strip() or not operator.strip():
        raise ConfigurationError(
            "A book is resumed with a reason and a name", expected="both", found="an empty text"
        )
    halt = standing(live_book(desk.settings, book))
    if not halt.code:
        raise ConfigurationError(f"Book {book} is not halted", found="nothing to resume")
    if code.strip().upper() != halt.code:
        raise ConfigurationError(
            f"Book {book} is halted ({halt.level.name}): {halt.reason}",
            expected=f"the confirmation code of this halt, {halt.code}",
            found=repr(code)[:20] if code else "no code",
            fix=f"When it is safe again, repeat the command with --confirm {halt.code}.",
        )
    return ask_book(
        desk,
        book,
        CommandKind.RESUME_TRADING,
        who=operator,
        reason=reason,
        source=source,
        arguments={"code": halt.code},
    )

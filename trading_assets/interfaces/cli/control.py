"""`trading-assets halt|flatten|cancel-all|resume|...`: what people ask of a live book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.interfaces.cli.completions import BookName, book_names
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, open_desk, say

if TYPE_CHECKING:
    from trading_assets.workflows.control_book import Asked

app = typer.Typer()

_SOURCE = "cli"
Book = BookName
RealBook = Annotated[
    str, typer.Option("--book", autocompletion=book_names, help="A book of a real venue.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Limit = Annotated[str | None, typer.Option(help="A number; see docs/how-to/stop-a-book.md.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]


@app.command()
def halt(
    reason: Reason = "",
    by: By = "",
    book: Book = "paper",
    pause: Annotated[
        bool, typer.Option("--pause", help="Leave entries that work at the venue there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop entries at once and withdraw those that work at the venue; exits stay.

    Example: trading-assets halt --reason "feed looks wrong" --by ann
    """
    level = HaltLevel.PAUSE if pause else HaltLevel.HALT
    _halt(book, level, reason, by, as_json=as_json)


@app.command()
def flatten(
    reason: Reason = "", by: By = "", book: Book = "paper", as_json: AsJson = False
) -> None:
    """Stop entries, withdraw every order, and sell what the book holds at market.

    Example: trading-assets flatten --reason "feed looks wrong" --by ann
    """
    _halt(book, HaltLevel.FLATTEN, reason, by, as_json=as_json)


@app.command("cancel-all")
def cancel_all(reason: Reason, by: By, book: Book = "paper", as_json: AsJson = False) -> None:
    """Withdraw every order that works at the venue; the book trades on.

    Example: trading-assets cancel-all --reason "feed looks wrong" --by ann
    """
    _ask(book, CommandKind.CANCEL_ALL, reason, by, as_json=as_json)


@app.command()
def reconcile(reason: Reason, by: By, book: Book = "paper", as_json: AsJson = False) -> None:
    """Compare book and account now.

    Example: trading-assets reconcile --reason "feed looks wrong" --by ann
    """
    _ask(book, CommandKind.RECONCILE_STATE, reason, by, as_json=as_json)


@app.command()
def snapshot(reason: Reason, by: By, book: Book = "paper", as_json: AsJson = False) -> None:
    """Write a snapshot beside the journal now.

    Example: trading-assets snapshot --reason "feed looks wrong" --by ann
    """
    _ask(book, CommandKind.SAVE_SNAPSHOT, reason, by, as_json=as_json)


@app.command()
def tighten(
    reason: Reason,
    by: By,
    book: Book = "paper",
    max_order_notional: Limit = None,
    max_position_pct: Limit = None,
    max_orders_per_day: Limit = None,
    daily_loss_bps: Limit = None,
    max_open_orders: Limit = None,
    risk_multiplier: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Make limits of entries tighter; nothing but a new release makes them wider again.

    Example: trading-assets tighten --max-orders-per-day 5 --reason "feed looks wrong" --by ann
    """
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.control_book import tighten_book

    given = {
        "max_order_notional": max_order_notional,
        "max_position_pct": max_position_pct,
        "max_orders_per_day": max_orders_per_day,
        "daily_loss_bps": daily_loss_bps,
        "max_open_orders": max_open_orders,
        "risk_multiplier": risk_multiplier,
    }
    limits = {name: text for name, text in given.items() if text is not None}
    opened = desk(load_settings().settings)
    asked = tighten_book(opened, book, limits, who=by, reason=reason, source=_SOURCE)
    tell_asked(book, "tighter limits", asked, as_json=as_json)


@app.command()
def acknowledge(
    symbol: Annotated[str, typer.Argument(help="The symbol, or `all` for what pauses the book.")],
    reason: Reason,
    by: By,
    book: Book = "paper",
    as_json: AsJson = False,
) -> None:
    """Allow entries of a symbol again that a policy has paused; see docs/live-policies.md.

    Example: trading-assets acknowledge BTCUSDT --reason "it was me" --by ann
    """
    arguments = {"symbol": "" if symbol == "all" else symbol.upper()}
    _ask(book, CommandKind.ACKNOWLEDGE_SYMBOL, reason, by, arguments, as_json=as_json)


@app.command()
def resume(
    reason: Reason,
    by: By,
    book: Book = "paper",
    confirm: Annotated[
        str, typer.Option("--confirm", help="The code of the halt; shown when it is missing.")
    ] = "",
    yes: Annotated[
        str, typer.Option("--yes", help="The book's name once more, instead of the code.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Allow entries of a halted book again, now or when it is started.

    Example: trading-assets resume --confirm 4f1c2a --reason "feed is well" --by ann
    """
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.control_book import standing
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.resume_book import resume_book

    settings = load_settings().settings
    code = confirm
    if yes and yes == book:
        code = standing(live_book(settings, book)).code
    asked = resume_book(desk(settings), book, reason=reason, operator=by, code=code, source=_SOURCE)
    begin = "from now on" if asked.is_running else "when it is started"
    sentence = f"Book {book} may open positions again {begin} (command {asked.inbox_id})."
    say({"book": book, "what": "resume"} | _command_facts(asked), sentence, as_json=as_json)


@app.command()
def arm(
    release: Annotated[str, typer.Option("--release", help="Id of the release to be traded.")],
    reason: Reason,
    by: By,
    book: RealBook,
    hours: Annotated[int, typer.Option("--hours", min=1, help="How long the leave holds.")] = 24,
    fallback: Annotated[
        str, typer.Option("--fallback", help="The release before: a rollback needs no new leave.")
    ] = "",
    step: Annotated[
        int, typer.Option("--step", help="Of the ramp, from 0; the highest earned when left out.")
    ] = -1,
) -> None:
    """Allow a book to trade one release with real money, for a while; asks for confirmation.

    The release has to have passed the gate and its probation (`release conduct`); each step of the
    ramp allows more capital. Each day of the probation is replayed first, which takes a while.

    Example: trading-assets arm --book real --release 6bde7c9e8343b6b6 --reason probation --by ann
    """
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.arm_book import arm_book
    from trading_assets.workflows.armed import require_real
    from trading_assets.workflows.ramp import allowance

    settings = load_settings().settings
    opened = desk(settings)
    require_real(settings, book)
    within = allowance(opened, book, release, step=None if step < 0 else step)
    typer.echo(
        f"Book {book} will trade REAL MONEY of account {settings.books[book].account} with release "
        f"{release}{f' (or, after a rollback, {fallback})' if fallback else ''} for {hours} h, "
        f"by leave of {by}: {reason}. Step {within.step} of the ramp: strategies are given "
        f"{within.capital} of its equity at most."
    )
    wanted = f"arm {book}"
    if typer.prompt(f"Type '{wanted}' to allow it") != wanted:
        typer.echo("Not armed.")
        raise typer.Exit(1)
    token = arm_book(
        opened, book, release_id=release, by=by, reason=reason, hours=hours, within=within,
        fallback=fallback,
    )  # fmt: skip
    typer.echo(f"Armed at {token.host}. `trading-assets disarm --book {book}` takes it back.")


@app.command()
def disarm(
    book: RealBook,
    as_json: AsJson = False,
) -> None:
    """Take back the leave to trade real money; a running executor halts at once.

    Example: trading-assets disarm --book real
    """
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.arm_book import disarm_book

    was_armed = disarm_book(desk(load_settings().settings), book)
    sentence = f"Book {book} is not armed{'' if was_armed else ', nor was it'}."
    say({"book": book, "was_armed": was_armed}, sentence, as_json=as_json)


def _halt(book: str, level: HaltLevel, reason: str, by: str, *, as_json: bool) -> None:
    from trading_assets.bootstrap import desk
    from trading_assets.workflows.control_book import halt_book, standing
    from trading_assets.workflows.live_book import live_book

    settings = load_settings().settings
    asked = halt_book(desk(settings), book, level=level, who=by, reason=reason, source=_SOURCE)
    code = standing(live_book(settings, book)).code
    sentence = (
        f"Book {book}: {level.name}, no entry leaves from now on (command {asked.inbox_id}). "
        f"{when(asked)} Its code for `resume --confirm` is {code}."
    )
    facts = {"book": book, "level": level.name, "code": code}
    say(facts | _command_facts(asked), sentence, as_json=as_json)


def _ask(
    book: str,
    kind: CommandKind,
    reason: str,
    by: str,
    arguments: dict[str, str] | None = None,
    *,
    as_json: bool,
) -> None:
    from trading_assets.workflows.control_book import ask_book

    asked = ask_book(
        open_desk(), book, kind, who=by, reason=reason, source=_SOURCE, arguments=arguments
    )
    tell_asked(book, kind.value, asked, as_json=as_json)


def tell_asked(book: str, what: str, asked: Asked, *, as_json: bool) -> None:
    """Print which command was put into a book's inbox, and when it is taken."""
    sentence = f"Book {book}: {what} is command {asked.inbox_id}. {when(asked)}"
    say({"book": book, "what": what} | _command_facts(asked), sentence, as_json=as_json)


def _command_facts(asked: Asked) -> dict[str, Any]:
    return {"command": asked.inbox_id, "is_running": asked.is_running}


def when(asked: Asked) -> str:
    """Say when a command is taken."""
    return (
        "The executor takes it now."
        if asked.is_running
        else "No executor runs: it is taken at the next start."
    )

"""`trading-assets data gc`: which old versions may go, why the others stay, and their removal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import time_text
from trading_assets.interfaces.cli.tables import AsJson, json_text

if TYPE_CHECKING:
    from trading_assets.workflows.collect_garbage import Collection, Judged


def gc(
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove what may go; it is only listed if not.")
    ] = False,
    grace_days: Annotated[
        int | None,
        typer.Option(
            "--grace-days", min=1, help="Instead of storage.gc_grace_days, since it was replaced."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List, or remove, versions of tables and raw months that nothing needs any more.

    What is current, was current within the grace, or has been used by anything that stays is kept:
    another partition, a model, a backtest, a decision, a release, a journal.

    Example: trading-assets data gc --grace-days 90 --delete
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.collect_garbage import collect_garbage

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("reading what stands on what", total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, description="folders", completed=done, total=total)

        found = collect_garbage(
            bootstrap.desk(load_settings().settings),
            grace_days=grace_days,
            delete=delete,
            told=told,
        )
    if as_json:
        typer.echo(json_text(asdict(found)))
        return
    _print(found)


def _print(found: Collection) -> None:
    delete = found.deleted
    _print_versions("may go", found.garbage)
    _print_versions("stays, though not current", (v for v in found.kept if v.why != "current"))
    counted = Counter(judged.why.split(" ")[0] for judged in found.kept)
    reasons = (
        f"{count} {why if why in ('current', 'grace') else f'reached by a {why}'}"
        for why, count in sorted(counted.items())
    )
    typer.echo(f"stay: {', '.join(reasons) or 'none'}")
    oldest = min((judged.published_at for judged in found.garbage), default=None)
    removed = found.removed
    typer.echo(
        f"{'removed' if delete else 'may go'}: {removed.manifests} versions, "
        f"{removed.files} files, {removed.size_bytes / 1e6:.1f} MB"
        + (f", the oldest of {time_text(oldest)} UTC" if oldest is not None else "")
    )
    evicted = found.evicted
    typer.echo(
        f"cache: {evicted.files} files, {evicted.size_bytes / 1e6:.1f} MB "
        f"{'evicted' if delete else 'too many'}; {evicted.kept_bytes / 1e6:.1f} MB stay"
    )
    if delete:
        typer.echo(f"swept: {removed.swept} temporary files of writers that are gone")
    else:
        typer.echo("Nothing was removed; --delete does that.")


def _print_versions(heading: str, versions: Iterable[Judged]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in (heading, "version", "published (UTC)", "why"):
        table.add_column(name, no_wrap=True)
    for judged in versions:
        published = time_text(judged.published_at)
        table.add_row(judged.address, str(judged.n), published, judged.why or "nothing needs it")
    if table.row_count:
        Console().print(table)

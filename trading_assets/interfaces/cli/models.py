"""`trading-assets models`: train, forecast, and read the cards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.interfaces.cli.completions import SymbolName, symbol_names
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text, say, working
from trading_assets.interfaces.cli.verified import print_verified

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.train_month import TrainedMonth

app = typer.Typer(help="Train, forecast, and read model cards.", no_args_is_help=True)


@app.command()
def train(month: str, as_json: AsJson = False) -> None:
    """Train the models that may predict a month, from the months before it.

    Example: trading-assets models train 2024-03
    """
    from trading_assets.workflows.train_month import train_month

    with working(f"training the models of {month}"):
        trained = train_month(_desk(), Month.from_text(month))
    if as_json:
        typer.echo(json_text(_trained(trained)))
        return
    table = Table(
        "horizon", "model", "rows", "R2", "sign", "confidence", "new", box=None, pad_edge=False
    )
    for horizon, model in trained.models.items():
        scores = model.summary["scores"].get("model", {})
        table.add_row(
            horizon,
            model.model_id[:16],
            f"{model.summary['rows']:,}",
            f"{scores.get('r2', 0.0):+.4f}",
            f"{scores.get('sign_accuracy', 0.5):.3f}",
            "published" if model.summary["confidence"]["published"] else "null",
            "yes" if horizon in trained.changed else "",
        )
    Console().print(table)
    for horizon, url in trained.urls.items():
        typer.echo(f"{horizon}: {trained.models[horizon].summary['confidence']['reason']}")
        typer.echo(f"{horizon}: {url}")


def _trained(trained: TrainedMonth) -> list[dict[str, Any]]:
    return [
        {
            "month": trained.month,
            "horizon": horizon,
            "model_id": model.model_id,
            "rows": model.summary["rows"],
            "scores": model.summary["scores"].get("model", {}),
            "confidence": model.summary["confidence"],
            "changed": horizon in trained.changed,
            "url": trained.urls.get(horizon),
        }
        for horizon, model in trained.models.items()
    ]


@app.command()
def tune(
    month: str,
    horizon: Annotated[str, typer.Option(help="Of the model.")] = "1h",
    trials: Annotated[int | None, typer.Option(min=0, help="Default: tuning.trials.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for better parameters of a month's model, and suggest them; nothing is changed.

    Example: trading-assets models tune 2024-03 --horizon 4h --trials 50
    """
    from trading_assets.workflows.tune_model import tune_model

    def tell(trial: Mapping[str, Any]) -> None:
        said = ", ".join(f"{name} {value:.4g}" for name, value in trial["params"].items())
        typer.echo(f"{trial['number']:4d}  R2 {trial['r2']:+.6f}  {said}", err=as_json)

    tuned = tune_model(_desk(), Month.from_text(month), horizon, trials=trials, report=tell)
    facts = {**asdict(tuned), "suggestion": tuned.suggestion}
    say(facts, f"\n{tuned.suggestion}\n{tuned.folder}\n{tuned.url}", as_json=as_json)


@app.command()
def forecast(
    month: str,
    symbol: Annotated[str, typer.Argument(autocompletion=symbol_names)] = "",
    as_json: AsJson = False,
) -> None:
    """Forecast a month of one symbol, or of all in settings, and say how it turned out.

    Example: trading-assets models forecast 2024-03 BTCUSDT
    """
    from trading_assets.workflows.forecast_month import forecast_month

    desk = _desk()
    symbols = (symbol_from_text(symbol),) if symbol else desk.settings.symbols
    columns = ("symbol", "rows", "horizon", "R2", "sign", "Brier", "constant")
    table = Table(*columns, box=None, pad_edge=False)
    told: list[dict[str, Any]] = []
    for name in symbols:
        with working(f"forecasting {name} {month}"):
            made = forecast_month(desk, name, Month.from_text(month))
        for horizon in desk.settings.model.horizons:
            scores = {score: made.metadata.get(f"{horizon} {score}") for score in _OUTCOME}
            told.append({"symbol": name, "rows": made.rows, "horizon": horizon, **scores})
            table.add_row(name, f"{made.rows:,}", horizon, *map(_number, scores.values()))
    if as_json:
        typer.echo(json_text(told))
    else:
        Console().print(table)


@app.command()
def forecasts(
    month: str,
    symbol: SymbolName,
    horizon: Annotated[str, typer.Option(help="Only these; all horizons when empty.")] = "",
    last: Annotated[int, typer.Option(min=1, help="So many of the newest per horizon.")] = 1,
) -> None:
    """Print the newest published forecasts of a month as JSON, one document per line.

    Example: trading-assets models forecasts 2024-03 BTCUSDT --horizon 1h --last 5
    """
    from trading_assets.workflows.forecast_month import published_forecasts

    desk = _desk()
    wanted = (horizon,) if horizon else desk.settings.model.horizons
    for name in wanted:
        for payload in published_forecasts(
            desk, symbol_from_text(symbol), Month.from_text(month), name, last=last
        ):
            typer.echo(json.dumps(payload))


@app.command()
def outcomes(month: str, symbol: SymbolName, as_json: AsJson = False) -> None:
    """Score the forecasts whose returns became known in a month, and their confidence.

    Example: trading-assets models outcomes 2024-03 BTCUSDT
    """
    from trading_assets.workflows.score_forecasts import score_forecasts

    with working("scoring forecasts"):
        made = score_forecasts(_desk(), symbol_from_text(symbol), Month.from_text(month))
    if as_json:
        typer.echo(json_text({"rows": made.rows, "changed": made.changed, **made.metadata}))
        return
    for name, value in made.metadata.items():
        if name.partition(" ")[2]:
            typer.echo(f"{name}: {value if isinstance(value, str) else f'{value:.5f}'}")
    typer.echo(f"{made.rows} rows: {made.metadata['file']}")


_OUTCOME = ("r2", "sign_accuracy", "brier", "brier_constant")


@app.command()
def card(
    month: str,
    horizon: Annotated[str, typer.Argument()] = "1h",
    as_json: AsJson = False,
) -> None:
    """Show the card of the current model of a month.

    Example: trading-assets models card 2024-03 4h
    """
    models = _desk().models
    model = models.require(Month.from_text(month), horizon)
    if as_json:
        typer.echo(json.dumps(dict(model.summary), indent=2, sort_keys=True))
        return
    Console().print(Markdown(models.read(model, model.card).decode()))
    typer.echo(str(models.path(model, model.card)))


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the current models of all months.

    Example: trading-assets models list
    """
    desk = _desk()
    table = Table("month", "horizon", "model", "confidence", box=None, pad_edge=False)
    told: list[dict[str, Any]] = []
    for month in desk.models.months():
        for horizon in desk.settings.model.horizons:
            model = desk.models.current(month, horizon)
            if model is not None:
                published = model.summary["confidence"]["published"]
                shown = "published" if published else "null"
                table.add_row(str(month), horizon, model.model_id[:16], shown)
                row = {"month": month, "horizon": horizon, "model_id": model.model_id}
                told.append(row | {"confidence_published": published})
    if as_json:
        typer.echo(json_text(told))
    else:
        Console().print(table)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Hash every file of every model again, and name those that are not as promised.

    Example: trading-assets models verify
    """
    print_verified({"models": _desk().models.verify()}, as_json=as_json)


def _desk() -> Desk:
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}"

"""`trading-assets redis`: forecasts, risk and parameters of strategies for programs outside."""

from __future__ import annotations

import typer

from trading_assets.interfaces.cli.desk_settings import load_settings

app = typer.Typer(help="Mirror news of the desk to a Redis server.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `serve` a command of its own, although it is the only one."""


@app.command()
def serve() -> None:
    """Mirror forecasts, risk factors and parameters to Redis until Ctrl-C or SIGTERM.

    Streams forecast_updates, risk_updates and strategy_config, and channels of the same names; see
    docs/how-to/redis.md. Nothing waits for it, and what is missed meanwhile is told later.

    Example: trading-assets redis serve
    """
    from importlib.util import find_spec

    from trading_assets.bootstrap import desk
    from trading_assets.domain.errors import ConfigurationError
    from trading_assets.interfaces.cli.signals import stop_on_signals
    from trading_assets.workflows.redis_mirror import RedisMirror
    from trading_assets.workflows.redis_updates import update_sources

    settings = load_settings().settings
    password = settings.redis_password
    if password is None or not password.get_secret_value().strip():
        raise ConfigurationError(
            "There is no password for Redis",
            expected="TA_REDIS_PASSWORD, or the file redis_password in TA_SECRETS_DIR",
            found="neither",
            fix="Give Redis one: `requirepass`, or a user of its own as docs/how-to/redis.md says.",
        )
    if find_spec("redis") is None:
        raise ConfigurationError(
            "redis-py is not installed",
            expected="the extra `redis`",
            found="an environment without it",
            fix="pip install 'trading-assets[redis]'",
        )
    from trading_assets.adapters.redis_streams import RedisStreams

    streams = RedisStreams(settings.redis, password.get_secret_value().strip())
    sources = update_sources(desk(settings))
    mirror = RedisMirror(streams, sources, poll_s=settings.redis.poll_s)
    names = ", ".join(source.stream for source in sources)
    with stop_on_signals() as stop:
        typer.echo(f"telling {settings.redis.url} of {names}")
        while not stop.wait(mirror.turn(stop.is_set)):
            continue
    streams.close()
    typer.echo("stopped")

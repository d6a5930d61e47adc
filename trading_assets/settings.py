"""Typed settings: one TOML with defaults, one of the user's, `TA_*` variables, secret files."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from trading_assets.declarations.alerts import Alerts
from trading_assets.declarations.feature_sets import FeatureSetDeclaration
from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.declarations.logs import Logging
from trading_assets.declarations.redis import Redis
from trading_assets.declarations.secrets import SECRETS, Secrets
from trading_assets.declarations.sections import (
    Backtest,
    Binance,
    Book,
    ConductRules,
    ControlServer,
    Display,
    Examination,
    Exchange,
    FillCostRules,
    Gate,
    Holdout,
    Live,
    Model,
    Quality,
    Regimes,
    RiskFactorRules,
    Server,
    Storage,
    Tuning,
)
from trading_assets.declarations.sources import BUILT_IN, SourceDeclaration
from trading_assets.declarations.telegram import Telegram
from trading_assets.declarations.universe import UniverseDeclaration
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.domain.ids import (
    OBJECT_STORE_URL,
    Month,
    Symbol,
    symbol_from_text,
    tag_from_text,
)

PACKAGE_DEFAULTS = Path(__file__).with_name("defaults.toml")
USER_FILE = "trading_assets.toml"
_LOADER_VARIABLES = {"TA_HOME", "TA_CONFIG", "TA_SECRETS_DIR"}


class Settings(Secrets, BaseSettings):
    """All settings, frozen. Made by `load_settings` only; paths are absolute.

    `tables_root` and `raw_root` are absolute paths or `s3://bucket/prefix`; everything else lies in
    `data_root` on this machine, where it needs locks.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="TA_", env_nested_delimiter="__"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else: `load_settings` has read all sources, in order."""
        return (init_settings,)

    home: Path
    source: str
    symbols: tuple[Symbol, ...] = Field(min_length=1)
    history_start: str
    data_root: Path
    tables_root: str
    raw_root: str
    specs_dir: Path | None
    strategies_dir: Path
    strategy_packages: tuple[str, ...]
    archive_root: Path | None
    archive_url: str = Field(pattern=r"^https?://\S+$")
    sources: dict[str, SourceDeclaration]
    instruments: dict[Symbol, InstrumentDeclaration]
    universe: UniverseDeclaration
    storage: Storage
    quality: Quality
    exchange: Exchange
    binance: Binance
    feature_sets: dict[str, FeatureSetDeclaration]
    model: Model
    tuning: Tuning
    regimes: Regimes
    risk_factor: RiskFactorRules
    gate: Gate
    holdout: Holdout
    conduct: ConductRules
    examination: Examination
    fill_costs: FillCostRules
    backtest: Backtest
    mlflow: Server
    dagster: Server
    control: ControlServer
    display: Display
    metrics: Server
    alerts: Alerts
    logging: Logging
    telegram: Telegram
    redis: Redis
    live: Live
    books: dict[str, Book]

    @field_validator("symbols")
    @classmethod
    def _symbols_are_valid(cls, value: tuple[str, ...]) -> tuple[Symbol, ...]:
        symbols = tuple(_checked(symbol_from_text, text) for text in value)
        if len(set(symbols)) != len(symbols):
            raise ValueError("symbols, each at most once")
        return symbols

    @field_validator("tables_root", "raw_root")
    @classmethod
    def _urls_are_of_object_stores(cls, value: str) -> str:
        if "://" in value and not OBJECT_STORE_URL.fullmatch(value):
            raise ValueError("a folder, or s3://bucket/prefix without credentials in it")
        return value

    @field_validator("history_start")
    @classmethod
    def _month_is_valid(cls, value: str) -> str:
        return str(_checked(Month.from_text, value))

    @field_validator("books", "feature_sets")
    @classmethod
    def _names_are_tags(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            _checked(tag_from_text, name)
        return value

    @field_validator("sources")
    @classmethod
    def _sources_are_named(cls, value: dict[str, SourceDeclaration]) -> dict[str, Any]:
        for name in value:
            if _checked(tag_from_text, name) in BUILT_IN:
                raise ValueError(f"a name other than {', '.join(BUILT_IN)}, which are built in")
        return value

    @field_validator("instruments", mode="before")
    @classmethod
    def _instruments_are_symbols(cls, value: Any) -> Any:
        """Validate the keys; variables of the environment have them in lower case."""
        if not isinstance(value, Mapping):
            return value
        return {_checked(symbol_from_text, str(name).upper()): v for name, v in value.items()}

    def source_of(self, symbol: Symbol) -> str:
        """Give the name of the source of a symbol."""
        declared = self.instruments.get(symbol)
        return (declared.source if declared else "") or self.source

    def calendar_of(self, symbol: Symbol) -> str:
        """Give the name of the trading calendar of a symbol: as declared, else `24/7`."""
        declared = self.instruments.get(symbol)
        return (declared.calendar if declared else "") or "24/7"

    @property
    def first_month(self) -> Month:
        """First month of every monthly partition."""
        return Month.from_text(self.history_start)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with the origin of every value: flat key -> where it came from."""

    settings: Settings
    origins: Mapping[str, str]


def _checked(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except TradingAssetsError as error:
        raise ValueError(error.expected) from error


def find_home(environ: Mapping[str, str]) -> Path:
    """Give the project folder: `TA_HOME`, else the nearest folder upwards with workspace.yaml."""
    if environ.get("TA_HOME"):
        return Path(environ["TA_HOME"]).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "workspace.yaml").is_file():
            return folder
    return here


def load_settings(environ: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read all sources and validate.

    Later sources win: package defaults, `trading_assets.toml` (or `TA_CONFIG`), secret files in
    `TA_SECRETS_DIR`, `TA_*` variables.

    Raises:
        ConfigurationError: for a wrong or unknown key, naming where it stands, what was expected
            and what was found.
    """
    environ = os.environ if environ is None else environ
    home = find_home(environ)
    layers = _layers(home, environ)
    merged: dict[str, Any] = {"home": home}
    origins = {"home": "environment TA_HOME" if environ.get("TA_HOME") else "working folder"}
    for origin, values in layers:
        _merge(merged, values, origin, origins, environment=origin == "environment")
    for key in ("specs_dir", "archive_root"):
        merged[key] = merged.get(key) or None
    for key in ("data_root", "specs_dir", "strategies_dir", "archive_root"):
        if merged.get(key) is not None:
            merged[key] = (home / str(merged[key])).resolve()
    merged["tables_root"] = merged.get("tables_root") or merged["data_root"] / "tables"
    for key in ("tables_root", "raw_root"):
        if "://" not in str(merged[key]):
            merged[key] = str((home / str(merged[key])).resolve())
    _resolve_roots(home, merged.get("sources"))
    _resolve_file(home, merged.get("quality"), "outages")
    _resolve_file(home, merged.get("universe"), "news")
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _configuration_error(error, origins) from None
    _require_known_sources(settings)
    return LoadedSettings(settings, origins)


def _require_known_sources(settings: Settings) -> None:
    known = (*BUILT_IN, *settings.sources)
    wanted = {"source": settings.source}
    if settings.quality.cross_check:
        wanted["quality.cross_check"] = settings.quality.cross_check
    for symbol, declared in settings.instruments.items():
        wanted[f"instruments.{symbol}.source"] = declared.source or settings.source
    for key, name in wanted.items():
        if name not in known:
            raise ConfigurationError(
                f"Setting {key} names no source",
                expected=f"one of {', '.join(known)}",
                found=repr(name)[:80],
                fix="Declare it as [sources.<name>], or choose another.",
            )


def _resolve_roots(home: Path, sources: Any) -> None:
    """Read relative folders of declared sources from the project folder, as all others are."""
    for declared in sources.values() if isinstance(sources, dict) else ():
        if isinstance(declared, dict) and declared.get("root"):
            declared["root"] = (home / str(declared["root"])).resolve()


def _resolve_file(home: Path, section: Any, key: str) -> None:
    """Read a file's name from the project folder; an empty name is none."""
    if isinstance(section, dict):
        text = section.get(key)
        section[key] = (home / str(text)).resolve() if text else None


def _layers(home: Path, environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Read each source by itself, weakest first."""
    user_file = Path(environ.get("TA_CONFIG") or home / USER_FILE)
    if environ.get("TA_CONFIG") and not user_file.is_file():
        raise ConfigurationError("TA_CONFIG names no file", found=str(user_file))
    layers = [("package defaults", _toml(PACKAGE_DEFAULTS))]
    if user_file.is_file():
        values = _toml(user_file)
        for name in SECRETS:
            if name in values:
                raise ConfigurationError(
                    f"{user_file}: {name} is a secret",
                    expected=f"the variable TA_{name.upper()} or a file in TA_SECRETS_DIR",
                    found="a value in a settings file",
                    fix="Remove it from the file, and change the key at the venue.",
                )
        layers.append((str(user_file), values))
    if folder := environ.get("TA_SECRETS_DIR"):
        secrets = SecretsSettingsSource(Settings, secrets_dir=folder, env_prefix="")
        read = {k: v for k, v in secrets().items() if k in SECRETS}
        layers.append((f"secret file in {folder}", read))
    layers.append(("environment", _environment(environ)))
    return layers


def _toml(path: Path) -> dict[str, Any]:
    try:
        return dict(TomlConfigSettingsSource(Settings, toml_file=path).toml_data)
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML", found=str(error)) from None


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Give the nested values of all `TA_*` variables, refusing names that mean nothing."""
    known = {f"TA_{name.upper()}" for name in Settings.model_fields}
    for name in environ:
        if not name.startswith("TA_") or name in _LOADER_VARIABLES:
            continue
        if name.split("__")[0] not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            raise ConfigurationError(
                f"Unknown variable {name}",
                expected="TA_<KEY> or TA_<SECTION>__<KEY>",
                found=name,
                fix=f"Did you mean {close[0]}?" if close else "Unset it.",
            )
    given = {k.lower(): v for k, v in environ.items() if k.startswith("TA_")}
    if not given:
        return {}  # to look at every key takes milliseconds, and each backtest looks
    source = EnvSettingsSource(Settings, env_prefix="TA_", env_nested_delimiter="__")
    source.env_vars = given
    try:
        values = dict(source())
    except ValueError as error:
        raise ConfigurationError(
            "A TA_* variable could not be read",
            expected='JSON for lists and tables, such as TA_SYMBOLS=["BTCUSDT"]',
            found=str(error),
        ) from None
    values.pop("home", None)
    return values


def _merge(
    into: dict[str, Any],
    values: Mapping[str, Any],
    origin: str,
    origins: dict[str, str],
    prefix: str = "",
    *,
    environment: bool,
) -> None:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            section = into.setdefault(key, {})
            if not isinstance(section, dict):
                section = into[key] = {}
            _merge(section, value, origin, origins, f"{path}.", environment=environment)
            continue
        into[key] = value
        name = path.upper().replace(".", "__")
        origins[path] = f"environment TA_{name}" if environment else origin


def _key_parts(error: Any) -> list[str]:
    """Give the key that an error of pydantic is about, as it stands in a file."""
    parts = [str(part) for part in error["loc"]]
    if parts[0] == "sources" and len(parts) > 2:
        del parts[2]  # the kind, by which pydantic chose the model
    return [*parts, "kind"] if str(error["type"]).startswith("union_tag") else parts


def _configuration_error(error: ValidationError, origins: Mapping[str, str]) -> ConfigurationError:
    first = error.errors(include_url=False)[0]
    parts = _key_parts(first)
    key = ".".join(parts)
    origin = next(
        (
            origins[".".join(parts[:n])]
            for n in range(len(parts), 0, -1)
            if ".".join(parts[:n]) in origins
        ),
        "no source",
    )
    may_hold_credentials = "://" in str(first.get("input")) and "@" in str(first.get("input"))
    secret = parts[0] in SECRETS or may_hold_credentials
    return ConfigurationError(
        f"Setting {key} ({origin})",
        expected=first["msg"].removeprefix("Value error, "),
        found="a secret (not shown)" if secret else repr(first.get("input"))[:120],
        fix="`trading-assets config show --origin` prints every value and its origin.",
    )

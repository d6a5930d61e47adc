"""What assets are given: the desk, the catalogue database, and a refusal to pickle anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.domain.errors import InvariantError
from trading_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from trading_assets.workflows.desk import Desk


class DeskResource(dg.ConfigurableResource[Any]):
    """Opens the desk that settings describe, when it is used.

    It holds nothing itself, so nothing of it, secrets least of all, reaches run config or logs.
    """

    def open(self) -> Desk:
        """Build the desk from the settings as they are now."""
        from trading_assets.bootstrap import desk

        return desk(load_settings().settings)


class CatalogResource(dg.ConfigurableResource[Any]):
    """Opens the catalogue database when it is written, and loads DuckDB no sooner."""

    database: str

    @contextmanager
    def get_connection(self) -> Iterator[DuckDBPyConnection]:
        """Open it as Dagster's own resource does, which waits for another writer to end."""
        from dagster_duckdb import DuckDBResource

        with DuckDBResource(database=self.database).get_connection() as connection:
            yield connection


class NoPickles(dg.IOManager):
    """Refuses to carry values between assets; Dagster's default would pickle them.

    Assets write through a store, and say what they wrote.
    """

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Refuse.

        Raises:
            InvariantError: always.
        """
        raise InvariantError(
            f"{context.get_identifier()} gave a value to Dagster",
            expected="MaterializeResult or events; values go to a store",
            found=type(obj).__name__,
        )

    def load_input(self, context: dg.InputContext) -> object:
        """Refuse.

        Raises:
            InvariantError: always.
        """
        raise InvariantError(
            f"{context.name} asked Dagster for a value",
            expected="deps=[...] and a read from a store",
            found="a function argument",
        )


def resources(settings: Settings) -> dict[str, object]:
    """List the resources of the code location."""
    return {
        "desk": DeskResource(),
        "duckdb": CatalogResource(database=str(settings.data_root / "catalog.duckdb")),
        "io_manager": NoPickles(),
    }

"""Parameters of strategies, and new versions of them, which are candidates and nothing more."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from trading_assets.interfaces.http_api.answers import REFUSALS, Refusal
from trading_assets.interfaces.http_api.served import Admin, Reader, Shown
from trading_assets.interfaces.http_api.wishes import Key, Wish, once, who

router = APIRouter(prefix="/api/strategy/config", tags=["strategies"], responses=REFUSALS)

ParamName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,39}$")]
ParamText = Annotated[str, StringConstraints(max_length=255)]


class ConfigRow(BaseModel):
    """One parameter: `key` is spec and name, `value` a text, `params` all of its spec.

    `is_current`: no newer version of the spec is there; `traded_by`: books that trade this spec.
    """

    key: str = Field(max_length=50)
    value: str = Field(max_length=255)
    spec: str
    version: int
    params: dict[str, Any]
    is_current: bool
    traded_by: list[str]


class Changes(Wish):
    """Parameters with their new values; the others stay as they are in `spec`."""

    spec: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")
    params: dict[ParamName, bool | int | float | ParamText] = Field(min_length=1, max_length=50)


class Written(BaseModel):
    """A spec that was written: a candidate, which `todo` says how to try. Nothing live changed."""

    spec: str
    version: int
    file: str
    changed: dict[str, tuple[Any, Any]]
    todo: str


@router.get("")
def config(served: Shown, _: Reader) -> list[ConfigRow]:
    """List every parameter of every spec."""
    from trading_assets.workflows.strategy_config import list_config

    return [ConfigRow(**row) for row in list_config(served.desk)]


@router.put("", status_code=201, responses={201: {"model": Written}})
async def change(
    request: Request, served: Shown, identity: Admin, changes: Changes, key: Key
) -> Any:
    """Write a new version of a spec, as a file of its own; whatever trades goes on as it is."""
    from trading_assets.workflows.strategy_config import new_version
    from trading_assets.workflows.strategy_specs import list_specs

    def work() -> dict[str, Any]:
        if changes.spec not in list_specs(served.desk.settings):
            raise Refusal(404, f"There is no spec {changes.spec} whose parameters can be changed")
        made = new_version(
            served.desk,
            changes.spec,
            changes.params,
            reason=changes.reason,
            by=who(changes, identity),
        )
        return {
            "spec": made.spec,
            "version": made.version,
            "file": str(made.file),
            "changed": made.changed,
            "todo": made.todo,
        }

    return await once(served, request, identity, key, work, status=201)

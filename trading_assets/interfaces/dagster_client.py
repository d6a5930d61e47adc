"""A client of the Dagster UI's GraphQL: launch, watch and end runs as a person would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from trading_assets.domain.errors import TradingAssetsError

_TIMEOUT_S = 30.0

_LAUNCH_RUN = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PipelineNotFoundError { message }
  }
}"""
_RUN_STATUS = """
query Status($id: ID!) {
  runOrError(runId: $id) { __typename ... on Run { status } }
}"""
_TERMINATE = """
mutation Terminate($id: String!) {
  terminateRun(runId: $id) {
    __typename
    ... on TerminateRunFailure { message }
    ... on PythonError { message }
  }
}"""
_LAUNCH_BACKFILL = """
mutation Backfill($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_BACKFILL_STATUS = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } }
  }
}"""


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """Where jobs and assets are found."""

    repository: str = "__repository__"
    location: str = "trading_assets"


class DagsterClient:
    """Talks to a Dagster webserver on loopback.

    Every method raises TradingAssetsError when the server cannot be reached or refuses.
    """

    def __init__(self, address: str, code: CodeLocation | None = None) -> None:
        self._address = address.rstrip("/")
        self._code = code or CodeLocation()
        self._http = httpx.Client(timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def launch_run(
        self, job: str, *, run_config: Mapping[str, Any], tags: Mapping[str, str]
    ) -> str:
        """Launch a job and give the id of its run."""
        params = {
            "selector": {
                "repositoryName": self._code.repository,
                "repositoryLocationName": self._code.location,
                "jobName": job,
            },
            "runConfigData": dict(run_config),
            "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags.items()]},
        }
        answer = self._ask(_LAUNCH_RUN, {"params": params}, "launchRun", "LaunchRunSuccess")
        return str(answer["run"]["runId"])

    def run_status(self, run_id: str) -> str:
        """Give a run's status: QUEUED, STARTED, CANCELED, SUCCESS, FAILURE, ..."""
        return str(self._ask(_RUN_STATUS, {"id": run_id}, "runOrError", "Run")["status"])

    def terminate_run(self, run_id: str) -> None:
        """Ask a run to end."""
        self._ask(_TERMINATE, {"id": run_id}, "terminateRun", "TerminateRunSuccess")

    def launch_backfill(self, asset: str, partitions: Sequence[str]) -> str:
        """Ask the daemon to materialise partitions of one asset; give the backfill's id."""
        params = {
            "assetSelection": [{"path": asset.split("/")}],
            "partitionNames": list(partitions),
            "fromFailure": False,
        }
        answer = self._ask(
            _LAUNCH_BACKFILL,
            {"params": params},
            "launchPartitionBackfill",
            "LaunchBackfillSuccess",
        )
        return str(answer["backfillId"])

    def backfill_status(self, backfill_id: str) -> str:
        """Give a backfill's status: REQUESTED, COMPLETED_SUCCESS, FAILED, ..."""
        answer = self._ask(
            _BACKFILL_STATUS, {"id": backfill_id}, "partitionBackfillOrError", "PartitionBackfill"
        )
        return str(answer["status"])

    def _ask(
        self, query: str, variables: Mapping[str, Any], field: str, expected: str
    ) -> dict[str, Any]:
        try:
            response = self._http.post(
                f"{self._address}/graphql", json={"query": query, "variables": variables}
            )
            response.raise_for_status()
            body = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise TradingAssetsError(
                f"The Dagster UI at {self._address} did not answer",
                expected=f"{expected} to {field}",
                found=str(error),
                fix="Is it running? `make up` starts it; its log is in data/run.",
            ) from error
        answer: dict[str, Any] = (body.get("data") or {}).get(field) or {}
        if answer.get("__typename") != expected:
            raise TradingAssetsError(
                f"Dagster refused {field}",
                expected=expected,
                found=str(answer or body.get("errors"))[:600],
            )
        return answer

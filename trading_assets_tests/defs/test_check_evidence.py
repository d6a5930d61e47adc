"""What a promotion decision records of the asset checks."""

from typing import Any

import dagster as dg

from trading_assets.defs.check_evidence import summed_up
from trading_assets.defs.partition_events import CheckEvents, Finding, check_each

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
MONTHS = dg.StaticPartitionsDefinition(["2024-01", "2024-02"])
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(partitions_def=MONTHS)
def bars() -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult()


SPEC = dg.AssetCheckSpec("has_no_gaps", asset=bars, partitions_def=MONTHS)
FINDINGS: list[Finding] = []


@dg.multi_asset_check(specs=[SPEC], can_subset=True)
def bars_checks(context: dg.AssetCheckExecutionContext) -> CheckEvents:
    yield from check_each(context, [SPEC], lambda _: FINDINGS)


def judge(
    instance: dg.DagsterInstance,
    key: str,
    *,
    passed: bool,
    severity: dg.AssetCheckSeverity = ERROR,
) -> None:
    FINDINGS[:] = [Finding(SPEC.name, passed, severity=severity)]
    dg.materialize([bars, bars_checks], partition_key=key, instance=instance, run_config=QUIET)


def test_a_check_that_never_ran_is_unknown_not_green(instance: dg.DagsterInstance) -> None:
    (line,) = summed_up(instance, [SPEC])
    assert (line.name, line.passed) == ("bars.has_no_gaps", None)


def test_months_that_passed_are_counted(instance: dg.DagsterInstance) -> None:
    for key in ("2024-01", "2024-02"):
        judge(instance, key, passed=True)
    (line,) = summed_up(instance, [SPEC])
    assert line.passed is True
    assert line.detail == "2 months judged, 0 with a warning"


def test_a_warning_is_told_and_does_not_count(instance: dg.DagsterInstance) -> None:
    judge(instance, "2024-01", passed=False, severity=WARN)
    (line,) = summed_up(instance, [SPEC])
    assert line.passed is True
    assert "1 with a warning" in line.detail


def test_a_failure_counts_and_names_its_month(instance: dg.DagsterInstance) -> None:
    judge(instance, "2024-01", passed=True)
    judge(instance, "2024-02", passed=False)
    (line,) = summed_up(instance, [SPEC])
    assert line.passed is False
    assert line.detail.endswith("not green: 2024-02")


def test_a_month_that_was_repaired_is_green_again(instance: dg.DagsterInstance) -> None:
    judge(instance, "2024-02", passed=False)
    judge(instance, "2024-02", passed=True)
    (line,) = summed_up(instance, [SPEC])
    assert line.passed is True


def test_the_same_verdicts_give_the_same_evidence(instance: dg.DagsterInstance) -> None:
    judge(instance, "2024-01", passed=True)
    before = summed_up(instance, [SPEC])
    judge(instance, "2024-01", passed=True)
    assert summed_up(instance, [SPEC]) == before

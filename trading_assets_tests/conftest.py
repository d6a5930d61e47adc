"""What tests of several rooms share."""

import itertools
from collections.abc import Iterator

import pytest

_buckets = itertools.count()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A real S3 server on loopback; its library is loaded only for the tests that ask."""
    from trading_assets_tests.stand_ins.object_store import s3_server  # noqa: PLC0415

    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh bucket of it; the standard variables lead there."""
    from trading_assets_tests.stand_ins.object_store import (  # noqa: PLC0415
        aws_variables,
        make_bucket,
    )

    for name, value in aws_variables(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    # Opened buckets are kept for the life of the process, with the endpoint of their time.
    bucket = f"bucket-{s3_endpoint.rpartition(':')[2]}-{next(_buckets)}"
    make_bucket(s3_endpoint, bucket)
    return f"s3://{bucket}/some/prefix"

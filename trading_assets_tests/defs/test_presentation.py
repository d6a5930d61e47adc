from __future__ import annotations

import base64
import math
import re

import dagster as dg

from trading_assets.defs.presentation import columns, facts, shown, sparkline, table
from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.workflows.published import Published


def svg_of(value: dg.MarkdownMetadataValue) -> str:
    encoded = re.search(r"base64,([^)]+)\)", str(value.value))
    assert encoded is not None
    return base64.b64decode(encoded[1]).decode()


def test_a_sparkline_is_small_and_spans_its_box() -> None:
    plot = sparkline([float(i % 97) for i in range(50_000)])
    assert len(str(plot.value)) < 6_000
    svg = svg_of(plot)
    assert 'points="0.0,' in svg
    assert "320.0," in svg


def test_a_sparkline_of_nothing_or_of_one_value_is_still_a_picture() -> None:
    for values in ([], [math.nan, math.inf], [5.0]):
        assert "<polyline" in svg_of(sparkline(values))


def test_a_sparkline_says_its_range() -> None:
    assert "from 1 to 3" in str(sparkline([1.0, 3.0, 2.0]).value)


def test_plain_values_get_dagsters_types() -> None:
    found = facts(
        {
            "file": "/data/x.parquet",
            "1h card": "/data/card.md",
            "mlflow": "http://127.0.0.1:5000/#/runs/1",
            "equity": "![equity](data:image/png;base64,AA)",
            "nothing": None,
            "odd": math.nan,
            "rows": 3,
            "names": ("a", "b"),
        }
    )
    assert isinstance(found["file"], dg.PathMetadataValue)
    assert isinstance(found["1h card"], dg.PathMetadataValue)
    assert isinstance(found["mlflow"], dg.UrlMetadataValue)
    assert isinstance(found["equity"], dg.MarkdownMetadataValue)
    assert isinstance(found["nothing"], dg.NullMetadataValue)
    assert found["odd"].value == "nan"
    assert found["rows"] == 3
    assert found["names"].data == ["a", "b"]


def test_a_published_partition_is_shown_with_its_rows_and_parents() -> None:
    published = Published(
        table="bars_5m",
        symbol=symbol_from_text("BTCUSDT"),
        month=Month(2024, 3),
        version="abc",
        rows=8928,
        changed=False,
        parents={"bars_1m/BTCUSDT/2024-03": "def"},
        metadata={"rows": 8928, "gaps": 1},
    )
    version = shown(published, [1.0, 2.0])
    assert version.version == "abc"
    assert version.metadata["dagster/row_count"] == 8928
    assert version.metadata["parents"] == {"bars_1m/BTCUSDT/2024-03": "def"}
    assert "rows" not in version.metadata
    assert "plot" in version.metadata


def test_a_table_has_the_named_columns_and_short_cells() -> None:
    shown_table = table(
        [{"rule": "trades", "value": 12.345678, "x": {"b": 1}}], ("rule", "value", "x")
    )
    assert shown_table.records[0].data == {"rule": "trades", "value": 12.3457, "x": '{"b": 1}'}


def test_columns_carry_their_formulas() -> None:
    schema = columns({"ts": "Datetime", "body": "Float64"}, {"body": "(close - open) / range"})
    assert [(c.name, c.description) for c in schema.columns] == [
        ("ts", None),
        ("body", "(close - open) / range"),
    ]

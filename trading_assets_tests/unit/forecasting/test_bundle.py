import json
from dataclasses import replace

import pytest

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, canonical_json, sha256_hex
from trading_assets.forecasting.bundle import ModelBundle


def test_a_document_gives_the_bundle_back(bundle):
    again = ModelBundle.from_document(bundle.document)
    assert again == bundle
    assert again.model_id == bundle.model_id == sha256_hex(bundle.document)
    bare = replace(bundle, calibration=None)
    assert ModelBundle.from_document(bare.document) == bare


def test_whatever_a_prediction_depends_on_changes_the_id(bundle):
    others = [
        replace(bundle, month=Month(2031, 1)),
        replace(bundle, features=bundle.features[::-1]),
        replace(bundle, features_code_version="0" * 64),
        replace(bundle, shrinkage=0.123),
        replace(bundle, calibration=None),
        replace(bundle, calibration=replace(bundle.calibration, method="isotonic")),
        replace(bundle, dataset="0" * 64),
        replace(bundle, booster_sha256="0" * 64),
        replace(bundle, code_version="0" * 64),
    ]
    assert len({other.model_id for other in others} | {bundle.model_id}) == len(others) + 1


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"month": 3}', b'{"calibration": {}}', b"\xff"]
)
def test_other_documents_are_refused(document):
    with pytest.raises(CorruptFile, match="Not a model document"):
        ModelBundle.from_document(document)


@pytest.mark.parametrize("other", [1, 3])
def test_another_format_is_named(bundle, other):
    """Format 1 had calibrations without a method: what it lacks is not what is told."""
    facts = {**json.loads(bundle.document), "format": other}
    del facts["calibration"]["method"]
    with pytest.raises(CorruptFile, match=f"format {other}.*Train the month again"):
        ModelBundle.from_document(canonical_json(facts))


def test_further_facts_are_refused(bundle):
    more = canonical_json({**json.loads(bundle.document), "extra": 1})
    with pytest.raises(CorruptFile, match="of nothing else"):
        ModelBundle.from_document(more)

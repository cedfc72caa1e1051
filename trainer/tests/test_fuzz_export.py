"""A few seeds of the fuzz of exports, and that it sees what it looks for."""

import numpy as np
import pytest

from fuzz.compare import _compared, _difference, outcome
from fuzz.pipelines import fitted
from fuzz.rows import ROWS, adversarial_rows
from plumb_trainer import export_bundle

SCHEMA = {"properties": {"a": {"type": "number"}, "flag": {"type": "boolean"}}}
ROW = {"a": 1.5, "flag": True}


@pytest.mark.parametrize("seed", [0])
def test_what_is_served_answers_as_the_pipeline_does(seed):
    found = outcome(seed)
    assert (found.kind, found.told) == ("same", "")
    assert found.answered > ROWS // 2


def test_a_bundle_of_another_pipeline_differs(tmp_path):
    given = fitted(1)
    bundle = export_bundle(given.pipeline, given.X, tmp_path, name="fuzz", version=1, golden_rows=50, progress=False)
    rows = adversarial_rows(given.X, 1)[:60]
    assert _compared(given, bundle, rows).kind == "same"
    other = given._replace(pipeline=_Other(given.pipeline))
    assert _compared(other, bundle, rows).kind == "differs"


class _Other:
    """A pipeline that answers a little more."""

    def __init__(self, pipeline):
        self._pipeline = pipeline
        if hasattr(pipeline, "classes_"):
            self.classes_ = pipeline.classes_
            self.predict_proba = lambda frame: pipeline.predict_proba(frame)[:, ::-1]

    def predict(self, frame):
        found = self._pipeline.predict(frame)
        return found if hasattr(self, "classes_") else found * 1.001 + 1e-3


def refused(code):
    return {"error": {"code": code, "message": "no"}}


@pytest.mark.parametrize(
    ("own", "answer", "row", "tier", "differs"),
    [
        ((None, np.array([2.0])), {"prediction": 2.0}, ROW, "A", False),
        ((None, np.array([2.0])), {"prediction": np.nextafter(2.0, 3)}, ROW, "A", True),
        ((None, np.array([2.0])), {"prediction": np.nextafter(2.0, 3)}, ROW, "C", False),
        (None, {"prediction": 2.0}, ROW, "A", True),
        (None, refused("row_refused"), ROW, "A", False),
        ((None, np.array([2.0])), refused("row_refused"), ROW, "A", True),
        ((None, np.array([np.inf])), refused("model_output_invalid"), ROW, "A", False),
        ((None, np.array([2.0])), refused("schema_mismatch"), {**ROW, "a": None}, "A", True),
        ((None, np.array([2.0])), refused("schema_mismatch"), {**ROW, "flag": None}, "A", False),
        ((None, np.array([2.0])), {"prediction": 3.0}, {**ROW, "a": 1e300}, "C", False),
        (("yes", np.array([0.2, 0.8])), {"prediction": "no", "probabilities": {"no": 0.2, "yes": 0.8}}, ROW, "A", True),
        (("yes", np.array([0.2, 0.8])), {"prediction": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}, ROW, "C", True),
    ],
)
def test_a_difference_is_what_a_caller_would_notice(own, answer, row, tier, differs):
    granted = 0 if tier == "A" else 1e-9
    assert bool(_difference(row, own, answer, SCHEMA, tier, granted)) == differs

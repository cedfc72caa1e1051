"""Exports a random pipeline and compares what would be served with the pipeline's own answers, row by row."""

import json
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fuzz.pipelines import fitted
from fuzz.rows import adversarial_rows, frame_of
from plumb_trainer import TrainerError, export_bundle
from plumb_trainer.numbers.json_form import label_text
from plumb_trainer.proof.prove import PlumbCommand

_GENERATED = 200
# Sums in another order, beside the largest of all rows; terms this large lose all others.
_ORDER = {"float64": 1e-9, "float32": 1e-5}
_EXTREME = 1e9


class Outcome(NamedTuple):
    """What became of a seed: `kind` is unfit (the libraries refuse the parts), refused, same, or differs; the last is a bug."""

    kind: str
    told: str
    answered: int = 0
    tier: str = ""


def outcome(seed):
    """Return what became of a seed."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            given = fitted(seed)
        except (ValueError, TypeError) as error:
            return Outcome("unfit", str(error).splitlines()[0])
        with tempfile.TemporaryDirectory(prefix="plumb-fuzz-") as store:
            try:
                bundle = export_bundle(
                    given.pipeline, given.X, store, name="fuzz", version=1, y=given.y, golden_rows=_GENERATED, progress=False
                )
            except TrainerError as error:
                kind = "differs" if error.problems[0].startswith("the bundle is not written") else "refused"
                return Outcome(kind, " / ".join(error.problems))
            except Exception as error:  # noqa: BLE001 whatever else is raised is what is looked for
                return Outcome("differs", f"export_bundle raised {type(error).__name__}: {error}")
            return _compared(given, Path(bundle), adversarial_rows(given.X, seed))


def _compared(given, bundle, rows):
    manifest = json.loads((bundle / "manifest.json").read_text())
    schema = json.loads((bundle / "schema.json").read_text())
    rows = [{name: value for name, value in row.items() if name in schema["properties"]} for row in rows]
    answers = PlumbCommand().answers(bundle, rows)
    expected = [_own(given, row) for row in rows]
    tier = manifest["parity"]["tier"]
    numbers = [np.abs(own[1]).max() for own in expected if own is not None and np.isfinite(own[1]).all()]
    granted = 0 if tier == "A" else _ORDER[_dtype(given)] * max(numbers, default=0)
    answered = 0
    for index, (row, own, answer) in enumerate(zip(rows, expected, answers, strict=True)):
        answered += "error" not in answer
        problem = _difference(row, own, answer, schema, tier, granted)
        if problem:
            return Outcome("differs", f"row {index + 1}, {row}: {problem}", answered, tier)
    return Outcome("same", "", answered, tier)


def _own(given, row):
    """Return the label, if any, and the numbers that the pipeline gives a row by itself; None where it raises."""
    full = {name: row.get(name, given.X[name].iloc[0]) for name in given.X}
    frame = frame_of(full, given.X)
    try:
        prediction = np.ravel(given.pipeline.predict(frame))[0]
        has_classes = hasattr(given.pipeline, "classes_")
        if not has_classes:
            return None, np.array([prediction], dtype=np.float64)
        label = prediction.item() if hasattr(prediction, "item") else prediction
        scores = given.pipeline.predict_proba(frame) if hasattr(given.pipeline, "predict_proba") else given.pipeline.decision_function(frame)
        return label, np.ravel(scores).astype(np.float64)
    except (ValueError, TypeError):
        return None


def _dtype(given):
    return "float32" if "XGB" in repr(given.pipeline) else "float64"


def _difference(row, own, answer, schema, tier, granted):
    """Return how an answer is otherwise; None where it isn't."""
    if "error" in answer:
        code, message = answer["error"]["code"], answer["error"]["message"]
        if own is None or not np.isfinite(own[1]).all() or (tier != "A" and _is_extreme(row)):
            return None
        if code == "schema_mismatch" and _may_refuse(row, schema):
            return None
        return f"the pipeline answers {own}, and what is served refuses: {code}, {message}"
    if own is None:
        return f"the pipeline raises, and {answer['prediction']} is served"
    if tier != "A" and _is_extreme(row):
        return None
    label, numbers = own
    if label is None:
        served = np.array([answer["prediction"]], dtype=np.float64)
    else:
        classes = answer.get("probabilities")
        is_near = _is_near(numbers, granted)
        if answer["prediction"] != label and not is_near:
            return f"label {answer['prediction']!r} is served for {label!r}"
        if classes is None or label_text(label) not in classes:
            return None
        served = np.array(list(classes.values()), dtype=np.float64)
    beyond = np.abs(served - numbers) > granted
    return f"{served.tolist()} is served for {numbers.tolist()}" if beyond.any() else None


def _is_near(scores, granted):
    if len(scores) == 1:
        return abs(scores[0]) <= granted
    first, second = np.sort(scores)[[-1, -2]]
    return first - second <= granted


def _is_extreme(row):
    return any(isinstance(value, int | float) and abs(value) > _EXTREME for value in row.values() if value is not None)


def _may_refuse(row, schema):
    """Tell whether the schema has a reason of its own: a type that is asked, or values that a text of JSON can't be."""
    for name, rule in schema["properties"].items():
        kind = rule["type"][0] if isinstance(rule["type"], list) else rule["type"]
        if row[name] is None and kind in ("boolean", "array"):
            return True
    return False

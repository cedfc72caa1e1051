"""Runs an exported model in the code that serves it, and holds it to its library bit for bit."""

import json
import subprocess
from pathlib import Path

import numpy as np

from plumb_trainer.models.names import RAW
from plumb_trainer.numbers.json_form import page
from plumb_trainer.numbers.ulp import ulp_distances

ROWS = 10_000
LABELS = np.array(["none", "few", "some", "many"])
_SCRIPT = Path(__file__).parent / "served_model.mjs"


def training_data(missing=0.1, categories=False, rows=600):
    """Return features of several sizes, a target, and the same target in two and in four classes, from a frozen generator.

    With categories the first column has 40 of them and the second three.
    """
    random = np.random.RandomState(3)
    features = random.randn(rows, 5) * 10.0 ** np.arange(-2, 3)
    target = np.sin(features).sum(axis=1) * 20 + features[:, -1] / 50
    features[random.uniform(size=features.shape) < missing] = np.nan
    if categories:
        features[:, 0], features[:, 1] = random.randint(40, size=rows), random.randint(3, size=rows)
        target = target + np.isin(features[:, 0], [1, 5, 6, 7, 33]) * 60 + (features[:, 1] == 1) * 30
    return features, target, (target > 0).astype(int), LABELS[np.digitize(target, [-10, 0, 10])]


def edge_block(exported, seed=5, missing=True, infinite=True):
    """Return 10,000 rows of values at thresholds, one float beside them, missing, infinite, zero or random; float64.

    Neighbours are those of the dtype that the model compares in.
    """
    random = np.random.RandomState(seed)
    (model,) = exported.models
    dtype = np.dtype(model.inputs[0].dtype)
    block = np.empty((ROWS, exported.width))
    for column, thresholds in enumerate(model.thresholds):
        finite = np.asarray(thresholds, dtype=np.float64)
        finite = finite[np.isfinite(finite)]
        at = (finite[random.randint(len(finite), size=ROWS)] if len(finite) else np.zeros(ROWS)).astype(dtype)
        with np.errstate(over="ignore"):
            kinds = [at, np.nextafter(at, dtype.type(-np.inf)), np.nextafter(at, dtype.type(np.inf)), at + random.randn(ROWS)]
        odd = [np.nan if missing else 0.5, np.inf if infinite else 3.0, -np.inf if infinite else -2.5, 0.0, -0.0, -0.5]
        kinds += [np.full(ROWS, value) for value in odd]
        shares = [0.2, 0.2, 0.2, 0.2, 0.1, 0.02, 0.02, 0.02, 0.02, 0.02]
        block[:, column] = np.choose(random.choice(len(kinds), size=ROWS, p=shares), [kind.astype(np.float64) for kind in kinds])
    return block


def served(folder, exported, block, batch=1000):
    """Return what the serving side makes of rows: raw outputs, predictions and probabilities (None without)."""
    (model,) = exported.models
    (tensor,), (output,) = model.inputs, model.outputs
    (folder / "model.onnx").write_bytes(model.onnx)
    (folder / "postprocessing.json").write_text(page(exported.postprocessing()), encoding="utf-8")
    (folder / "input.json").write_text(json.dumps({"dtype": tensor.dtype, "width": tensor.width}), encoding="utf-8")
    with np.errstate(over="ignore"):
        (folder / "block.bin").write_bytes(np.ascontiguousarray(block.astype(tensor.dtype)).tobytes())
    answer = json.loads(subprocess.run(["node", _SCRIPT, folder, str(batch)], capture_output=True, check=True).stdout)
    raw = np.frombuffer((folder / "raw.bin").read_bytes(), dtype=output.dtype).reshape(len(block), output.width)
    probabilities = np.array(answer["probabilities"]).reshape(len(block), -1) if answer["probabilities"] else None
    return raw, answer["predictions"], probabilities


def prove(folder, exported, block, predictions, probabilities=None, ulp=0):
    """Assert that raw outputs have the library's bits, and answers too; of tier B they may differ by some units in the last place.

    Parameters
    ----------
    predictions : ndarray or list
        The library's.
    probabilities : ndarray, default=None
    ulp : int, default=0
        The most that an answer in tier B may differ.
    """
    raw = exported.raw(block)[RAW]
    assert len(np.unique(raw, axis=0)) > 1
    got_raw, got_predictions, got_probabilities = served(folder, exported, block)
    assert raw.dtype == got_raw.dtype
    assert raw.tobytes() == got_raw.tobytes(), _told(raw, got_raw)
    if exported.task == "classification":
        wanted = np.asarray(predictions).ravel().tolist()
        differing = sum(one != other for one, other in zip(wanted, got_predictions, strict=True))
        assert differing == 0
    else:
        assert exported.names == () or np.shape(got_predictions) == (len(block), len(exported.names))
        _assert_near(np.asarray(predictions), got_predictions, ulp if exported.tiers["prediction"] == "B" else 0)
    assert (probabilities is None) == (got_probabilities is None)
    if probabilities is not None:
        _assert_near(probabilities, got_probabilities, ulp if exported.tiers["probabilities"] == "B" else 0)


def _assert_near(expected, got, ulp):
    got = np.asarray(got, dtype=np.float64).reshape(expected.shape).astype(expected.dtype)
    distances = ulp_distances(expected, got)
    # Where p is near 1, one unit of it is many of 1 - p.
    if ulp > 0:
        distances[np.abs(expected - got) <= ulp * 2.0**-53] = 0
    assert distances.max() <= ulp, f"{(distances > ulp).sum()} answers differ, by {distances.max():.0f} ulp at most"


def _told(expected, got):
    rows = np.flatnonzero((expected != got).any(axis=1))
    return f"{len(rows)} rows differ, such as {rows[:1]}: {expected[rows[:1]]} and {got[rows[:1]]}"

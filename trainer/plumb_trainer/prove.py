"""Proves a bundle before anybody sees it: the code that will serve it answers as the pipeline does, bit for bit."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from plumb_trainer.json_form import line, number_value
from plumb_trainer.stop import Stop
from plumb_trainer.ulp import ulp_distance

PROJECT = Path(__file__).resolve().parents[2]
PLUMB = ("node", str(PROJECT / "bin" / "plumb.js"))

# Differences that are told one by one.
_SHOWN = 5


def prove(bundle, rows, features, predictions, plumb=PLUMB):
    """Run the serving side over a bundle's golden rows and over other rows; return only where all is equal.

    Parameters
    ----------
    bundle : Path
        A whole bundle.
    rows : list of dict
        Valid rows, beside the golden ones.
    features : ndarray of shape (n_rows, width)
        What the pipeline's preprocessing gives for them, cast to the model's dtype.
    predictions : ndarray of shape (n_rows,)
        What the pipeline predicts, in its own dtype.
    plumb : sequence of str
        The command.

    Raises
    ------
    Stop
        With the rows and columns that differ, and by how many units in the last place.
    """
    _run([*plumb, "verify", str(bundle)])
    with tempfile.TemporaryDirectory(prefix="plumb-proof-") as folder:
        questions, answers = Path(folder, "rows.jsonl"), Path(folder, "answers.jsonl")
        questions.write_text("".join(f"{line(row)}\n" for row in rows), encoding="utf-8")
        _run([*plumb, "predict", str(bundle), "--input", str(questions), "--output", str(answers), "--features"])
        problems = differences(rows, features, predictions, answers.read_text(encoding="utf-8").splitlines())
    if problems:
        raise Stop("the bundle is not written, because it answers otherwise than the pipeline", *problems)


def differences(rows, features, predictions, answers):
    """Return a sentence for each answer that isn't the pipeline's, the first few in full.

    Parameters
    ----------
    rows, features, predictions
        As for `prove`.
    answers : list of str
        The lines that ``plumb predict --features`` wrote.
    """
    if len(answers) != len(rows):
        return [f"expected {len(rows)} answers, got {len(answers)}"]
    problems, differing = [], 0
    for number, (row, expected, prediction, text) in enumerate(zip(rows, features, predictions, answers, strict=True), start=1):
        found = _row_differences(expected, prediction, json.loads(text))
        differing += bool(found)
        problems += [f"row {number}, {line(row)}: {difference}" for difference in found]
    more = len(problems) - _SHOWN
    if more > 0:
        problems[_SHOWN:] = [f"and {more} more differences; {differing} of {len(rows)} rows differ"]
    return problems


def _row_differences(features, prediction, answer):
    if "error" in answer:
        error = answer["error"]
        return [f"the pipeline predicts {prediction}, but Plumb refuses: {error.get('message', error)}"]
    found = []
    if len(answer["features"]) != len(features):
        return [f"expected {len(features)} features, got {len(answer['features'])}"]
    for column, (expected, form) in enumerate(zip(features, answer["features"], strict=True)):
        found += _difference(f"feature column {column}", expected, number_value(form))
    return found + _difference("prediction", prediction, number_value(answer["prediction"]))


def _difference(what, expected, got):
    rounded = expected.dtype.type(got)
    distance = ulp_distance(expected, rounded)
    # A number that is no float of the dtype at all was computed in another one.
    if distance == 0 and (float(rounded) == got or np.isnan(got)):
        return []
    return [f"{what} differs by {distance} ulp ({expected.dtype}): expected {expected.item()!r}, got {got!r}"]


def _run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Stop(f"the proof needs {command[0]}, which isn't installed or not on the PATH") from error
    if done.returncode != 0:
        shown = " ".join(command[:3])
        raise Stop(f"the bundle is not written, because `{shown}` refused it:", (done.stderr or done.stdout).strip())

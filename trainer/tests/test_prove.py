"""A difference of one bit stops the run, and the message says where it is and how large."""

import json

import numpy as np
import pytest

from plumb_trainer.prove import differences, prove
from plumb_trainer.stop import Stop
from plumb_trainer.ulp import ulp_distance

ROWS = [{"price": 1.5}, {"price": None}]
FEATURES = np.array([[0.1, np.nan], [0.2, -0.0]], dtype=np.float32)
PREDICTIONS = np.array([5.3, -1.0], dtype=np.float32)


def answers(**changes):
    """Return the lines of answers that are right, but for the members of the first that are given."""
    first = {"prediction": float(PREDICTIONS[0]), "features": [float(FEATURES[0, 0]), "NaN"]}
    second = {"prediction": -1, "features": [float(FEATURES[1, 0]), "-0.0"]}
    return [json.dumps(first | changes), json.dumps(second)]


def test_equal_answers_have_no_differences():
    assert differences(ROWS, FEATURES, PREDICTIONS, answers()) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prediction": float(np.nextafter(PREDICTIONS[0], np.float32(9)))}, 'row 1, {"price":1.5}: prediction differs by 1 ulp (float32)'),
        ({"features": [float(np.float32(0.1)) + 2**-40, "NaN"]}, "feature column 0 differs by 0 ulp (float32)"),
        ({"features": [float(FEATURES[0, 0]), 0]}, "feature column 1 differs by inf ulp"),
        ({"features": [1]}, "expected 2 features, got 1"),
        ({"error": {"code": "row_refused", "message": "no"}}, "the pipeline predicts 5.3"),
    ],
)
def test_a_difference_is_told_with_row_column_and_size(changes, sentence):
    problems = differences(ROWS, FEATURES, PREDICTIONS, answers(**changes))
    assert len(problems) == 1
    assert sentence in problems[0]


def test_the_sign_of_zero_counts():
    lines = answers()
    lines[1] = lines[1].replace('"-0.0"', "0")
    assert differences(ROWS, FEATURES, PREDICTIONS, lines) == [
        'row 2, {"price":null}: feature column 1 differs by 1 ulp (float32): expected -0.0, got 0.0'
    ]


def test_many_differences_are_counted():
    rows, features = ROWS[:1] * 40, np.zeros((40, 1), np.float32)
    lines = [json.dumps({"prediction": 0, "features": [1]})] * 40
    problems = differences(rows, features, np.zeros(40, np.float32), lines)
    assert len(problems) == 6
    assert problems[-1] == "and 35 more differences; 40 of 40 rows differ"


def test_an_answer_too_few_is_told():
    assert differences(ROWS, FEATURES, PREDICTIONS, answers()[:1]) == ["expected 2 answers, got 1"]


def test_a_command_that_refuses_or_is_not_there_stops_the_run(tmp_path):
    with pytest.raises(Stop, match="the bundle is not written"):
        prove(tmp_path, ROWS, FEATURES, PREDICTIONS, plumb=("false",))
    with pytest.raises(Stop, match="no-such-command, which isn't installed"):
        prove(tmp_path, ROWS, FEATURES, PREDICTIONS, plumb=("no-such-command",))


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [(1.0, 1.0, 0), (0.0, -0.0, 1), (5e-324, -5e-324, 3), (1.0, 1.0000000000000002, 1), (np.nan, np.nan, 0), (np.nan, 1.0, np.inf)],
)
def test_distances_are_counted_in_floats(one, other, distance):
    assert ulp_distance(np.float64(one), np.float64(other)) == distance
    assert ulp_distance(np.float64(other), np.float64(one)) == distance

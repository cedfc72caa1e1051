"""A difference of one bit stops the run where the bits must be the same, and the message says where it is and how large."""

import json

import numpy as np
import pytest

from plumb_trainer.errors import TrainerError
from plumb_trainer.fitted.pipeline import Answers
from plumb_trainer.models import ExportedModel
from plumb_trainer.models.core import model_file
from plumb_trainer.numbers.parity import Parity
from plumb_trainer.numbers.ulp import Worst, ulp_distances
from plumb_trainer.proof.prove import PlumbCommand, measured, told_rows

ROWS = [{"price": 1.5}, {"price": None}]
FEATURES = np.array([[0.1, np.nan], [0.2, -0.0]], dtype=np.float32)
PREDICTIONS = np.array([5.3, -1.0], dtype=np.float32)
EXPECTED = Answers(FEATURES.astype(np.float64), PREDICTIONS[:, None], PREDICTIONS, None)


def exported(dtype, width, outputs, tier, labels=()):
    """Return a model of one file, as the comparison reads it."""
    task = "classification" if labels else "regression"
    tiers = {"raw": tier, "prediction": tier}
    probabilities = "p1" if labels else None
    file = model_file(b"", dtype, width, outputs)
    return ExportedModel(task, (file,), (), "p1", probabilities, labels, tiers, None, (), answer_dtype=dtype)


TREES = exported("float32", 2, 1, "A")

LABELS = ("no", "yes")
OUTPUTS = np.array([[100.0, 1e-9], [-0.5, 0.25]])
CHANCES = np.array([[0.75, 0.25], [0.4, 0.6]])
CLASSIFIED = Answers(np.zeros((2, 1)), OUTPUTS, np.array(LABELS, dtype=object), CHANCES)
LAYERS = exported("float64", 1, 2, "C", LABELS)


def answers(**changes):
    """Return a regressor's answers that are right, but for the members of the first that are given."""
    first = {"prediction": float(PREDICTIONS[0]), "features": [float(FEATURES[0, 0]), "NaN"], "raw": [float(PREDICTIONS[0])]}
    second = {"prediction": -1, "features": [float(FEATURES[1, 0]), "-0.0"], "raw": [-1]}
    return json.loads(json.dumps([first | changes, second]))


def labelled(**changes):
    """Return a classifier's answers that are right, but for the members of the first that are given."""
    lines = [
        {"prediction": label, "probabilities": dict(zip(LABELS, chances, strict=True)), "features": [0], "raw": raw}
        for label, chances, raw in zip(LABELS, CHANCES.tolist(), OUTPUTS.tolist(), strict=True)
    ]
    lines[0] |= changes
    return json.loads(json.dumps(lines))


def test_equal_answers_have_no_differences():
    assert measured(ROWS, EXPECTED, TREES, (), answers()) == (Parity("A", 2), [])
    bounds = Worst(last_place=2**-52 * 100), Worst(last_place=2**-52 * 0.75)
    assert measured(ROWS, CLASSIFIED, LAYERS, LABELS, labelled()) == (Parity("C", 2, *bounds), [])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prediction": float(np.nextafter(PREDICTIONS[0], np.float32(9)))}, 'row 1, {"price":1.5}: prediction differs by 1 ulp (float32)'),
        ({"raw": [float(np.nextafter(PREDICTIONS[0], np.float32(9)))]}, "model output differs by 1 ulp (float32)"),
        ({"features": [float(np.float32(0.1)) + 2**-40, "NaN"]}, "feature column 0 differs by 0 ulp (float32)"),
        ({"features": [float(FEATURES[0, 0]), 0]}, "feature column 1 differs by inf ulp"),
        ({"features": [1]}, "expected 2 values, got 1"),
        ({"error": {"code": "row_refused", "message": "no"}}, "the pipeline predicts 5.3"),
    ],
)
def test_a_difference_is_told_with_row_column_and_size(changes, sentence):
    _, problems = measured(ROWS, EXPECTED, TREES, (), answers(**changes))
    assert len(problems) == 1
    assert sentence in problems[0]


def test_sums_in_another_order_are_measured_and_granted():
    moved = [100 + 1e-10, 1e-9 + 1e-12]
    parity, problems = measured(ROWS, CLASSIFIED, LAYERS, LABELS, labelled(raw=moved, probabilities={"no": 0.75 + 2**-50, "yes": 0.25}))
    assert problems == []
    assert parity.margin == Worst(ulp_distances(np.array([100.0]), np.array([100 + 1e-10]))[0], moved[1] - 1e-9, 2**-52 * 100)
    assert parity.prediction == Worst(8, 0, 2**-52 * 0.75)
    assert parity.document("scikit-learn")["tolerance"] == {
        "features_ulp": 0,
        "margin_ulp": 8 * parity.margin.ulp,
        "margin_abs": 8 * (moved[1] - 1e-9),
        "prediction_ulp": 64,
        "prediction_abs": 16 * 2**-52 * 0.75,
    }


def test_what_is_left_where_terms_cancel_is_no_bound_for_other_numbers():
    cancelled = Answers(np.zeros((2, 1)), np.array([[10.0], [0.0]]), np.array([10.0, 0.0]), None)
    lines = [{"prediction": value, "features": [0], "raw": [value]} for value in (10, 3e-14)]
    parity, problems = measured(ROWS, cancelled, Sums, (), lines)
    assert problems == []
    found = Worst(0, 3e-14, 2**-52 * 10)
    assert parity == Parity("C", 2, found, found)
    granted = parity.document("scikit-learn")["tolerance"]
    assert granted == {"features_ulp": 0, "margin_ulp": 64, "margin_abs": 8 * 3e-14, "prediction_ulp": 64, "prediction_abs": 8 * 3e-14}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"raw": [100 + 1e-6, 1e-9]}, "model output 0 differs by"),
        ({"raw": [100, "NaN"]}, "model output 1 differs by inf ulp"),
        ({"features": [5e-324]}, "feature column differs by 1 ulp (float64)"),
        ({"probabilities": {"no": 0.75, "yes": 0.2500001}}, "probability 1 differs by"),
        ({"prediction": "yes"}, "prediction is otherwise: expected 'no', got 'yes'"),
    ],
)
def test_more_than_another_order_makes_is_told(changes, sentence):
    _, problems = measured(ROWS, CLASSIFIED, LAYERS, LABELS, labelled(**changes))
    assert len(problems) == 1
    assert sentence in problems[0]


class Sums:
    """A model of one output, within a bound."""

    dtype = raw_dtype = answer_dtype = "float64"
    tier = raw_tier = "C"
    names = ()


class Several:
    """A model of two outputs, within a bound, of very different sizes."""

    dtype = raw_dtype = answer_dtype = "float64"
    tier = raw_tier = "C"
    names = ("small", "large")


PAIRS = np.array([[1e-3, 1e9], [2e-3, -1e9]])
TWO_OUTPUTS = Answers(np.zeros((2, 1)), PAIRS, PAIRS, None)


def pairs(**changes):
    """Return the answers of two outputs that are right, but for the members of the first that are given."""
    lines = [{"prediction": values, "features": [0], "raw": values} for values in PAIRS.tolist()]
    lines[0] = lines[0] | changes
    return lines


def test_each_of_several_outputs_is_compared_beside_its_own_largest():
    same = Worst(last_place=2**-52 * 1e9)
    assert measured(ROWS, TWO_OUTPUTS, Several, (), pairs()) == (Parity("C", 2, same, same), [])
    near = pairs(prediction=[1e-3, 1e9 + 1e-7])
    assert measured(ROWS, TWO_OUTPUTS, Several, (), near)[0].prediction == same._replace(ulp=1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prediction": [1e-3 + 1e-9, 1e9]}, 'row 1, {"price":1.5}: prediction "small" differs by'),
        ({"prediction": [1e-3, 1e9 + 10]}, 'prediction "large" differs by'),
        ({"raw": [1e-3 + 1e-9, 1e9]}, "model output 0 differs by"),
        ({"prediction": [1e-3]}, "prediction: expected 2 values, got 1"),
    ],
)
def test_a_difference_in_one_of_several_outputs_is_told_by_its_name(changes, sentence):
    _, problems = measured(ROWS, TWO_OUTPUTS, Several, (), pairs(**changes))
    assert len(problems) == 1
    assert sentence in problems[0]


def test_labels_that_are_numbers_are_found_by_their_text():
    chances = np.array([[0.25, 0.75]])
    expected = Answers(np.zeros((1, 1)), OUTPUTS[:1], np.array([7], dtype=object), chances)
    line = {"prediction": 7, "probabilities": {"7": 0.75, "11": 0.25}, "features": [0], "raw": OUTPUTS[0].tolist()}
    assert measured(ROWS[:1], expected, LAYERS, (11, 7), [line]) == (
        Parity("C", 1, Worst(last_place=2**-52 * 100), Worst(last_place=2**-52 * 0.75)),
        [],
    )


def test_the_sign_of_zero_counts():
    lines = answers()
    lines[1]["features"][1] = 0
    assert measured(ROWS, EXPECTED, TREES, (), lines)[1] == [
        'row 2, {"price":null}: feature column 1 differs by 1 ulp (float32): expected -0.0, got 0.0'
    ]


def test_many_differences_are_counted():
    zeros = np.zeros(40, np.float32)
    expected = Answers(np.zeros((40, 1)), zeros[:, None], zeros, None)
    _, problems = measured(ROWS[:1] * 40, expected, TREES, (), [{"prediction": 0, "features": [1], "raw": [0]}] * 40)
    assert len(problems) == 6
    assert problems[-1] == "and 35 more differences; 40 of 40 rows differ"


def test_an_answer_too_few_is_told():
    assert measured(ROWS, EXPECTED, TREES, (), answers()[:1])[1] == ["expected 2 answers, got 1"]


def test_a_command_that_refuses_or_is_not_there_stops_the_run(tmp_path):
    with pytest.raises(TrainerError, match="the bundle is not written"):
        PlumbCommand(("false",)).verify(tmp_path)
    with pytest.raises(TrainerError, match="no-such-command, which isn't installed"):
        PlumbCommand(("no-such-command",)).verify(tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        (1.0, 1.0, 0),
        (0.0, -0.0, 1),
        (5e-324, -5e-324, 3),
        (1.0, 1.0000000000000002, 1),
        (-1e300, np.nextafter(-1e300, 0), 1),
        (np.inf, np.finfo(np.float64).max, 1),
        (np.nan, np.nan, 0),
        (np.nan, 1.0, np.inf),
    ],
)
def test_distances_are_counted_in_floats(one, other, distance):
    one, other = np.array([one, other]), np.array([other, one])
    assert ulp_distances(one, other).tolist() == [distance, distance]


def test_distances_of_float32_and_from_end_to_end():
    largest = np.finfo(np.float64).max
    assert ulp_distances(np.array([largest]), np.array([-largest]))[0] == pytest.approx(2 * 0x7FEFFFFFFFFFFFFF)
    assert ulp_distances(np.float32([1.0, -0.0]), np.float32([np.nextafter(np.float32(1), np.float32(2)), 0.0])).tolist() == [1, 1]


def test_engines_that_answer_otherwise_stop_the_proof(tmp_path):
    class Torn(PlumbCommand):
        def _lines(self, bundle, questions, answers, engine):
            return ['{"prediction":1}', '{"prediction":2}' if engine == "tree" else '{"prediction":3}']

    told = r'engines onnxruntime and tree answer otherwise\n.*row 2, \{"x":5\}: \{"prediction":3\} and \{"prediction":2\}'
    with pytest.raises(TrainerError, match=told):
        Torn().answers(tmp_path, ROWS, [{"x": 4}, {"x": 5}])


def test_personal_data_is_not_told():
    rows = [{"age": 41, "price": 1.5}, {"age": None, "price": None}]
    shown = told_rows(rows, {"age"})
    (told,) = measured(shown, EXPECTED, TREES, (), answers(prediction=5))[1]
    assert told.startswith('row 1, {"age":"hidden: personal data","price":1.5}: prediction differs by')

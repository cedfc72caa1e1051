"""The bundles that load tests send rows to: what they answer is known, and a row costs what it is said to."""

import json

import numpy as np
from bundled_model import plumb
from onnx.reference import ReferenceEvaluator
from reference_overload import ITERATIONS, forest_table, main, spin_graph, spin_rows


def test_spin_answers_a_weighted_sum_whatever_its_loop_does():
    rows = np.array([list(row.values()) for row in spin_rows(5)], dtype=np.float32)
    weights = np.array([0.5, -1.25, 2.0, 0.75], dtype=np.float32)
    for iterations in (0, 3):
        (answers,) = ReferenceEvaluator(spin_graph(iterations)).run(None, {"X": rows})
        np.testing.assert_allclose(answers[:, 0], rows @ weights, rtol=1e-6)


def test_spin_is_written_with_rows_to_send(tmp_path):
    assert main(["spin", str(tmp_path), "--iterations", "1"]) == 0
    plumb("verify", tmp_path / "spin" / "1")
    manifest = json.loads((tmp_path / "spin" / "1" / "manifest.json").read_text())
    assert manifest["slo"]["p95_ms"] == 200
    rows = [json.loads(text) for text in (tmp_path / "spin.jsonl").read_text().splitlines()]
    assert len({tuple(row.values()) for row in rows}) == len(rows) > 1_000
    assert ITERATIONS > 1


def test_the_rows_of_forest_are_json_and_repeatable():
    frame, rentals = forest_table(200, seed=6)
    again, _ = forest_table(200, seed=6)
    assert frame.equals(again)
    assert frame.shape == (200, 8) and np.isfinite(rentals).all()
    json.dumps(frame.to_dict("records"))

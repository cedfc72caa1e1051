"""What an export costs, what it says of itself, and that an interrupted one leaves nothing behind."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import weakref

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from plumb_trainer import TrainerError, export_bundle
from plumb_trainer.fitted.pipeline import Answers
from plumb_trainer.proof.progress import Bar, progress_of
from plumb_trainer.proof.command import PROJECT
from plumb_trainer.proof.prove import measured
from plumb_trainer.run.limits import call_limits

RANDOM = np.random.RandomState(5)
X = pd.DataFrame({"rooms": RANDOM.randint(1, 9, 60), "net_price": RANDOM.rand(60).round(3)})
PIPELINE = Ridge().fit(X, X["rooms"] * 2 + X["net_price"])


class ExportedTrees:
    """A model of one output, bit for bit."""

    dtype = raw_dtype = answer_dtype = "float64"
    tier = raw_tier = "A"
    names = ()


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT / "trainer")}


def export(store, **options):
    """Return the documents of a bundle that is proved over few rows."""
    bundle = export_bundle(PIPELINE, X, store, name="flat", version=1, golden_rows=20, **options)
    return {name: json.loads((bundle / f"{name}.json").read_text()) for name in ("manifest", "schema")}


def test_features_of_one_batch_are_in_memory_at_a_time():
    alive = []

    def batches():
        for _ in range(3):
            assert all(reference() is None for reference in alive)
            features = np.ones((2, 50))
            alive.append(weakref.ref(features))
            part = Answers(features, np.ones((2, 1)), np.ones(2), None)
            del features
            yield part
            del part

    answers = ({"features": [1] * 50, "raw": [1], "prediction": 1} for _ in range(6))
    parity, problems = measured([{}] * 6, batches(), ExportedTrees, (), answers)
    assert (parity.rows, problems, len(alive)) == (6, [], 3)


def test_the_lines_say_how_far_it_is_and_what_came_of_it(tmp_path):
    lines = []
    export(tmp_path, progress=lines.append)
    assert lines[:2] == ["reading the pipeline", "asking the pipeline about the 60 rows of X"]
    assert f"{tmp_path / 'flat' / '1'}: " in lines[-3]
    assert " MB for it" in lines[-3]
    assert lines[-2] == "column \"rooms\": whole numbers in X, so 2.5 will be refused; schema={'rooms': {'type': 'number'}} takes halves"
    assert lines[-1].startswith("it took ")


def test_a_bar_keeps_to_one_line_and_is_for_terminals_only(monkeypatch, capsys):
    stream = io.StringIO()
    bar = Bar(stream)
    bar.stage("reading")
    bar.stage("asking")
    bar.result("written")
    bar.close()
    assert stream.getvalue().split("\r\x1b[K") == ["", f"[{'-' * 20}] 1 of 4: reading", f"[#####{'-' * 15}] 2 of 4: asking", "export_bundle: written\n", ""]
    for asked in (None, False):
        progress_of(asked).stage("reading")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress_of(False).stage("reading")
    assert capsys.readouterr().err == ""
    progress_of(None).stage("reading")
    assert "1 of 4: reading" in capsys.readouterr().err


def test_rows_and_bytes_of_a_request_follow_from_the_width():
    rows = [{"a": 1.5}] * 300
    assert call_limits(3, rows, None) == {"rows_max": 10_000, "body_bytes_max": 2**20}
    assert call_limits(50_000, rows, None) == {"rows_max": 80, "body_bytes_max": 2**20}
    wide = [{f"column {index}": 0.123456789 for index in range(300)}] * 4
    assert call_limits(300, wide, None) == {"rows_max": 10_000, "body_bytes_max": 16 * 2**20}
    assert call_limits(300, wide, {"rows_max": 100}) == {"rows_max": 100, "body_bytes_max": 2 * 2**20}
    assert call_limits(10**9, rows, {"body_bytes_max": 77}) == {"rows_max": 16, "body_bytes_max": 77}
    for asked, sentence in (({"rows": 1}, 'limits: there is no "rows"'), ({"rows_max": 0}, "limits, rows_max: expected an integer")):
        with pytest.raises(TrainerError, match=sentence):
            call_limits(3, rows, asked)


def test_what_a_service_sends_may_be_asked_for(tmp_path):
    made = export(tmp_path, additional="ignore", limits={"rows_max": 7})
    assert made["schema"]["additionalProperties"] is True
    assert made["manifest"]["limits"] == {"rows_max": 7, "body_bytes_max": 2**20}
    with pytest.raises(TrainerError, match='additional: expected "error" or "ignore", got True'):
        export(tmp_path / "other", additional=True)


def test_null_may_be_forbidden_where_the_pipeline_takes_it(tmp_path):
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_depth=2).fit(X, X["rooms"])
    options = {"name": "tree", "golden_rows": 20}
    bundle = export_bundle(tree, X, tmp_path, version=1, schema={"rooms": {"nullable": False}}, **options)
    types = {name: rule["type"] for name, rule in json.loads((bundle / "schema.json").read_text())["properties"].items()}
    assert types == {"rooms": "integer", "net_price": ["number", "null"]}
    with pytest.raises(TrainerError, match="expected False, got True"):
        export_bundle(tree, X, tmp_path, version=2, schema={"rooms": {"nullable": True}}, **options)
    gaps = X.assign(net_price=X["net_price"].where(X["net_price"] > 0.1))
    with pytest.raises(TrainerError, match="X has missing values there"):
        export_bundle(tree.fit(gaps, X["rooms"]), gaps, tmp_path, version=3, schema={"net_price": {"nullable": False}}, **options)


def test_an_interrupted_run_leaves_nothing_and_shows_no_traceback(tmp_path):
    command = [sys.executable, "-m", "plumb_trainer", "train", str(PROJECT / "trainer" / "examples" / "demand.yaml"), "--out", str(tmp_path)]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(tmp_path.glob("demand/.1.*/manifest.json")):
        assert process.poll() is None
        time.sleep(0.01)
    # As a terminal does: to the programs that it has started too.
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate()[1]
    assert (process.returncode, told.strip()) == (130, "plumb train: interrupted; nothing was written")
    assert list(tmp_path.glob("demand/*")) + list(tmp_path.glob("demand/.*")) == []

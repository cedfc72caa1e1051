"""The committed data is what the script makes."""

import csv
import importlib.util

import numpy as np

from plumb_trainer.proof.command import PROJECT

EXAMPLES = PROJECT / "trainer" / "examples"


def test_the_script_makes_the_committed_data(tmp_path):
    spec = importlib.util.spec_from_file_location("make_demand", EXAMPLES / "make_demand.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path / "demand.csv")
    paths = (tmp_path / "demand.csv", EXAMPLES / "demand.csv")
    made, committed = ([*csv.reader(path.read_text(encoding="utf-8").splitlines())] for path in paths)
    assert len(made) == 601
    assert made[0] == committed[0]
    assert [row[0] for row in made] == [row[0] for row in committed]
    # Sines and logarithms are another system's C library's in the last bits.
    numbers = [np.array([row[1:] for row in rows[1:]], dtype=float) for rows in (made, committed)]
    np.testing.assert_allclose(*numbers, rtol=1e-12, atol=1e-12)

"""Goal: the committed parity cases are what the exporter and the libraries give today, and what is timed is computed right."""

import subprocess

import pytest

import export_speed
from reference.__main__ import _differs, main
from reference.speed import measure, medians


@pytest.mark.long
def test_the_committed_cases_hold(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_a_case_is_compared_as_far_as_the_processor_allows():
    case = '{"graph": {"nodes": [{"op": "scale", "mean": %s}]}}'
    here, other_bits, other_operator = case % 0.1, case % 0.2, (case % 0.1).replace("scale", "clip")
    assert not _differs(here, here, same_processor=True)
    assert _differs(here, other_bits, same_processor=True)
    assert not _differs(here, other_bits, same_processor=False)
    assert _differs(here, other_operator, same_processor=False)
    assert _differs(here, None, same_processor=False)


def test_what_is_timed_is_the_same_to_the_bit():
    found = measure(n_rows=300, times=2)
    assert {side: sorted(sizes) for side, sizes in found.items()} == {"scikit-learn": ["batch", "row"], "served": ["batch", "row"]}
    assert all(min(runs) > 0 for sizes in found.values() for runs in sizes.values())


def test_rounds_are_told_by_their_medians():
    found = {"scikit-learn": {"batch": [4.0, 6.0, 9.0]}, "served": {"batch": [1.0, 2.0, 90.0]}}
    assert medians(found) == {("scikit-learn", "batch"): 6.0, ("served", "batch"): 2.0}


def test_a_training_run_is_timed_with_its_proof(write_recipe, capsys):
    assert export_speed.main([str(write_recipe()), "--runs", "1"]) == 0
    run, median = capsys.readouterr().out.splitlines()
    assert median == f"median of 1: {run}"
    assert min(export_speed.timed(write_recipe())) > 0


def test_a_training_run_that_stops_has_no_time(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        export_speed.timed(tmp_path / "absent.yaml")

"""Goal: the committed parity cases are what the exporter and the libraries give today, and what is timed is computed right."""

from parity.__main__ import main
from parity.speed import measure


def test_the_committed_cases_hold(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_what_is_timed_is_the_same_to_the_bit():
    found = measure(n_rows=300, times=2)
    assert {side: sorted(sizes) for side, sizes in found.items()} == {"scikit-learn": ["batch", "row"], "served": ["batch", "row"]}
    assert all(min(runs) > 0 for sizes in found.values() for runs in sizes.values())

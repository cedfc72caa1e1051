"""Goal: the committed parity cases are what the exporter and the libraries give today."""

from parity.__main__ import main


def test_the_committed_cases_hold(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out

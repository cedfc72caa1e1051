"""The table of docs/parity.md is what pipelines of every kind came to: a third of them here, all by ``python tests/matrix.py``."""

import pytest
from matrix import PAGE, cases, line_of, page

GENERATED = 300
NAMES = list(cases())


@pytest.mark.parametrize("name", NAMES[::3])
def test_the_page_says_what_is_found(tmp_path, name):
    assert line_of(name, tmp_path, GENERATED) in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_has_every_pipeline_and_nothing_else():
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if " → " in line]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == NAMES
    assert len(NAMES) >= 60
    assert page(lines) == text
    # Only a tier that is within a bound may be so.
    assert all("within a bound" not in line or "| C |" in line for line in lines)

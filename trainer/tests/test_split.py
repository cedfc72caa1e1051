"""The split is by time and loses no row."""

import pytest

from plumb_trainer.split import split_by_time
from plumb_trainer.stop import Stop


def test_600_days_are_split_into_420_90_and_90_in_order_of_time():
    assert split_by_time(600, (0.70, 0.15, 0.15)) == [slice(0, 420), slice(420, 510), slice(510, 600)]


@pytest.mark.parametrize("row_count", range(10, 200, 7))
def test_every_row_is_in_exactly_one_part(row_count):
    parts = split_by_time(row_count, (0.70, 0.15, 0.15))
    assert [row for part in parts for row in range(row_count)[part]] == list(range(row_count))


def test_too_few_rows_are_refused():
    with pytest.raises(Stop, match="expected enough rows for 3 parts"):
        split_by_time(2, (0.70, 0.15, 0.15))

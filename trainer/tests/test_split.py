"""The split is by time, or gives each label its share in each part; it loses no row."""

import numpy as np
import pytest

from plumb_trainer.data.split import split_by_label, split_by_time
from plumb_trainer.errors import TrainerError

SHARES = (0.70, 0.15, 0.15)


def test_600_days_are_split_into_420_90_and_90_in_order_of_time():
    parts = split_by_time(600, SHARES)
    assert [(part[0], part[-1], len(part)) for part in parts] == [(0, 419, 420), (420, 509, 90), (510, 599, 90)]


@pytest.mark.parametrize("row_count", range(10, 200, 7))
def test_every_row_is_in_exactly_one_part(row_count):
    labels = np.arange(row_count) % 3 == 0
    assert np.concatenate(split_by_time(row_count, SHARES)).tolist() == list(range(row_count))
    assert sorted(np.concatenate(split_by_label(labels, SHARES, 1)).tolist()) == list(range(row_count))


def test_each_label_has_its_share_in_each_part():
    labels = np.array(["a"] * 700 + ["b"] * 200 + ["c"] * 100, dtype=object)
    for part, share in zip(split_by_label(labels, SHARES, 5), SHARES, strict=True):
        assert [int(np.sum(labels[part] == label)) for label in "abc"] == [round(count * share) for count in (700, 200, 100)]
        assert np.all(np.diff(part) > 0)


def test_the_seed_decides_which_rows():
    labels = np.arange(300) % 2
    one, same, other = (split_by_label(labels, SHARES, seed)[2].tolist() for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("split", [lambda: split_by_time(2, SHARES), lambda: split_by_label(np.array([0, 1]), SHARES, 0)])
def test_too_few_rows_are_refused(split):
    with pytest.raises(TrainerError, match="expected enough rows for 3 parts"):
        split()


def test_no_row_at_all_is_refused():
    with pytest.raises(TrainerError, match="got 0"):
        split_by_label(np.array([]), SHARES, 0)

"""Splits rows into parts: by time where they have one, so that the model is judged on what came after all it has learnt from."""

from itertools import pairwise

import numpy as np

from plumb_trainer.errors import TrainerError


def split_rows(recipe, table):
    """Return the rows of each part as a recipe has it split.

    Parameters
    ----------
    recipe : Recipe
    table : Table

    Returns
    -------
    list of ndarray of int
        Of train, validation and holdout: row numbers, ascending.
    """
    if recipe.time is not None:
        return split_by_time(table.row_count, recipe.split)
    return split_by_label(table.columns[recipe.target.name], recipe.split, recipe.seed)


def split_by_time(row_count, shares):
    """Return the rows of each part, oldest first.

    Parameters
    ----------
    row_count : int
        Rows, in order of time.
    shares : tuple of float
        Of each part; they add up to 1.

    Returns
    -------
    list of ndarray of int
        One per share, side by side, together all rows.

    Raises
    ------
    TrainerError
        Where a part would have no row.

    Examples
    --------
    >>> [len(part) for part in split_by_time(600, (0.70, 0.15, 0.15))]
    [420, 90, 90]
    """
    return _refuse_empty(_cut(np.arange(row_count), shares), shares, row_count)


def split_by_label(labels, shares, seed):
    """Return the rows of each part, drawn so that each label has its share in each part.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
    shares : tuple of float
        Of each part; they add up to 1.
    seed : int

    Returns
    -------
    list of ndarray of int
        One per share, together all rows.

    Raises
    ------
    TrainerError
        Where a part would have no row.
    """
    random = np.random.RandomState(seed)
    by_label = [_cut(random.permutation(np.flatnonzero(labels == label)), shares) for label in np.unique(labels)]
    parts = [np.sort(np.concatenate(parts)) for parts in zip(*by_label, strict=True)] or [np.arange(0)] * len(shares)
    return _refuse_empty(parts, shares, len(labels))


def _cut(rows, shares):
    ends = [round(len(rows) * sum(shares[:count])) for count in range(len(shares) + 1)]
    return [rows[begin:end] for begin, end in pairwise(ends)]


def _refuse_empty(parts, shares, row_count):
    if any(len(part) == 0 for part in parts):
        raise TrainerError(f"expected enough rows for {len(shares)} parts of {', '.join(map(str, shares))}, got {row_count}")
    return parts

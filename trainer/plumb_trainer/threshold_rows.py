"""Finds the rows that a model with thresholds is most easily wrong about: on both sides of a split, one float apart.

A split is on a transformed value; callers send the value before. So the place where the answer turns is searched for in
the caller's numbers, by bisection through the fitted preprocessing itself.
"""

import sys
from typing import NamedTuple

import numpy as np

from plumb_trainer.json_form import INTEGER_MAX


def threshold_rows(trained, features, base_rows, count_max):
    """Return rows just below, at and just above thresholds.

    Parameters
    ----------
    trained : Trained
    features : sequence of Column
        The features to vary.
    base_rows : list of dict
        Rows to vary, taken in turn; none of them with a missing value.
    count_max : int
        How many thresholds of each pair of feature and transformed column, spread evenly.

    Returns
    -------
    list of dict
        Three rows a threshold: the largest value that goes left, the smallest that goes right, and the next.
    """
    thresholds = trained.exported.thresholds
    if not any(map(len, thresholds)):
        return []
    searches = []
    for feature in features:
        # Values in an enum are the only ones that may come, and there is nothing between them.
        if feature.type not in ("number", "integer") or "enum" in trained.schema["properties"][feature.name]:
            continue
        scale = _IntegerScale if feature.type == "integer" else _FloatScale
        first, last = _search_window(feature, trained.training[feature.name], scale)
        for column in _columns_moved_by(trained, feature.name, base_rows[0], scale, first, last):
            for index, threshold in enumerate(_spread(thresholds[column], count_max)):
                base = base_rows[index % len(base_rows)]
                searches.append(_Search(feature.name, scale, column, threshold, base, first, last))
    return _rows_around(trained, searches) if searches else []


class _Search(NamedTuple):
    """Where to look for one threshold of a transformed column: between two positions of a feature, in a row of its own."""

    feature: str
    scale: type
    column: int
    threshold: np.floating
    base: dict
    first: int
    last: int

    def row(self, position):
        return {**self.base, self.feature: self.scale.value(int(position))}


def _rows_around(trained, searches):
    """Bisect all at once, until `below`, which goes left, and `above`, which goes right, are neighbours."""
    each = np.arange(len(searches))
    columns = [search.column for search in searches]
    thresholds = np.array([search.threshold for search in searches])

    def goes_right(positions):
        rows = [search.row(at) for search, at in zip(searches, positions, strict=True)]
        # What a float32 doesn't hold is an infinity to the model too.
        with np.errstate(over="ignore"):
            return trained.features(rows)[each, columns].astype(trained.exported.dtype) >= thresholds

    # Positions are Python integers: their difference can exceed 64 bits.
    below = np.array([search.first for search in searches], dtype=object)
    above = np.array([search.last for search in searches], dtype=object)
    is_between = ~goes_right(below) & goes_right(above)
    while np.any(above - below > 1):
        middle = (below + above) // 2
        right = goes_right(middle)
        above = np.where(right, middle, above)
        below = np.where(right, below, middle)
    rows = []
    for index in np.flatnonzero(is_between):
        search = searches[index]
        rows += [search.row(at) for at in (below[index], above[index], min(above[index] + 1, search.last))]
    return rows


def _columns_moved_by(trained, name, base, scale, first, last):
    """Return the transformed columns that change with a feature."""
    ends = trained.features([{**base, name: scale.value(at)} for at in (first, last)])
    return [int(column) for column in np.flatnonzero(ends[0] != ends[1])]


def _spread(values, count_max):
    if len(values) <= count_max:
        return values
    return values[np.linspace(0, len(values) - 1, count_max).astype(int)]


def _search_window(feature, values, scale):
    """Return the positions between which to search: the training range, where all splits are, and as much on both sides."""
    low, high = float(values.min()), float(values.max())
    around = (high - low) or abs(high) or 1.0
    first, last = scale.position(low - around, up=True), scale.position(high + around, up=False)
    limits = feature.ranges
    if "minimum" in limits:
        first = max(first, scale.position(limits["minimum"], up=True))
    if "exclusiveMinimum" in limits:
        first = max(first, scale.position(limits["exclusiveMinimum"], up=False) + 1)
    if "maximum" in limits:
        last = min(last, scale.position(limits["maximum"], up=False))
    if "exclusiveMaximum" in limits:
        last = min(last, scale.position(limits["exclusiveMaximum"], up=True) - 1)
    return first, last


class _IntegerScale:
    """Positions of integers: themselves."""

    @staticmethod
    def position(value, up):
        at = int(np.ceil(value) if up else np.floor(value))
        return max(-INTEGER_MAX, min(INTEGER_MAX, at))

    @staticmethod
    def value(position):
        return position


class _FloatScale:
    """Positions of float64 values: neighbours are one apart. The bits of a positive float, read as an integer, count so already."""

    @staticmethod
    def position(value, up):
        # Every float has its place, so there is nothing to round up or down to.
        value = max(-sys.float_info.max, min(sys.float_info.max, value))
        bits = int(np.abs(np.float64(value)).view(np.int64))
        return -bits if value < 0 else bits

    @staticmethod
    def value(position):
        magnitude = float(np.int64(abs(position)).view(np.float64))
        return -magnitude if position < 0 else magnitude

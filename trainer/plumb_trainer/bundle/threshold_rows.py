"""Finds the rows that a model with thresholds is most easily wrong about: on both sides of a split, one float apart.

A split is on a transformed value; callers send the value before. So the place where the answer turns is searched for in
the caller's numbers, by bisection through the fitted preprocessing itself. Of a list one item is moved: the nearest to its end that
moves the transformed column.
"""

import sys
from typing import NamedTuple

import numpy as np

from plumb_trainer.data.list_rows import items_of
from plumb_trainer.numbers.json_form import INTEGER_MAX

# Items of a list that are moved, from its end.
_ITEMS_MAX = 64


def threshold_rows(trained, features, base_rows, count_max):
    """Return rows just below, at and just above thresholds.

    Parameters
    ----------
    trained : FittedPipeline
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
        kind = feature.item_type or feature.type
        if kind not in ("number", "integer") or "enum" in trained.schema["properties"][feature.name]:
            continue
        scale = _IntegerScale if kind == "integer" else _FloatScale
        search = _searches_in_lists if feature.item_type else _searches
        searches += search(trained, feature, scale, base_rows, count_max)
    return _rows_around(trained, searches) if searches else []


def _searches(trained, feature, scale, base_rows, count_max):
    first, last = _search_window(feature.ranges, trained.training[feature.name], scale)
    search = _Search(feature.name, scale, base_rows[0], first, last)
    (columns,) = _columns_moved_by(trained, [search])
    return _spread_over(trained.exported.thresholds, search, columns, base_rows, count_max)


def _searches_in_lists(trained, feature, scale, base_rows, count_max):
    """Return searches by moving one item of a list, so that each column is moved by one place."""
    name = feature.name
    base = max(base_rows, key=lambda row: len(row[name]))
    items = items_of(trained.training[name])
    # The mean of n items moves by an n-th of what one of them does.
    first, last = _search_window({}, items, scale, reach=len(base[name]))
    places = [_Search(name, scale, base, first, last, back=back) for back in range(1, min(len(base[name]), _ITEMS_MAX) + 1)]
    found, taken = [], set()
    for place, columns in zip(places, _columns_moved_by(trained, places), strict=True):
        found.append((place, [column for column in columns if column not in taken]))
        taken.update(columns)
    searches = []
    for place, columns in found:
        bases = [row for row in base_rows if len(row[name]) >= place.back]
        searches += _spread_over(trained.exported.thresholds, place, columns, bases, max(1, count_max // max(1, len(taken))))
    return searches


def _spread_over(thresholds, search, columns, bases, count_max):
    """Return a search for each of some thresholds of columns, in rows taken in turn."""
    return [
        search._replace(column=column, threshold=threshold, base=bases[index % len(bases)])
        for column in columns
        for index, threshold in enumerate(_spread(thresholds[column], count_max))
    ]


class _Search(NamedTuple):
    """Where to look for one threshold of a transformed column: between two positions of a feature, in a row of its own.

    Of a list it is the item that is `back` from the end, 1 being the last.
    """

    feature: str
    scale: type
    base: dict
    first: int
    last: int
    back: int = 0
    column: int = 0
    threshold: float = 0.0

    def row(self, position):
        value = self.scale.value(int(position))
        if self.back:
            items = self.base[self.feature]
            value = [*items[: len(items) - self.back], value, *items[len(items) - self.back + 1 :]]
        return {**self.base, self.feature: value}

    def lowest(self):
        """Return the position that a column may grow from on both sides: of an item its own, since a deviation does."""
        return self.scale.position(self.base[self.feature][-self.back], up=True) if self.back else self.first


def _rows_around(trained, searches):
    """Bisect all at once, until `below`, which goes left, and `above`, which goes right, are neighbours."""
    each = np.arange(len(searches))
    columns = [search.column for search in searches]
    thresholds = np.array([search.threshold for search in searches])

    def go_right(*several):
        rows = [search.row(at) for positions in several for search, at in zip(searches, positions, strict=True)]
        features = np.concatenate([trained.features(batch) for batch in trained.batches(rows)]).reshape(len(several), len(searches), -1)
        # What a float32 doesn't hold is an infinity to the model too.
        with np.errstate(over="ignore"):
            return features[:, each, columns].astype(trained.exported.dtype) >= thresholds

    # Positions are Python integers: their difference can exceed 64 bits.
    below = np.array([search.first for search in searches], dtype=object)
    above = np.array([search.last for search in searches], dtype=object)
    below = np.where(go_right(below)[0], np.array([search.lowest() for search in searches], dtype=object), below)
    below_right, above_right = go_right(below, above)
    is_between = ~below_right & above_right
    while np.any(above - below > 1):
        # Three places at once: asking the pipeline costs more than the rows that it is asked about.
        quarters = [below + (above - below) * part // 4 for part in (1, 2, 3)]
        for at, right in reversed(list(zip(quarters, go_right(*quarters), strict=True))):
            above = np.where(right, at, above)
        for at in quarters:
            below = np.where(at < above, at, below)
    rows = []
    for index in np.flatnonzero(is_between):
        search = searches[index]
        rows += [search.row(at) for at in (below[index], above[index], min(above[index] + 1, search.last))]
    return rows


def _columns_moved_by(trained, searches):
    """Return, for each search, the transformed columns that are other ones at its two ends."""
    ends = trained.features([search.row(at) for search in searches for at in (search.first, search.last)])
    moved = (ends[::2] != ends[1::2]) & ~(np.isnan(ends[::2]) & np.isnan(ends[1::2]))
    return [[int(column) for column in np.flatnonzero(columns)] for columns in moved]


def _spread(values, count_max):
    if len(values) <= count_max:
        return values
    return values[np.linspace(0, len(values) - 1, count_max).astype(int)]


def _search_window(limits, values, scale, reach=1):
    """Return the positions between which to search: the training range, where all splits are, and `reach` times as much on both sides."""
    low, high = float(values.min()), float(values.max())
    around = reach * ((high - low) or abs(high) or 1.0)
    first, last = scale.position(low - around, up=True), scale.position(high + around, up=False)
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

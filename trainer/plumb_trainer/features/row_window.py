"""Numbers of a series that a row brings with it: the last week's sales, the last ten readings."""

import re

import numpy as np

from plumb_trainer.features.base import FeatureTransformer, columns_of, is_missing

STATISTICS = ("mean", "std", "min", "max", "sum", "last", "count")
_LAG = re.compile(r"lag_([1-9][0-9]{0,5})")


class RowWindow(FeatureTransformer):
    """Statistics of the last items of a series, where each row holds its whole series: a list of numbers, oldest first.

    The DataFrame's column is of dtype object and holds lists, tuples or one-dimensional arrays; their lengths may differ.

    Parameters
    ----------
    statistics : sequence of str, default=("mean",)
        ``mean``, ``std``, ``min``, ``max``, ``sum``, ``last``, ``count``, or ``lag_1``, ``lag_2``, ...: the item so many before the last.
    window : int, default=None
        How many of the last items are looked at; None for all of them.
    min_items : int, default=None
        How many items ``mean``, ``std``, ``min``, ``max`` and ``sum`` need; fewer give NaN. None for `window`, or 1 without a window.
    ddof : int, default=0
        What ``std`` divides by is the number of items less this one.

    Notes
    -----
    Each window is summed by itself, in NumPy's order, so a number depends on its own row alone. A column of ``pandas.rolling``
    doesn't: its running sum carries rounding errors of all rows before, so the same window has other bits elsewhere, and no server can
    repeat that.

    A series that is missing gives NaN everywhere, ``count`` too. An item that is missing, or infinite, is an error: leave it out of the
    list, or fill it in, where the series is made. ``last``, ``lag_1`` ... and ``count`` are of the window; what it doesn't reach is NaN.
    ``std`` is NaN where there are no more items than `ddof`. A result that is too large for a float64 is missing. Served by
    ``row_window``, from a feature of type array.

    Examples
    --------
    >>> import pandas as pd
    >>> from plumb_trainer.features import RowWindow
    >>> rows = pd.DataFrame({"sold": [[1, 2, 3, 4.0], [7.0]]})
    >>> RowWindow(["mean", "last", "lag_1"], window=2, min_items=1).fit_transform(rows)
    array([[3.5, 4. , 3. ],
           [7. , 7. , nan]])
    """

    _dtype = object

    def __init__(self, statistics=("mean",), *, window=None, min_items=None, ddof=0):
        self.statistics = statistics
        self.window = window
        self.min_items = min_items
        self.ddof = ddof

    def _learn(self, X):
        known = isinstance(self.statistics, list | tuple) and all(name in STATISTICS or _LAG.fullmatch(name) for name in self.statistics)
        if not known or len(self.statistics) == 0:
            raise ValueError(f"RowWindow: expected a list of {', '.join(STATISTICS)} or lag_1, lag_2, ..., got {self.statistics!r}")
        for name, value, low in (("window", self.window, 1), ("min_items", self.min_items, 1), ("ddof", self.ddof, 0)):
            if not (isinstance(value, int | np.integer) and value >= low) and not (value is None and name != "ddof"):
                raise ValueError(f"RowWindow: expected {name} to be a whole number from {low} up, got {value!r}")
        self.min_items_ = self.min_items if self.min_items is not None else self.window or 1
        if self.window is not None and self.min_items_ > self.window:
            raise ValueError(f"RowWindow: expected min_items of at most {self.window}, the window, got {self.min_items}")
        self._compute(X)

    def _compute(self, X):
        columns = []
        for index in range(X.shape[1]):
            windows = [self._window(cell, index) for cell in X[:, index]]
            columns += [[np.nan if window is None else self._of(name, window) for window in windows] for name in self.statistics]
        return columns_of([np.asarray(column, dtype=np.float64) for column in columns], len(X))

    def _names(self, names):
        return [f"{name}_{statistic}" for name in names for statistic in self.statistics]

    def _window(self, cell, index):
        """Return the last items of a row's series, or None where it is missing."""
        if is_missing(cell):
            return None
        if isinstance(cell, str) or np.ndim(cell) != 1:
            raise ValueError(f"RowWindow: column {index} holds {cell!r}, where a list of numbers is expected")
        items = np.array(cell, dtype=np.float64)
        if not np.all(np.isfinite(items)):
            what = "a list with an item that is missing or infinite"
            raise ValueError(f"RowWindow: column {index} holds {what}; leave the item out, or fill it in")
        return items if self.window is None else items[-self.window :]

    def _of(self, name, window):
        """Return one statistic of one window, as NumPy computes it of an array that lies in one piece."""
        count = len(window)
        if name == "count":
            return float(count)
        lag = 0 if name == "last" else _LAG.fullmatch(name)
        if lag == 0 or lag is not None:
            back = 1 if lag == 0 else int(lag[1]) + 1
            return float(window[-back]) if back <= count else np.nan
        if count < self.min_items_ or (name == "std" and count <= self.ddof):
            return np.nan
        if name == "std":
            return _finite(np.std(window, ddof=self.ddof))
        return _finite({"mean": np.mean, "sum": np.sum, "min": _least, "max": _greatest}[name](window))


def _least(values):
    # With -0.0 below 0.0: NumPy's own choice between the two depends on the processor.
    found = np.min(values)
    return -0.0 if found == 0 and np.any(np.signbit(values) & (values == 0)) else found


def _greatest(values):
    found = np.max(values)
    return 0.0 if found == 0 and np.any(~np.signbit(values) & (values == 0)) else found


def _finite(value):
    return float(value) if np.isfinite(value) else np.nan

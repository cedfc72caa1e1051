"""Several categories as one."""

import numpy as np

from plumb_trainer.features.base import FeatureTransformer, is_missing

# As bundle/number-form.ts has it: beyond this, not every integer is a float64.
_INTEGER_MAX = 2**53 - 1


class Cross(FeatureTransformer):
    r"""The categories of all columns as one category, such as ``Oslo|3``, for an encoder to learn.

    Columns hold texts, or whole numbers and booleans, which are written as their digits (True as 1).

    Notes
    -----
    Joined by ``|``. A ``|`` or ``\`` within a text is written with a ``\`` before it, so no two different rows become the same category.
    Where one is missing, the cross is missing. A number that isn't whole is refused, since Python and JavaScript write fractions in
    different ways; put ``Buckets`` before it. Served by ``cross``.

    Examples
    --------
    >>> import pandas as pd
    >>> from plumb_trainer.features import Cross
    >>> rows = pd.DataFrame({"city": ["Oslo", "a|b"], "weekday": [3, 4]})
    >>> Cross().fit_transform(rows).ravel().tolist()
    ['Oslo|3', 'a\\|b|4']
    """

    _dtype = object

    def _learn(self, X):
        if X.shape[1] < 2:
            raise ValueError(f"Cross: expected two or more columns, got n_features = {X.shape[1]}")
        self._compute(X)

    def _compute(self, X):
        columns = [_written(X[:, index], index) for index in range(X.shape[1])]
        crossed = ["|".join(parts) if None not in parts else np.nan for parts in zip(*columns, strict=True)]
        return np.array(crossed, dtype=object).reshape(-1, 1)

    def _names(self, names):
        return ["_x_".join(names)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _written(values, index):
    """Return a column as texts, and None where it is missing."""
    given = [value for value in values if not is_missing(value)]
    is_text = any(isinstance(value, str) for value in given)
    for value in given:
        if isinstance(value, str) != is_text:
            raise ValueError(f"Cross: column {index} holds texts and other values, such as {value!r}; make them all texts")
    if is_text:
        return [None if is_missing(value) else value.replace("\\", "\\\\").replace("|", "\\|") for value in values]
    return [None if is_missing(value) else _digits(value, index) for value in values]


def _digits(value, index):
    number = float(value)
    if not number.is_integer() or abs(number) > _INTEGER_MAX:
        expected = "a text, a boolean or a whole number of at most 2^53 - 1"
        raise ValueError(f"Cross: column {index} holds {value!r}, where {expected} is expected")
    return str(int(number))

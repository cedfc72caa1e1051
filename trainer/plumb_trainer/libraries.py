"""What the libraries of training have under another name in older versions, or may lack altogether."""

from importlib.util import find_spec
from typing import NamedTuple

import sklearn
from sklearn.base import BaseEstimator

from plumb_trainer.errors import TrainerError

_BEFORE_1_6 = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 6)

if _BEFORE_1_6:

    class FrozenEstimator(BaseEstimator):
        """Stands for scikit-learn's, which nobody can have fitted yet."""

    class _InputTags(NamedTuple):
        allow_nan: bool

    class _Tags(NamedTuple):
        input_tags: _InputTags

    def get_tags(estimator):
        """Return of an estimator's tags what is asked here."""
        return _Tags(_InputTags(bool(estimator._get_tags()["allow_nan"])))

    def validate_data(estimator, X, *, reset=True, skip_check_array=False, ensure_all_finite=True, **options):
        """Check rows, and hold their columns to those of `fit`."""
        if skip_check_array:
            return estimator._validate_data(X, reset=reset, cast_to_ndarray=False)
        return estimator._validate_data(X, reset=reset, force_all_finite=ensure_all_finite, **options)

else:
    from sklearn.frozen import FrozenEstimator
    from sklearn.utils import get_tags
    from sklearn.utils.validation import validate_data

__all__ = ["FrozenEstimator", "get_tags", "needed", "validate_data"]

_PACKAGES = {"xgboost": "xgboost", "lightgbm": "lightgbm", "catboost": "catboost", "skops": "files", "pyarrow": "files"}


def needed(module):
    """Raise TrainerError where a library isn't installed."""
    if find_spec(module) is None:
        raise TrainerError(f'{module} isn\'t installed here: pip install "plumb-trainer[{_PACKAGES[module]}]"')

"""Random frames of mixed types, and pipelines fitted on them: the same seed gives the same."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

_WORDS = ("red", "fox", "sky", "night", "Straße", "naïve", "a-b", "x1", "的", "low")
_NAMES = ("age", "net price", "city", "Ort", "x", "f_1", "f_2", "is_new", "naïve", "價", "kind", "0", "class")


class Fitted(NamedTuple):
    """A pipeline with the rows that it was fitted on."""

    pipeline: object
    X: pd.DataFrame
    y: np.ndarray


def fitted(seed):
    """Return a random pipeline, fitted on a random frame.

    Raises
    ------
    ValueError, TypeError
        Where the random parts don't go together, as the libraries find.
    """
    random = np.random.default_rng(seed)
    X = _frame(random, int(random.integers(40, 140)))
    is_classifier = random.random() < 0.5
    signal = sum(pd.to_numeric(X[name], errors="coerce").fillna(0).astype(float).clip(-1e3, 1e3) for name in X) + random.normal(size=len(X))
    y = _classes(random, signal) if is_classifier else _targets(random, signal)
    missing = bool(X.isna().any(axis=None))
    model, takes_missing = _model(random, is_classifier)
    steps = None if not _has_texts(X) and random.random() < 0.3 else _steps(random, X, takes_missing)
    if steps is None and (missing and not takes_missing):
        steps = _steps(random, X, takes_missing)
    pipeline = model if steps is None else make_pipeline(*steps, model)
    return Fitted(pipeline.fit(X, y), X, y)


def _frame(random, rows):
    names = random.permutation(_NAMES)[: random.integers(1, 7)]
    return pd.DataFrame({str(name): _column(random, rows) for name in names})


def _column(random, rows):
    kind = random.choice(["normal", "scaled", "money", "whole", "flag", "category", "number category", "text", "constant"])
    if kind == "normal":
        values = random.normal(size=rows)
    elif kind == "scaled":
        values = random.normal(size=rows) * 10.0 ** random.integers(-8, 9) + 10.0 ** random.integers(-3, 6)
    elif kind == "money":
        values = random.gamma(2, 30, rows).round(2)
    elif kind == "whole":
        values = random.integers(-3, 40, rows)
    elif kind == "flag":
        return random.random(rows) < 0.4
    elif kind == "category":
        values = random.choice(random.choice(_WORDS, 4, replace=False), rows).astype(object)
    elif kind == "number category":
        values = random.choice([1, 2, 5, 9], rows)
    elif kind == "text":
        return np.array([" ".join(random.choice(_WORDS, random.integers(1, 6))) for _ in range(rows)], dtype=object)
    else:
        values = np.full(rows, float(random.choice([0, 1.5, -7])))
    if random.random() < 0.3:
        values = pd.Series(values, dtype=object if values.dtype == object else np.float64).where(random.random(rows) > 0.15, np.nan)
    return values


def _classes(random, signal):
    count = int(random.choice([2, 2, 2, 3, 4]))
    codes = pd.qcut(signal.rank(method="first"), count, labels=False).to_numpy()
    forms = [[True, False, None, None], [0, 1, 2, 3], ["no", "yes", "maybe", "né"], [3, 7, 11, -2]]
    labels = np.array(forms[random.integers(0 if count == 2 else 1, 4)][:count])
    return labels[codes]


def _targets(random, signal):
    scale = 10.0 ** random.integers(-4, 6)
    return (np.exp(np.tanh(signal / 10)) * scale).to_numpy()


def _has_texts(X):
    return any(X[name].dtype == object or not pd.api.types.is_numeric_dtype(X[name].dtype) for name in X)


def _steps(random, X, takes_missing):
    parts = []
    for name in X:
        column, gaps = X[name], bool(X[name].isna().any())
        if random.random() < 0.08 and parts:
            continue
        if not pd.api.types.is_numeric_dtype(column.dtype):
            parts.append(_text_part(random, name, column, gaps))
        else:
            parts.append((f"n{len(parts)}", _number_part(random, column, gaps and not takes_missing), [name]))
    steps = [ColumnTransformer(parts, remainder=random.choice(["drop", "passthrough"]) if not _has_texts(X) else "drop", sparse_threshold=0)]
    if random.random() < 0.15:
        steps += [] if takes_missing else [random.choice([StandardScaler(), PolynomialFeatures(2, include_bias=False), MaxAbsScaler()])]
    return steps


def _text_part(random, name, column, gaps):
    if not gaps and random.random() < 0.4:
        vectorizer = random.choice([CountVectorizer, TfidfVectorizer])
        return f"t{name}", vectorizer(analyzer=str(random.choice(["word", "char_wb"])), token_pattern=r"(?u)\b\w+\b"), name
    encoders = (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        OneHotEncoder(sparse_output=False, drop="first"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=12, sparse_output=False),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    )
    encoder = encoders[random.integers(len(encoders))]
    if gaps and random.random() < 0.5:
        return f"t{name}", make_pipeline(SimpleImputer(strategy="most_frequent"), encoder), [name]
    return f"t{name}", encoder, [name]


def _number_part(random, column, fill):
    flag = column.dtype == bool
    makers = (
        StandardScaler,
        MinMaxScaler,
        lambda: MinMaxScaler(clip=True),
        MaxAbsScaler,
        RobustScaler,
        lambda: "passthrough",
        lambda: "passthrough",
        lambda: Binarizer(threshold=0.5),
        lambda: KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"),
        lambda: QuantileTransformer(n_quantiles=20),
        PowerTransformer,
    )
    step = makers[random.integers(6 if flag else len(makers))]()
    if not fill and (flag or random.random() < 0.7):
        return step
    strategy = str(random.choice(["mean", "median", "most_frequent"])) if not flag else "most_frequent"
    filled = SimpleImputer(strategy=strategy, add_indicator=bool(random.random() < 0.3))
    return filled if step == "passthrough" else make_pipeline(filled, step)


def _model(random, is_classifier):
    """Return a model, and whether it takes missing values."""
    small = {"n_estimators": int(random.integers(2, 12)), "random_state": 0}
    boosted = {**small, "n_jobs": 1}
    of_classes = (
        (lambda: LogisticRegression(max_iter=200), False),
        (lambda: RidgeClassifier(), False),
        (lambda: LinearSVC(), False),
        (lambda: GaussianNB(), False),
        (lambda: MLPClassifier((5,), max_iter=60, random_state=0), False),
        (lambda: DecisionTreeClassifier(max_depth=4), True),
        (lambda: RandomForestClassifier(**small, max_depth=5), True),
        (lambda: GradientBoostingClassifier(**small), False),
        (lambda: HistGradientBoostingClassifier(max_iter=8), True),
        (lambda: XGBClassifier(**boosted), True),
        (lambda: LGBMClassifier(**boosted, min_child_samples=4, verbose=-1), True),
        (lambda: VotingClassifier([("a", LogisticRegression(max_iter=200)), ("b", DecisionTreeClassifier(max_depth=3))], voting="soft"), False),
        (lambda: CalibratedClassifierCV(RandomForestClassifier(**small), cv=2), True),
        (lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=3, random_state=0), True),
    )
    of_numbers = (
        (lambda: Ridge(), False),
        (lambda: PoissonRegressor(), False),
        (lambda: SVR(), False),
        (lambda: DecisionTreeRegressor(max_depth=5), True),
        (lambda: RandomForestRegressor(**small, max_depth=6), True),
        (lambda: ExtraTreesRegressor(**small, max_depth=6), True),
        (lambda: GradientBoostingRegressor(**small), False),
        (lambda: HistGradientBoostingRegressor(max_iter=8), True),
        (lambda: XGBRegressor(**boosted), True),
        (lambda: LGBMRegressor(**boosted, min_child_samples=4, verbose=-1), True),
        (lambda: LGBMRegressor(**boosted, min_child_samples=4, verbose=-1, objective="poisson"), True),
        (lambda: VotingRegressor([("a", Ridge()), ("b", XGBRegressor(**boosted))]), False),
        (lambda: BaggingRegressor(DecisionTreeRegressor(max_depth=4), n_estimators=3, random_state=0), True),
    )
    make, takes_missing = (of_classes if is_classifier else of_numbers)[random.integers(len(of_classes if is_classifier else of_numbers))]
    return make(), takes_missing

"""Pipelines of every kind, from fitted to proved bundle, and the table of docs/parity.md that they make.

``python tests/matrix.py`` runs them over 10,000 generated rows each and compares the table with the page, ``--write`` writes it.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer import export_bundle
from plumb_trainer.features import RowWindow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "parity.md"
ROWS = 120
RANDOM = np.random.RandomState(11)
DATA = pd.DataFrame(
    {
        "a": RANDOM.randn(ROWS).round(6),
        "b": RANDOM.rand(ROWS) * 9 + 0.5,
        "m": np.where(np.arange(ROWS) % 6 == 0, np.nan, RANDOM.randn(ROWS)),
        "n": RANDOM.randint(0, 5, ROWS),
        "flag": RANDOM.rand(ROWS) > 0.5,
        "city": RANDOM.choice(["Oslo", "Rome", "Lima", "Pune"], ROWS).astype(object),
        "text": RANDOM.choice(["a red fox", "the blue sky", "red sky at night", "fox and hound"], ROWS).astype(object),
    }
)
LISTS = np.random.RandomState(12)
for name, make in {
    "sold": lambda: LISTS.randn(LISTS.randint(3, 15)).round(4).tolist(),
    "gaps": lambda: None if LISTS.rand() < 0.2 else LISTS.randn(LISTS.randint(0, 9)).tolist(),
    "counts": lambda: LISTS.randint(0, 9, LISTS.randint(1, 8)),
    "flags": lambda: LISTS.rand(LISTS.randint(1, 6)) > 0.5,
    "tags": lambda: tuple(LISTS.choice(["red", "sky", "fox", "blå", "night"], LISTS.randint(0, 6))),
}.items():
    DATA[name] = pd.Series([make() for _ in range(ROWS)], dtype=object)
TRUTH = (DATA["a"] * 2 + DATA["b"] + DATA["n"] + np.nan_to_num(DATA["m"])).to_numpy()
AB, ABM = ["a", "b"], ["a", "b", "m"]


def _trees():
    return XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1)


def _mixed():
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), ABM),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("rank", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["n"]),
            ("flag", "passthrough", ["flag"]),
        ],
        sparse_threshold=0,
    )


def _text(vectorizer):
    return ColumnTransformer([("text", vectorizer, "text"), ("numbers", StandardScaler(), AB)], sparse_threshold=0)


_small = {"n_estimators": 4, "max_depth": 3, "random_state": 0}
_onehot = {"sparse_output": False}
# By name: the steps and the columns that they read. A model of float32 trees stands behind them.
TRANSFORMERS = {
    "no preprocessing, with missing values": (None, ABM),
    "StandardScaler": (StandardScaler(), AB),
    "StandardScaler, missing values kept": (StandardScaler(), ABM),
    "MinMaxScaler, clip": (MinMaxScaler(clip=True), AB),
    "MaxAbsScaler": (MaxAbsScaler(), AB),
    "RobustScaler": (RobustScaler(), AB),
    "Normalizer l1": (Normalizer("l1"), AB),
    "Normalizer l2": (Normalizer("l2"), AB),
    "Normalizer max": (Normalizer("max"), AB),
    "Binarizer": (Binarizer(threshold=0.5), AB),
    "SimpleImputer mean": (SimpleImputer(), ABM),
    "SimpleImputer median with indicator": (SimpleImputer(strategy="median", add_indicator=True), ABM),
    "MissingIndicator beside SimpleImputer": (FeatureUnion([("i", MissingIndicator(features="all")), ("v", SimpleImputer())]), ABM),
    "KBinsDiscretizer ordinal": (KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf"), AB),
    "KBinsDiscretizer onehot-dense": (KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), AB),
    "OneHotEncoder, ignore": (OneHotEncoder(handle_unknown="ignore", **_onehot), ["city", "n"]),
    "OneHotEncoder, drop first": (OneHotEncoder(drop="first", **_onehot), ["city"]),
    "OneHotEncoder, infrequent": (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, **_onehot), ["city", "n"]),
    "OrdinalEncoder": (OrdinalEncoder(), ["city", "n"]),
    "OrdinalEncoder, unknown value": (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city", "n"]),
    "TargetEncoder": (TargetEncoder(random_state=0), ["city", "n"]),
    "PolynomialFeatures 3": (PolynomialFeatures(3), AB),
    "SplineTransformer": (SplineTransformer(), AB),
    "QuantileTransformer uniform": (QuantileTransformer(n_quantiles=20), AB),
    "VarianceThreshold": (VarianceThreshold(), AB),
    "SelectKBest": (SelectKBest(f_regression, k=1), AB),
    "ColumnTransformer of mixed columns": (_mixed(), [*ABM, "n", "flag", "city"]),
    "CountVectorizer beside numbers": (_text(CountVectorizer()), ["a", "b", "text"]),
    "TfidfVectorizer beside numbers": (_text(TfidfVectorizer()), ["a", "b", "text"]),
    "StandardScaler, then PolynomialFeatures": (make_pipeline(StandardScaler(), PolynomialFeatures(2)), AB),
}
# Served on the portable mathematics, or in a stated order of sums; a linear model behind them doesn't flip.
PORTABLE = {
    "PowerTransformer Yeo-Johnson": PowerTransformer(),
    "QuantileTransformer normal": QuantileTransformer(n_quantiles=20, output_distribution="normal"),
    "FunctionTransformer log1p": make_pipeline(MinMaxScaler(clip=True), FunctionTransformer(np.log1p)),
    "PCA": PCA(1),
    "TruncatedSVD": TruncatedSVD(1),
}


def _windows(*steps):
    return make_pipeline(RowWindow(["mean", "std", "min", "max", "sum", "last", "lag_2", "count"]), *steps)


def _tags(**options):
    return ColumnTransformer(
        [("tags", FeatureHasher(16, input_type="string", **options), "tags"), ("numbers", StandardScaler(), AB)], sparse_threshold=0
    )


def _all_lists():
    window = make_pipeline(RowWindow(["mean", "last"], window=5, min_items=2), SimpleImputer(add_indicator=True))
    lists = ["sold", "gaps", "counts", "flags"]
    return ColumnTransformer([("lists", window, lists), ("tags", _tags(), ["tags", *AB])], sparse_threshold=0)


_list_columns = ["sold", "gaps", "counts", "flags", "tags", *AB]
# By name: the steps, the model, and the columns, each cell of which may be a list.
OF_LISTS = {
    "RowWindow → XGBRegressor": (_windows(), _trees(), ["sold"]),
    "RowWindow, missing lists → XGBRegressor": (_windows(), _trees(), ["gaps"]),
    "RowWindow of whole numbers and flags → XGBRegressor": (_windows(), _trees(), ["counts", "flags"]),
    "RowWindow, SimpleImputer → RandomForestRegressor": (_windows(SimpleImputer()), RandomForestRegressor(**_small), ["gaps", "sold"]),
    "RowWindow, StandardScaler → Ridge": (_windows(StandardScaler()), Ridge(), ["sold"]),
    "FeatureHasher of tokens → XGBRegressor": (_tags(), _trees(), ["tags", *AB]),
    "FeatureHasher, unsigned, int32 → RandomForestClassifier": (
        _tags(alternate_sign=False, dtype=np.int32),
        RandomForestClassifier(**_small),
        ["tags", *AB],
    ),
    "FeatureHasher of tokens → Ridge": (_tags(), Ridge(), ["tags", *AB]),
    "lists of every kind → XGBClassifier": (_all_lists(), XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1), _list_columns),
    "lists of every kind → ExtraTreesRegressor": (_all_lists(), ExtraTreesRegressor(**_small), _list_columns),
    "lists of every kind → LogisticRegression": (_all_lists(), LogisticRegression(), _list_columns),
}
# Behind `_mixed`.
MODELS = {
    "XGBRegressor": _trees(),
    "XGBRegressor, three quantiles": XGBRegressor(
        n_estimators=4, max_depth=3, n_jobs=1, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]
    ),
    "XGBClassifier": XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1),
    "LGBMRegressor": LGBMRegressor(n_estimators=4, num_leaves=5, min_child_samples=5, verbose=-1, n_jobs=1),
    "DecisionTreeRegressor": DecisionTreeRegressor(max_depth=4, random_state=0),
    "DecisionTreeClassifier": DecisionTreeClassifier(max_depth=4, random_state=0),
    "RandomForestRegressor": RandomForestRegressor(**_small),
    "RandomForestClassifier": RandomForestClassifier(**_small),
    "ExtraTreesRegressor": ExtraTreesRegressor(**_small),
    "ExtraTreesClassifier": ExtraTreesClassifier(**_small),
    "GradientBoostingRegressor": GradientBoostingRegressor(**_small),
    "GradientBoostingClassifier": GradientBoostingClassifier(**_small),
    "HistGradientBoostingRegressor": HistGradientBoostingRegressor(max_iter=4, random_state=0),
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier(max_iter=4, random_state=0),
    "IsolationForest": IsolationForest(n_estimators=4, random_state=0),
    "LinearRegression": LinearRegression(),
    "Ridge": Ridge(),
    "ElasticNet": ElasticNet(0.1),
    "PoissonRegressor": PoissonRegressor(),
    "LogisticRegression": LogisticRegression(),
    "GaussianNB": GaussianNB(),
    "KNeighborsRegressor": KNeighborsRegressor(3),
    "SVR": SVR(),
    "MLPRegressor": MLPRegressor(hidden_layer_sizes=(5,), max_iter=50, random_state=0),
    "VotingRegressor": VotingRegressor([("linear", Ridge()), ("forest", RandomForestRegressor(**_small))]),
    "VotingClassifier, soft": VotingClassifier([("linear", LogisticRegression()), ("bayes", GaussianNB())], voting="soft"),
    "StackingRegressor": StackingRegressor([("linear", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))], Ridge()),
    "CalibratedClassifierCV": CalibratedClassifierCV(LogisticRegression(), cv=2),
    "AdaBoostClassifier": AdaBoostClassifier(n_estimators=4, random_state=0),
    "AdaBoostRegressor": AdaBoostRegressor(n_estimators=4, random_state=0),
    "TransformedTargetRegressor, MinMaxScaler": TransformedTargetRegressor(RandomForestRegressor(**_small), transformer=MinMaxScaler()),
    "TransformedTargetRegressor, PowerTransformer": TransformedTargetRegressor(Ridge(), transformer=PowerTransformer()),
}
# Behind `_mixed`, fitted on two targets, and answering with both.
SEVERAL = {
    "XGBRegressor": _trees(),
    "XGBRegressor, leaves of several values": XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1, multi_strategy="multi_output_tree"),
    "DecisionTreeRegressor": DecisionTreeRegressor(max_depth=4, random_state=0),
    "RandomForestRegressor": RandomForestRegressor(**_small),
    "ExtraTreesRegressor": ExtraTreesRegressor(**_small),
    "MultiOutputRegressor of HistGradientBoostingRegressor": MultiOutputRegressor(
        HistGradientBoostingRegressor(max_iter=4, random_state=0)
    ),
    "LinearRegression": LinearRegression(),
    "Ridge": Ridge(),
    "KNeighborsRegressor": KNeighborsRegressor(3),
    "MLPRegressor": MLPRegressor(hidden_layer_sizes=(5,), max_iter=50, random_state=0),
}
_TWO = ", two outputs"


def cases():
    """Return (preprocessing, model, columns) by name, unfitted."""
    found = {f"{name} → XGBRegressor": (step, _trees(), columns) for name, (step, columns) in TRANSFORMERS.items()}
    found |= {f"{name} → Ridge": (step, Ridge(), AB) for name, step in PORTABLE.items()}
    found |= OF_LISTS
    columns = [*ABM, "n", "flag", "city"]
    found |= {f"mixed columns → {name}": (_mixed(), model, columns) for name, model in MODELS.items()}
    return found | {f"mixed columns → {name}{_TWO}": (_mixed(), model, columns) for name, model in SEVERAL.items()}


def line_of(name, folder, count):
    """Return a case's line of the table: fit, export, prove.

    Parameters
    ----------
    name : str
    folder : Path
    count : int
        Rows to generate.
    """
    step, model, columns = cases()[name]
    data = DATA[columns]
    is_regressor = not hasattr(model, "predict_proba")
    truth = np.abs(TRUTH) if is_regressor else np.where(TRUTH > np.median(TRUTH), 1, 0)
    if name.endswith(_TWO):
        truth = np.column_stack([truth, TRUTH**2 / 100])
    pipeline = (model if step is None else make_pipeline(step, model)).fit(data, truth)
    target = export_bundle(pipeline, data, folder, name="matrix", version=1, y=None, golden_rows=count)
    parity = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["parity"]
    granted = parity["tolerance"]
    assert parity["features_ulp_max"] == granted["features_ulp"] == 0
    if parity["tier"] != "C":
        assert parity["margin_ulp_max"] == granted["margin_ulp"] == granted["prediction_ulp"] == 0
    shown = ["0 ulp" if granted[part] == 0 else "within a bound" for part in ("features_ulp", "margin_ulp", "prediction_ulp")]
    return f"| {name} | {parity['tier']} | {' | '.join(shown)} |"


def page(lines):
    """Return docs/parity.md."""
    return (
        "# Parity: which pipelines were held to training\n\n"
        "`trainer/tests/matrix.py` fits each of these pipelines with scikit-learn, hands it to `export_bundle`, and compares what Plumb\n"
        "answers with what the pipeline answers: over the golden rows, and over 10,000 generated ones in the long form. 0 ulp means the\n"
        "same bits in every row; a bound is 8 times what was measured, at least 64 ulp (near zero an absolute one:\n"
        "[how](trainer.md#the-proof)), and stands in each bundle's manifest. Each row is\n"
        "answered by ONNX Runtime and, where the model is of trees, by [the tree kernel](tree-kernel.md) too, with the same bits.\n\n"
        "Tier A is scikit-learn's or the library's own bits. B has features in the portable mathematics, the same bits in training's\n"
        "export and in serving. C adds up in another order, or has a link whose last bits are the system's; what it is bounded in stands\n"
        "in the last columns. Features are compared with those of the exporter, which are scikit-learn's but for the steps of tiers B\n"
        "and C in [preprocessing.md](preprocessing.md).\n\n"
        "| pipeline | tier | features | model output | answer |\n| --- | --- | --- | --- | --- |\n"
        + "\n".join(lines)
        + "\n\nThe long form is `cd trainer && PYTHONPATH=. .venv/bin/python tests/matrix.py`; `--write` writes this page.\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page instead of comparing with it")
    parser.add_argument("--rows", type=int, default=10_000, help="rows to generate for each pipeline")
    options = parser.parse_args()
    lines = []
    for name in cases():
        with tempfile.TemporaryDirectory() as folder:
            lines.append(line_of(name, Path(folder), options.rows))
        print(lines[-1], flush=True)
    if options.write:
        PAGE.write_text(page(lines), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page(lines):
        sys.exit(f"{PAGE}: it holds another table; run again with --write")


if __name__ == "__main__":
    main()

"""Makes the frozen bundles of test/frozen, one of each kind, which every later Plumb has to prove and serve as they are.

``python frozen.py KIND ...`` makes those that are named. One that stands is never made anew: add a kind, under a name of its own.
"""

import io
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, StackingRegressor, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer import export_bundle
from plumb_trainer.features import DateParts, RowWindow

FOLDER = Path(__file__).resolve().parents[1] / "test" / "frozen"
RANDOM = np.random.RandomState(4)
ROWS = 80
X = pd.DataFrame(
    {
        "price": (RANDOM.rand(ROWS) * 90 + 10).round(2),
        "age": np.where(RANDOM.rand(ROWS) < 0.1, np.nan, RANDOM.randint(18, 80, ROWS)),
        "visits": RANDOM.randint(0, 9, ROWS),
        "member": RANDOM.rand(ROWS) < 0.5,
        "city": RANDOM.choice(["Oslo", "Rome", "Lima"], ROWS).astype(object),
    }
)
NUMBERS = X[["price", "visits"]].astype(float)
Y = X["price"] / 10 + X["visits"] + (X["city"] == "Rome") * 3
LABELS = np.where(Y > Y.median(), "yes", "no")
DAYS = pd.DataFrame({"day": pd.date_range("2025-01-01", periods=ROWS).strftime("%Y-%m-%d").astype(object), "price": X["price"]})
LISTS = pd.DataFrame({"week": [RANDOM.rand(length).round(3).tolist() for length in RANDOM.randint(3, 9, ROWS)], "price": X["price"]})
TEXTS = pd.Series([" ".join(RANDOM.choice(["red", "fox", "sky", "night", "blue"], 4)) for _ in range(ROWS)], name="text", dtype=object)


def mixed(encoder=None):
    """Return preprocessing of all columns."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encoder = encoder or OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("n", numbers, ["price", "age", "visits", "member"]), ("c", encoder, ["city"])], sparse_threshold=0)


def ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def coded():
    return X.assign(city=X["city"].astype("category"))


# By name: a pipeline that isn't fitted, its rows, the truth, and options of the export.
KINDS = {
    "trees-xgboost": (make_pipeline(mixed(ordinal()), XGBRegressor(n_estimators=5)), X, Y),
    "trees-classes": (XGBClassifier(n_estimators=4, n_jobs=1), NUMBERS, np.arange(ROWS) % 3),
    "trees-lightgbm-categories": (LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1), coded(), LABELS),
    "trees-forest": (make_pipeline(mixed(), RandomForestClassifier(4, max_depth=4, random_state=0)), X, LABELS),
    "trees-histogram": (HistGradientBoostingRegressor(max_iter=4), NUMBERS, Y),
    "linear": (make_pipeline(mixed(), LogisticRegression()), X, LABELS),
    "linear-target": (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), NUMBERS, Y),
    "several-outputs": (MultiOutputRegressor(DecisionTreeRegressor(max_depth=3)), NUMBERS, np.c_[Y, -Y]),
    "calibrated": (CalibratedClassifierCV(make_pipeline(mixed(), SVC()), cv=2, method="isotonic"), X, LABELS),
    "voting": (VotingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(3, max_depth=3))], voting="soft"), NUMBERS, LABELS),
    "stacking": (StackingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3))], final_estimator=Ridge(), cv=2), NUMBERS, Y),
    "neighbors": (KNeighborsRegressor(3), NUMBERS, Y),
    "network": (MLPClassifier((4,), max_iter=40, random_state=0), NUMBERS, LABELS),
    "clusters": (make_pipeline(StandardScaler(), KMeans(3, n_init=2, random_state=0)), NUMBERS, None),
    "texts": (make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS, LABELS),
    "dates": (
        make_pipeline(ColumnTransformer([("d", DateParts(["month", "weekday"]), ["day"])], remainder="passthrough"), Ridge()),
        DAYS,
        Y,
    ),
    "lists": (
        make_pipeline(
            ColumnTransformer([("w", RowWindow(["mean", "last"], window=3), ["week"])], remainder="passthrough"), XGBRegressor(n_estimators=3)
        ),
        LISTS,
        Y,
    ),
    "ignoring": (Ridge(), NUMBERS, Y, {"additional": "ignore", "limits": {"rows_max": 50}}),
}


def main(kinds):
    """Make the bundles of kinds."""
    FOLDER.mkdir(exist_ok=True)
    for kind in kinds or [kind for kind in KINDS if not (FOLDER / f"{kind}.tgz").exists()]:
        target = FOLDER / f"{kind}.tgz"
        if target.exists():
            return f"{target.name} stands; a frozen bundle is never made anew"
        pipeline, rows, truth, *options = KINDS[kind]
        with tempfile.TemporaryDirectory() as store:
            fitted = pipeline.fit(rows, truth)
            bundle = export_bundle(fitted, rows, store, name=kind, version=1, golden_rows=300, progress=False, **dict(*options))
            target.write_bytes(_packed(bundle, f"{kind}/1"))
        print(f"{target.name}: {target.stat().st_size} bytes")
    return 0


def _packed(folder, name):
    """Return a folder as an archive, without what else a file system says of it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=9) as archive:
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"{name}/{path.name}")
            entry.size = path.stat().st_size
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    return made.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

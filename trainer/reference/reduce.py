"""Cases of what makes few columns of many: the answers are the served twin's, whose sums go from the first column to the last."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from reference.frame import case, frame, graph_case
from reference.rows import EDGES, INF


def cases():
    """PCA and TruncatedSVD: every option that changes the sums, behind numbers, categories and words."""
    rng = np.random.default_rng(70)
    types = {f"x{index}": "number" for index in range(6)}
    training = [[float(value) for value in row] for row in rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)) * [1, 10, 1e-3, 1e5, 1, 1]]
    served = [[edge, *training[0][1:]] for edge in EDGES] + [[0.0] * 6, [-0.0] * 6, [1e308] * 6, [*training[1][:5], -INF]]
    for name, pca in {
        "all": PCA(),
        "two": PCA(2),
        "whitened": PCA(3, whiten=True),
        "share": PCA(0.9, svd_solver="full"),
        "covariance": PCA(4, svd_solver="covariance_eigh", whiten=True),
        "arpack": PCA(3, svd_solver="arpack", random_state=0),
        "randomized": PCA(3, svd_solver="randomized", random_state=0),
    }.items():
        yield f"pca-{name}", case(types, training, served, pca)
    flat = [[row[0], row[0] * 2, 3.0] for row in training]
    yield "pca-whitened-without-variance", case({"a": "number", "b": "number", "c": "number"}, flat, [[1.0, 1.0, 1.0]], PCA(whiten=True))
    yield "pca-one-column", case({"a": "number"}, [[row[1]] for row in training], [[None], [0.0]], PCA())
    holes = [[None if (index + place) % 9 == 0 else value for place, value in enumerate(row)] for index, row in enumerate(training)]
    yield "pca-chained", case(types, holes, served, SimpleImputer(), StandardScaler(), PCA(3), StandardScaler())
    union = FeatureUnion([("pca", make_pipeline(StandardScaler(), PCA(2))), ("same", "passthrough")])
    yield "pca-in-a-union", graph_case(types, union.fit(frame(types, training)), training[:20] + served)
    for name, svd in {"arpack": TruncatedSVD(2, algorithm="arpack", random_state=0), "randomized": TruncatedSVD(4, random_state=0)}.items():
        yield f"svd-{name}", case(types, training, served, svd)
    cities = ["Oslo", "Rome", "Lima", "Pune"]
    rows = [[cities[index % 4], cities[index % 3]] for index in range(24)]
    hot = make_pipeline(OneHotEncoder(handle_unknown="ignore"), TruncatedSVD(3, random_state=0))
    yield "svd-of-categories", case({"a": "string", "b": "string"}, rows, [["Kyiv", "Oslo"]], *(step for _, step in hot.steps))
    words = ["red wine from Rome", "white wine", "red apples and white pears", "pears from Lima, apples from Oslo"] * 3
    texts = ColumnTransformer([("words", make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)), "t")])
    text_rows = [[text] for text in [*words[:4], "", "nothing known", "wine wine wine"]]
    yield "svd-of-words", graph_case({"t": "string"}, texts.fit(frame({"t": "string"}, [[word] for word in words])), text_rows)
    beside = FeatureUnion([("words", TfidfVectorizer()), ("letters", TfidfVectorizer(analyzer="char"))])
    both = ColumnTransformer([("both", make_pipeline(beside, TruncatedSVD(2, random_state=0)), "t")])
    yield "svd-of-words-and-letters", graph_case({"t": "string"}, both.fit(frame({"t": "string"}, [[word] for word in words])), text_rows)

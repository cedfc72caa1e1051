"""Cases of what puts transformers together."""

import numpy as np
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
    f_regression,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from plumb_trainer.models import export_model
from reference.frame import answered_case, frame, graph_case
from reference.rows import EDGES, INF


def cases():
    """A whole ColumnTransformer over random rows: selections, pass-throughs and a nested one."""
    types = {f"n{i}": "number" for i in range(4)}
    types |= {"day": "integer", "open": "boolean", "city": "string", "grade": "string", "raw": "number"}
    rng = np.random.default_rng(5)
    cities, grades = ["Oslo", "Rome", "", "Lima", "Pune"], ["low", "mid", "high"]

    def random_row():
        values = [None if rng.random() < 0.1 else float(rng.normal() * 10.0**power) for power in (0, 3, -4, 8)]
        city = None if rng.random() < 0.1 else cities[int(rng.integers(5))]
        raw = None if rng.random() < 0.1 else float(rng.normal())
        return [*values, int(rng.integers(7)), bool(rng.integers(2)), city, grades[int(rng.integers(3))], raw]

    training = [random_row() for _ in range(250)]
    served = [random_row() for _ in range(60)]
    served += [[INF, *served[0][1:]], [*served[1][:4], 9, *served[1][5:]]]
    served += [[*served[2][:6], "Kyiv", *served[2][7:]], [*served[3][:7], "top", 0.0]]
    inner = ColumnTransformer([("scaled", StandardScaler(), [2, 0]), ("kept", "passthrough", [1, 3, 4])])
    chain = Pipeline([("impute", SimpleImputer(strategy="median", add_indicator=True)), ("inner", inner)])
    fill = SimpleImputer(strategy="constant", fill_value="none")
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    transformer = ColumnTransformer(
        [
            ("numbers", chain, ["n0", "n1", "n2", "n3"]),
            ("cities", make_pipeline(fill, hot), ["city"]),
            ("flags", OneHotEncoder(drop="if_binary", sparse_output=False), ["open", "day"]),
            ("grade", OrdinalEncoder(categories=[grades]), ["grade"]),
            ("range", MinMaxScaler(clip=True), ["raw", "n0"]),
            ("kept", "passthrough", ["raw"]),
        ],
        sparse_threshold=0,
    ).fit(frame(types, training))
    yield "column-transformer", graph_case(types, transformer, training + served)
    yield from selector_cases()
    yield from union_cases(types, training, served)
    yield from checked_cases()


def selector_cases():
    """Selectors pick columns; most raise on missing values, in columns that they don't pick as well."""
    rng = np.random.default_rng(20)
    types = {name: "number" for name in "abcd"}
    training = [[float(value) for value in row] for row in rng.normal(size=(60, 4)) * [1, 100, 0, 3]]
    target = np.array([row[0] + row[3] / 7 for row in training])
    served = [[None, 1.0, 1.0, 1.0], [1.0, None, 2.0, -0.0], [INF, 0.0, 0.0, 0.0], [0.5, 0.25, 0.125, None]]
    selectors = {
        "variance-threshold": VarianceThreshold(),
        "select-k-best": SelectKBest(f_regression, k=2),
        "select-percentile": SelectPercentile(f_regression, percentile=50),
        "select-fpr": SelectFpr(f_regression, alpha=0.5),
        "select-fdr": SelectFdr(f_regression, alpha=0.5),
        "select-fwe": SelectFwe(f_regression, alpha=0.5),
        "generic-univariate": GenericUnivariateSelect(f_regression, mode="k_best", param=3),
        "select-from-model": SelectFromModel(DecisionTreeRegressor(random_state=0), threshold=0.05),
        "select-from-linear-model": SelectFromModel(LinearRegression(), threshold=0.01),
        "rfe": RFE(LinearRegression(), n_features_to_select=2),
        "rfecv": RFECV(LinearRegression(), cv=3),
        "sequential": SequentialFeatureSelector(LinearRegression(), n_features_to_select=2, cv=3),
    }
    for name, selector in selectors.items():
        fitted = selector.fit(frame(types, training), target)
        yield f"selector-{name}", graph_case(types, fitted, training[:5] + served)
    with_frames = SelectKBest(f_regression, k=2).set_output(transform="pandas").fit(frame(types, training), target)
    yield "selector-of-data-frames", graph_case(types, with_frames, training[:5] + served)
    chain = make_pipeline(SimpleImputer(add_indicator=True), SelectKBest(f_regression, k=3), StandardScaler())
    holes = [[None if index % 7 == position else value for position, value in enumerate(row)] for index, row in enumerate(training)]
    yield "selector-behind-an-imputer", graph_case(types, chain.fit(frame(types, holes), target), holes[:20] + served)


def union_cases(types, training, served):
    """Unions, weights, remainders, selections by dtype, and transformers in one another."""
    numbers = {name: kind for name, kind in types.items() if kind == "number"}
    places = [list(types).index(name) for name in numbers]
    rows = [[row[place] for place in places] for row in training]
    more = [[row[place] for place in places] for row in served]
    data = frame(numbers, rows)
    union = FeatureUnion([("filled", SimpleImputer()), ("marked", MissingIndicator()), ("scaled", MinMaxScaler()), ("left", "drop")])
    yield "union", graph_case(numbers, union.fit(data), rows[:60] + more)
    union = FeatureUnion([("a", StandardScaler()), ("b", "passthrough")], transformer_weights={"a": 0.1, "b": -3})
    yield "union-weights", graph_case(numbers, union.fit(data), rows[:60] + more)
    inner = ColumnTransformer(
        [("scaled", StandardScaler(), ["n2", "raw"]), ("kept", "passthrough", ["n0"])], transformer_weights={"scaled": 1 / 3}
    )
    union = FeatureUnion([("columns", inner), ("chain", make_pipeline(SimpleImputer(), RobustScaler()))])
    yield "union-of-column-transformers", graph_case(numbers, union.fit(data), rows[:60] + more)

    data = frame(types, training)
    fill = SimpleImputer(strategy="constant", fill_value="none")
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    texts = make_column_selector(dtype_include=object)
    columns = [("texts", make_pipeline(fill, hot), texts), ("left", "drop", ["n3"])]
    for remainder in ("passthrough", "drop", StandardScaler()):
        name = remainder if isinstance(remainder, str) else "estimator"
        made = ColumnTransformer(columns, remainder=remainder, sparse_threshold=0, verbose_feature_names_out=name == "drop").fit(data)
        yield f"remainder-{name}", graph_case(types, made, training[:60] + served)

    # By the names that the steps before give their columns.
    by_name = ColumnTransformer([("log", RobustScaler(), ["a__n1", "b__missingindicator_n0"]), ("rest", "passthrough", ["b__n0"])])
    first = ColumnTransformer([("a", MinMaxScaler(), ["n1", "n2"]), ("b", SimpleImputer(add_indicator=True), ["n0", "n3"])])
    made = Pipeline([("first", first), ("then", by_name)]).set_output(transform="pandas").fit(data)
    yield "nested-by-name", graph_case(types, made, training[:60] + served)
    by_index = ColumnTransformer([("last", MinMaxScaler(), [-1, 0]), ("slice", "passthrough", slice(1, 3))])
    made = make_pipeline(first, by_index, FeatureUnion([("again", StandardScaler()), ("same", "passthrough")])).fit(data)
    yield "nested-by-index", graph_case(types, made, training[:60] + served)
    # What is dropped behind its step, a column that gives nothing among it, still refuses its rows.
    first = ColumnTransformer([("bins", Binarizer(), ["n0"]), ("marks", MissingIndicator(), ["n1"]), ("scaled", StandardScaler(), ["raw"])])
    complete = frame(types, [[0.0 if value is None and place < 2 else value for place, value in enumerate(row)] for row in training])
    made = make_pipeline(first, ColumnTransformer([("last", MinMaxScaler(), [-1])])).fit(complete)
    yield "nested-dropped", graph_case(types, made, training[:60] + served)
    # An imputer over columns of both kinds.
    both = make_pipeline(SimpleImputer(strategy="most_frequent"), ColumnTransformer([("hot", hot, [1]), ("rest", "passthrough", [0, 2])]))
    columns = {"n0": "number", "city": "string", "open": "boolean"}
    rows = [[row[0], row[6], None if index % 9 == 0 else row[5]] for index, row in enumerate(training)]
    yield "nested-both-kinds", graph_case(columns, both.fit(frame(columns, rows)), [*rows[:60], [None, None, None]])


def checked_cases():
    """Models that raise on what isn't finite, in the dtype in which they look: the check before them refuses the same rows."""
    # The largest number that rounds to a finite float32, and the next.
    last, beyond = 3.4028235677973362e38, 3.4028235677973366e38
    types = {"x": "number", "y": "number"}
    values = [*EDGES, last, beyond, -last, -beyond]
    rows = [[1.0, 1.0], [2.0, 2.0], *([value, 1.0] for value in values), *([2.0, value] for value in values)]
    training = frame(types, rows[:2] * 20)
    models = {
        "linear-model": Ridge(),
        "tree": DecisionTreeRegressor(random_state=0),
        "boosting": GradientBoostingRegressor(n_estimators=2, random_state=0),
        "categories": HistGradientBoostingRegressor(max_iter=2, categorical_features=[1]),
    }
    for name, model in models.items():
        model.fit(training.to_numpy(), training["x"].to_numpy())
        graph = {
            "format": "plumb-graph/1",
            "inputs": [{"name": feature, "type": kind} for feature, kind in types.items()],
            "nodes": [{"id": "checked", "op": "check_finite", "inputs": list(types), "params": export_model(model).tensors[0].check}],
            "outputs": [{"name": "X", "dtype": "float32", "shape": ["rows", 2], "from": ["checked"]}],
        }

        def passed(data, model=model):
            model.predict(data.to_numpy())
            return data

        yield f"checked-before-{name}", answered_case(types, graph, passed, rows)

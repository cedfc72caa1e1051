"""Cases of what turns categories into numbers."""

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from plumb_trainer.graph.operators import is_nan
from reference.frame import case, frame, graph_case
from reference.rows import INF, NAN, column, one


def cases():
    """Encoders over every type of column."""
    yield from one_hot_cases()
    yield from ordinal_cases()
    yield from none_case()
    yield from string_against_number_case()
    yield from target_cases()
    yield from given_cases()
    yield from dtype_cases()


def one_hot_cases():
    """One-hot over every type, for unknown, missing, infrequent and dropped categories."""

    def encoder(**params):
        return OneHotEncoder(**({"handle_unknown": "ignore", "sparse_output": False} | params))

    integers, floats, texts = column(0, 1), column(0.5, -0.0, 2.0, None), column("b", "a", "", None)
    number_edges = column(-0.0, 0.0, 1.0, 0.5, 2.0, -1.0, 2**31, 2**32, 4294967297, -(2**53), 1e300, 5e-324, None, INF, -INF)
    text_edges = column("a ", "A", "nan", "None", "0", "1", "toString", "__proto__", "a" * 300, "é", "é", None, "")
    yield "one-hot-integers", case(one("integer"), integers, column(7, -1, 2**40), encoder())
    yield "one-hot-integers-as-numbers", case(one("number"), column(0.0, 1.0), number_edges, encoder())
    yield "one-hot-floats", case(one("number"), floats, number_edges, encoder())
    yield "one-hot-spread-integers", case(one("integer"), column(-5, 2**33, 2**53 - 1, 17), column(0, 2**33 + 1), encoder())
    yield "one-hot-booleans", case(one("boolean"), column(False, True), column(True), encoder())
    yield "one-hot-booleans-missing", case(one("boolean"), column(False, True, None), column(None), encoder())
    yield "one-hot-strings", case(one("string"), texts, text_edges, encoder())
    yield "one-hot-error", case(one("string"), column("b", "a"), text_edges, encoder(handle_unknown="error"))
    yield "one-hot-error-numbers", case(one("number"), column(1.0, 2.0), number_edges, encoder(handle_unknown="error"))

    wide = {"a": "string", "b": "integer", "c": "string"}
    rng = np.random.default_rng(3)
    letters = list("uvwxyz")

    def row():
        letter, count = letters[min(int(rng.exponential(1.5)), 5)], int(min(rng.exponential(2), 7))
        return [letter, count, None if rng.random() < 0.1 else letters[int(rng.integers(2))]]

    training = [row() for _ in range(60)]
    served = [["unseen", 99, "unseen"], ["u", 99, None], ["", 0, "u"], [None, -1, ""]]
    for drop in (None, "first", "if_binary", ["u", 0, "u"]):
        dropped = "" if drop is None else f"-drop-{drop}" if isinstance(drop, str) else "-drop-given"
        yield f"one-hot-plain{dropped}", case(wide, training, served, encoder(drop=drop))
        for unknown in ("ignore", "infrequent_if_exist", "warn"):
            for rare in ({"min_frequency": 8}, {"max_categories": 3}):
                name = f"one-hot-{next(iter(rare)).replace('_', '-')}-{unknown.replace('_', '-')}{dropped}"
                yield name, case(wide, training, served, encoder(handle_unknown=unknown, drop=drop, **rare))
    all_rare = encoder(handle_unknown="infrequent_if_exist", min_frequency=50)
    yield "one-hot-all-infrequent", case(one("integer"), column(*range(6)), column(9), all_rare)
    yield "one-hot-all-dropped", case({"x": "integer", "y": "integer"}, [[4, 1], [4, 2]], [[5, 3]], encoder(drop="first"))
    # One-hot columns that an operator reads, rather than an output.
    yield "one-hot-scaled", case(wide, training, served, encoder(), StandardScaler())


def ordinal_cases():
    """Codes over every type, for unknown, missing and infrequent categories."""
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    texts, numbers_ = column("b", "a", "", None), column(0.5, -0.0, 2.0, None)
    text_edges, number_edges = column("A", "nan", "toString", None), column(0.0, 7.0, None, INF)
    yield "ordinal-strings", case(one("string"), texts, text_edges, OrdinalEncoder(**unknown))
    yield "ordinal-strings-error", case(one("string"), texts, text_edges, OrdinalEncoder())
    missing = OrdinalEncoder(encoded_missing_value=-2.5, **unknown)
    yield "ordinal-numbers-missing-code", case(one("number"), numbers_, number_edges, missing)
    yield "ordinal-numbers-error", case(one("number"), column(1.0, 2.0), number_edges, OrdinalEncoder())
    nan_unknown = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=NAN)
    yield "ordinal-unknown-nan", case(one("integer"), column(3, 1, 2), column(4, 2**40), nan_unknown)
    yield "ordinal-missing-as-unknown", case(one("number"), column(1.0, 2.0), column(None), OrdinalEncoder(**unknown))
    yield "ordinal-booleans", case(one("boolean"), column(True, False), column(True), OrdinalEncoder(**unknown))
    rng = np.random.default_rng(4)
    types = {"a": "string", "b": "integer"}

    def row():
        return [None if rng.random() < 0.1 else "uvwxyz"[min(int(rng.exponential(1.5)), 5)], int(min(rng.exponential(2), 7))]

    training = [row() for _ in range(60)]
    served = [["unseen", 99], [None, 0], ["", 1]]
    for rare in ({"min_frequency": 8}, {"max_categories": 3}):
        encoder = OrdinalEncoder(encoded_missing_value=-9, **unknown, **rare)
        yield f"ordinal-{next(iter(rare)).replace('_', '-')}", case(types, training, served, encoder)


def none_case():
    """A None category, which scikit-learn codes like any other, in a column that keeps None as None."""
    values = np.array([["b"], [None], ["a"], ["a"]], dtype=object)
    rows = column("b", None, "a", "c")
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(values)

    def transform(data):
        return encoder.transform(np.array([[None if is_nan(value) else value] for value in data["x"]], dtype=object))

    yield "ordinal-none", graph_case(one("string"), encoder, rows, transform)


def string_against_number_case():
    """Strings where the categories are numbers: "1" is not 1."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(frame(one("string"), column(1, 2, None)))
    rows = column("1", "2", "1.0", "True", "", None)
    yield "one-hot-strings-against-numbers", graph_case(one("string"), encoder, rows)


def target_cases():
    """TargetEncoder's `transform` for every kind of target, of unknown and of missing categories."""
    rng = np.random.default_rng(50)
    types = {"city": "string", "day": "integer", "size": "number", "open": "boolean"}

    def row():
        city = None if rng.random() < 0.1 else "uvwxyz"[min(int(rng.exponential(1.5)), 5)]
        return [city, int(rng.integers(7)), [0.5, -0.0, 2.0, None][int(rng.integers(4))], bool(rng.integers(2))]

    training = [row() for _ in range(200)]
    served = [["unseen", 9, 7.5, True], [None, 0, None, False], ["", -1, 0.0, True], ["u", 2**40, INF, True]]
    numbers = np.array([day * 0.3 + open_ + rng.normal() for _, day, _, open_ in training])
    classes = np.digitize(numbers, [0.5, 1.5])
    targets = {
        "continuous": numbers,
        "binary": numbers > 1,
        "binary-names": np.where(numbers > 1, "yes", "no"),
        "multiclass": classes,
        "multiclass-names": np.array(["low", "mid", "high"])[classes],
    }
    for name, target in targets.items():
        for smooth in ("auto", 0.0, 7.5):
            encoder = TargetEncoder(smooth=smooth).fit(frame(types, training), target)
            yield f"target-{name}-{smooth}", graph_case(types, encoder, training[:30] + served)
    complete = [["a" if city is None else city, day, 0.25 if size is None else size, open_] for city, day, size, open_ in training]
    encoder = TargetEncoder().fit(frame(types, complete), numbers)
    yield "target-unseen-missing", graph_case(types, encoder, complete[:10] + served)
    # A pipeline's fit gives its next step the numbers of `fit_transform`; what is served are those of `transform`.
    chain = make_pipeline(TargetEncoder(random_state=0), StandardScaler()).fit(frame(types, training), numbers)
    yield "target-scaled", graph_case(types, chain, training[:30] + served)


def given_cases():
    """Categories that were given and not learnt, texts in an order of their own; limits of what is frequent; results of other dtypes."""
    types = {"a": "string", "b": "integer"}
    sizes, days = ["small", "middle", "large", "never"], [1, 3, 5, 8]
    training = [[sizes[index % 3], days[index % 3]] for index in range(9)] + [["small", 1], ["small", 5], ["large", 5]]
    served = [["never", 3], ["unseen", 9], ["", 0], [None, 1], ["middle", 2**40]]
    for drop in (None, "first", [sizes[1], 3]):
        name = "" if drop is None else "-drop-first" if drop == "first" else "-drop-given"
        encoder = OneHotEncoder(categories=[sizes, days], handle_unknown="ignore", drop=drop, sparse_output=False)
        yield f"one-hot-given{name}", case(types, training, served, encoder)
    yield "one-hot-given-error", case(types, training, served, OneHotEncoder(categories=[sizes, days], sparse_output=False))
    yield "one-hot-integers-out", case(types, training, served, OneHotEncoder(handle_unknown="ignore", dtype=np.int8, sparse_output=False))
    yield (
        "one-hot-float32-out",
        case(types, training, served, OneHotEncoder(handle_unknown="ignore", dtype=np.float32, sparse_output=False)),
    )
    both = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.3, max_categories=2, sparse_output=False)
    yield "one-hot-share-and-most", case(types, training, served, both)
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    yield "ordinal-given", case(types, training, served, OrdinalEncoder(categories=[sizes, days], **unknown))
    yield "ordinal-given-error", case(types, training, served, OrdinalEncoder(categories=[sizes, days]))
    yield "ordinal-integers-out", case(types, training, served, OrdinalEncoder(dtype=np.int32, **unknown))
    yield "ordinal-share-and-most", case(types, training, served, OrdinalEncoder(min_frequency=0.3, max_categories=2, **unknown))
    # A code that float32 can't hold is rounded to it, as scikit-learn does.
    holes = [*training, [None, 1]]
    yield "ordinal-float32-out", case(types, holes, served, OrdinalEncoder(dtype=np.float32, encoded_missing_value=-0.1, **unknown))
    encoder = TargetEncoder(categories=[sizes, days], target_type="continuous").fit(frame(types, training), np.arange(len(training)) % 5)
    yield "target-given", graph_case(types, encoder, training + served)


def dtype_cases():
    """String columns as pandas holds them by itself, in place of objects; and integer, boolean and string categories among objects."""
    texts = ["b", "a", "", "nan", None, "None", "a"]
    rows = column(*texts, "c", "NaN", "null", " ")
    strings = pd.DataFrame({"x": pd.Series(texts, dtype="str")})
    objects = pd.DataFrame({"x": pd.Series(texts, dtype=object)})
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    for name, encoder in {
        "one-hot": OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        "one-hot-sparse": OneHotEncoder(handle_unknown="ignore"),
        "ordinal": OrdinalEncoder(encoded_missing_value=-2, **unknown),
        "target": TargetEncoder(),
    }.items():
        fitted = encoder.fit(strings, np.arange(len(texts)))
        yield f"{name}-pandas-strings", graph_case(one("string"), fitted, rows, lambda data, it=fitted: it.transform(data.astype("str")))
    # None among objects stays None and is a category of its own; a caller's null means it here.
    fitted = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(objects)

    def with_none(data):
        return fitted.transform(pd.DataFrame({"x": pd.Series([None if is_nan(value) else value for value in data["x"]], dtype=object)}))

    yield "one-hot-objects-none", graph_case(one("string"), fitted, rows, with_none)
    imputer = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    fitted = imputer.fit(strings.astype(object).where(strings.notna(), np.nan))
    yield "imputed-pandas-strings", graph_case(one("string"), fitted, rows)
    objects = pd.DataFrame({"x": pd.Series([True, False, 2, 3.5], dtype=object)})
    mixed = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(objects)
    rows = column(0.0, 1.0, 2.0, 3.5, -0.0, 4.0, None)
    yield "one-hot-objects-numbers", graph_case(one("number"), mixed, rows, lambda data: mixed.transform(data.astype(object)))

"""Compute what scikit-learn and XGBoost answer, for the parity tests of the serving side.

Each case is a graph document, rows as a caller sends them, and what the real, fitted transformers make of these rows. They are
written to ``test/parity/cases/*.json``, where the TypeScript tests hold the operators to them bit for bit. Everything is seeded, so a
second run writes the same bytes.

Run ``trainer/.venv/bin/python trainer/parity_cases.py`` to write the cases, with ``--check`` to see whether the committed ones still hold. (On a
processor of another kind, NumPy's own exponential may differ in the last bit, and with it the ``link-numpy`` cases.)
"""

import argparse
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
from parity_export import EXPORTS, is_nan, one_hot_params, ordinal_params
from parity_frame import case, frame, graph_case
from parity_links import link_cases
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

CASES = Path(__file__).resolve().parent.parent / "test" / "parity" / "cases"
INF = math.inf
NAN = math.nan


def one(kind):
    """Return the types of a single feature."""
    return {"x": kind}


def column(*values):
    """Return rows of a single feature."""
    return [[value] for value in values]


def random_numbers(seed, n_rows, n_columns, missing=0.15):
    """Return rows of numbers of very different sizes, some of them missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, n_columns)) * 10.0 ** rng.integers(-6, 7, size=(1, n_columns))
    return [[None if rng.random() < missing else float(value) for value in row] for row in values]


EDGES = [0.0, -0.0, None, 5e-324, -2.2250738585072014e-308, 1e-300, 1e300, -1.7976931348623157e308, 0.1, 1 / 3, 2.0**53 + 2, INF, -INF]


def imputer_cases():
    """Every strategy, over numbers and strings, with indicators and empty columns."""
    types = {"a": "number", "b": "number", "c": "number"}
    training = random_numbers(1, 25, 3)
    served = [[edge, edges, 1.0] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for strategy in ("mean", "median", "most_frequent"):
        yield f"imputer-{strategy}", case(types, training, served, SimpleImputer(strategy=strategy))
    constant = SimpleImputer(strategy="constant", fill_value=-0.0)
    yield "imputer-constant", case(types, training, served, constant)
    yield "imputer-indicator", case(types, [[*row[:2], 1.5] for row in training], served, SimpleImputer(add_indicator=True))

    complete = [[0.5 if value is None else value for value in row] for row in training]
    yield "imputer-indicator-of-nothing", case(types, complete, served, SimpleImputer(add_indicator=True))

    empty = [[row[0], None, row[2]] for row in training]
    for keep in (False, True):
        imputer = SimpleImputer(add_indicator=True, keep_empty_features=keep)
        yield f"imputer-empty-column-{'kept' if keep else 'dropped'}", case(types, empty, served, imputer)
    placeholder = [[-1.0 if value is None else value for value in row] for row in training]
    imputer = SimpleImputer(missing_values=-1, add_indicator=True)
    yield "imputer-placeholder", case(types, placeholder, [*served, [-1.0, -1.0, None]], imputer)

    types = {"city": "string", "size": "string"}
    training = [["Oslo", "s"], ["", None], ["Oslo", "m"], [None, ""], ["", ""], ["Rome", ""]]
    served = [[None, None], ["NaN", "null"], ["é", "é"], ["Rome ", "S"], ["\0", "1"]]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    for strategy in ("most_frequent", "constant"):
        yield f"imputer-strings-{strategy}", case(types, training, served, SimpleImputer(strategy=strategy), encoder)
    for keep in (False, True):
        imputer = SimpleImputer(strategy="most_frequent", keep_empty_features=keep)
        empty = [[city, None] for city, _ in training]
        yield f"imputer-strings-empty-{'kept' if keep else 'dropped'}", case(types, empty, served, imputer, encoder)
    # Indicators of a string column are booleans among strings in scikit-learn; the encoder behind sees True and False.
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=True)
    yield "imputer-strings-indicator", case(types, training, served, imputer, encoder)
    booleans = column(True, False, None, True)
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=True)
    yield "imputer-booleans", case(one("boolean"), booleans, column(False), imputer, encoder)


def scaler_cases():
    """Both scalers, on columns without variance, of tiny and of huge numbers."""
    types = {"a": "number", "b": "number", "constant": "number", "c": "number"}
    training = [[a, b, 3.7, c] for a, b, c in random_numbers(2, 60, 3)]
    served = [[edge, -1.5, 4.0, edges] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for with_mean in (True, False):
        for with_std in (True, False):
            name = f"standard{'' if with_mean else '-no-mean'}{'' if with_std else '-no-std'}"
            yield name, case(types, training, served, StandardScaler(with_mean=with_mean, with_std=with_std))
    yield "standard-chained", case(types, training, served, SimpleImputer(), StandardScaler(), StandardScaler())
    yield "min-max", case(types, training, served, MinMaxScaler())
    yield "min-max-range-clipped", case(types, training, served, MinMaxScaler(feature_range=(-3.1, 2.7), clip=True))
    yield "min-max-clipped-at-zero", case(one("number"), column(0.0, 4.0), column(*EDGES), MinMaxScaler(clip=True))
    types = {"n": "integer", "flag": "boolean"}
    training = [[5, True], [7, False], [-3, True], [0, True]]
    yield "standard-integers-booleans", case(types, training, [[2**40, False]], StandardScaler())


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
    yield "one-hot-spread-integers", case(one("integer"), column(-5, 2**33, 2**53, 17), column(0, 2**33 + 1), encoder())
    yield "one-hot-booleans", case(one("boolean"), column(False, True), column(True), encoder())
    yield "one-hot-booleans-missing", case(one("boolean"), column(False, True, None), column(None), encoder())
    yield "one-hot-strings", case(one("string"), texts, text_edges, encoder())
    yield "one-hot-error", case(one("string"), column("b", "a"), text_edges, encoder(handle_unknown="error"))
    yield "one-hot-error-numbers", case(one("number"), column(1.0, 2.0), number_edges, encoder(handle_unknown="error"))

    wide = {"a": "string", "b": "integer", "c": "string"}
    rng = np.random.default_rng(3)
    letters = list("uvwxyz")
    training = [
        [letters[min(int(rng.exponential(1.5)), 5)], int(min(rng.exponential(2), 7)), None if rng.random() < 0.1 else letters[int(rng.integers(2))]]
        for _ in range(60)
    ]
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
    training = [[None if rng.random() < 0.1 else "uvwxyz"[min(int(rng.exponential(1.5)), 5)], int(min(rng.exponential(2), 7))] for _ in range(60)]
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

    node = {"id": "n1", "op": "ordinal_encoder", "inputs": ["x"], "params": ordinal_params(encoder)}
    yield "ordinal-none", graph_case(one("string"), [node], ["n1"], transform, rows)


def string_against_number_case():
    """Strings where the categories are numbers: "1" is not 1."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(frame(one("string"), column(1, 2, None)))
    node = {"id": "n1", "op": "one_hot_encoder", "inputs": ["x"], "params": one_hot_params(encoder)}
    rows = column("1", "2", "1.0", "True", "", None)
    yield "one-hot-strings-against-numbers", graph_case(one("string"), [node], ["n1"], encoder.transform, rows)


def column_transformer_case():
    """A whole ColumnTransformer over random rows: selections, pass-throughs and a nested one."""
    types = {f"n{i}": "number" for i in range(4)} | {"day": "integer", "open": "boolean", "city": "string", "grade": "string", "raw": "number"}
    rng = np.random.default_rng(5)
    cities, grades = ["Oslo", "Rome", "", "Lima", "Pune"], ["low", "mid", "high"]

    def random_row():
        values = [None if rng.random() < 0.1 else float(rng.normal() * 10.0**power) for power in (0, 3, -4, 8)]
        city = None if rng.random() < 0.1 else cities[int(rng.integers(5))]
        raw = None if rng.random() < 0.1 else float(rng.normal())
        return [*values, int(rng.integers(7)), bool(rng.integers(2)), city, grades[int(rng.integers(3))], raw]

    training = [random_row() for _ in range(250)]
    served = [random_row() for _ in range(60)]
    served += [[INF, *served[0][1:]], [*served[1][:4], 9, *served[1][5:]], [*served[2][:6], "Kyiv", *served[2][7:]], [*served[3][:7], "top", 0.0]]
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
    fitted = transformer.named_transformers_
    scaled = fitted["numbers"]["inner"].named_transformers_["scaled"]

    def node(name, inputs, step):
        op, params = EXPORTS[type(step)]
        return {"id": name, "op": op, "inputs": inputs, "params": params(step)}

    nodes = [
        node("imputed", ["n0", "n1", "n2", "n3"], fitted["numbers"]["impute"]),
        {"id": "to_scale", "op": "select_columns", "inputs": ["imputed"], "params": {"columns": [2, 0]}},
        node("scaled", ["to_scale"], scaled),
        {"id": "kept", "op": "select_columns", "inputs": ["imputed"], "params": {"columns": [1, 3, 4]}},
        node("city_filled", ["city"], fitted["cities"][0]),
        node("city_hot", ["city_filled"], fitted["cities"][1]),
        node("flags", ["open", "day"], fitted["flags"]),
        node("grades", ["grade"], fitted["grade"]),
        node("ranged", ["raw", "n0"], fitted["range"]),
        {"id": "raw_kept", "op": "passthrough", "inputs": ["raw"], "params": {}},
    ]
    outputs = ["scaled", "kept", "city_hot", "flags", "grades", "ranged", "raw_kept"]
    yield "column-transformer", graph_case(types, nodes, outputs, transformer.transform, training + served)


def all_cases():
    """Return every case by name."""
    families = [imputer_cases, scaler_cases, one_hot_cases, ordinal_cases, none_case, string_against_number_case, column_transformer_case, link_cases]
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")
        return {name: made for family in families for name, made in family()}


def written(made):
    """Return a case as its file holds it: one row a line, so that a change shows where it is."""
    parts = []
    for key, value in made.items():
        if isinstance(value, list) and value and isinstance(value[0], list | dict):
            items = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in value)
            parts.append(f'"{key}": [\n{items}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value, ensure_ascii=False, separators=(",", ":"))}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(argv=None):
    """Write the cases, or compare them with what is written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a committed case differs")
    check = parser.parse_args(argv).check
    files = {f"{name}.json": written(made) for name, made in all_cases().items()}
    if check:
        committed = {path.name: path.read_text(encoding="utf-8") for path in CASES.glob("*.json")}
        differing = sorted(name for name in files.keys() | committed.keys() if files.get(name) != committed.get(name))
        print(f"{len(files)} cases, " + (f"differing: {', '.join(differing)}" if differing else "as committed"))
        return 1 if differing else 0
    CASES.mkdir(parents=True, exist_ok=True)
    for path in CASES.glob("*.json"):
        path.unlink()
    for name, text in files.items():
        (CASES / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(files)} cases to {CASES.name}/, {sum(map(len, files.values())) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

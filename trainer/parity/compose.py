"""Cases of what puts transformers together."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from parity.frame import answered_case, frame
from parity.rows import INF
from plumb_trainer.graph_export import FORMAT
from plumb_trainer.operators import OPERATORS


def cases():
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
        operator = OPERATORS[type(step)]
        return {"id": name, "op": operator.name, "inputs": inputs, "params": operator.params(step)}

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
    width = len(transformer.get_feature_names_out())
    graph = {
        "format": FORMAT,
        "inputs": [{"name": name, "type": kind} for name, kind in types.items()],
        "nodes": nodes,
        "outputs": [{"name": "X", "dtype": "float32", "shape": ["rows", width], "from": outputs}],
    }
    yield "column-transformer", answered_case(types, graph, transformer.transform, training + served)

"""Writes a fitted scikit-learn preprocessing as preprocessing.json: what it learnt, without Python.

`docs/preprocessing.md` says what each operator computes and reads; `operators` has one function per transformer.
"""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from plumb_trainer.operators import OPERATORS
from plumb_trainer.stop import Stop, quote

FORMAT = "plumb-graph/1"


def preprocessing_document(preprocessing, features, output, dtype):
    """Return preprocessing.json of a fitted transformer.

    Parameters
    ----------
    preprocessing : ColumnTransformer, Pipeline or a transformer in `OPERATORS`
        Fitted on a DataFrame.
    features : sequence of Column
        The features, in order of the DataFrame's columns.
    output : str
        Name of the tensor that the model takes.
    dtype : {"float32", "float64"}
        What the values are cast to.

    Returns
    -------
    dict

    Raises
    ------
    Stop
        Naming the step and columns that have no operator.
    """
    writer = _GraphWriter()
    tables = [_Table(feature.name, (feature.name,), feature.type == "string") for feature in features]
    results = writer.write(preprocessing, tables, "preprocessing")
    texts = [result for result in results if result.is_text]
    if texts:
        raise Stop(f"the preprocessing can't be exported: {_named(texts[0].columns)} ends as text; give it an encoder")
    read = {name for node in writer.nodes for name in node["inputs"]}
    return {
        "format": FORMAT,
        "inputs": [{"name": feature.name, "type": feature.type} for feature in features if feature.name in read],
        "nodes": writer.nodes,
        "outputs": [
            {
                "name": output,
                "dtype": dtype,
                "shape": ["rows", sum(result.width for result in results)],
                "from": [result.id for result in results],
            }
        ],
    }


def postprocessing_document(raw, dtype, outputs, link, labels, nodes=()):
    """Return postprocessing.json: the link function and, of a classifier, the label and the probabilities.

    Parameters
    ----------
    raw : str
        Name of the tensor that comes in.
    dtype : {"float32", "float64"}
        Of the tensor, and of the link function.
    outputs : int
        Columns of the tensor.
    link : {"identity", "sigmoid", "softmax"}
    labels : tuple
        Of a classifier, in order of the columns; with "sigmoid" the one column is the second label's.
    nodes : sequence of dict, default=()
        What runs before the link function, which reads the last of them.

    Returns
    -------
    dict
    """
    source = nodes[-1]["id"] if nodes else raw
    nodes = [*nodes, {"id": "p1", "op": link, "inputs": [source], "params": {} if link == "identity" else {"dtype": dtype}}]
    answers = [{"name": "prediction", "from": ["p1"]}]
    if labels:
        params = {"labels": list(labels), **({"threshold": 0.5} if link == "sigmoid" else {})}
        nodes.append({"id": "p2", "op": "label", "inputs": ["p1"], "params": params})
        answers = [
            {"name": "prediction", "from": ["p2"]},
            {"name": "probabilities", "from": ["p1"], "params": {"labels": list(labels)}},
        ]
    return {
        "format": FORMAT,
        "inputs": [{"name": raw, "dtype": dtype, "shape": ["rows", outputs]}],
        "nodes": nodes,
        "outputs": answers,
    }


def readers(preprocessing, feature, columns=None):
    """Yield, for each branch that reads a feature, the steps that see its own values.

    Parameters
    ----------
    preprocessing : fitted transformer
    feature : str
    columns : list of str, default=None
        The names of the transformer's columns, where it wasn't fitted on a DataFrame.

    Yields
    ------
    (list of transformers, int)
        The first step and, behind imputers, which only fill in what is missing, the step after; and the feature's index
        among their columns. An empty list where the values go straight through.
    """
    columns = list(preprocessing.feature_names_in_) if columns is None else columns
    if isinstance(preprocessing, ColumnTransformer):
        for _, transformer, chosen in _branches(preprocessing, columns):
            if feature in chosen:
                yield from readers(transformer, feature, chosen)
    elif isinstance(preprocessing, Pipeline):
        steps = [step for _, step in preprocessing.steps if not _passes(step)]
        if steps and isinstance(steps[0], ColumnTransformer | Pipeline):
            yield from readers(steps[0], feature, columns)
        else:
            behind = next((index for index, step in enumerate(steps) if not isinstance(step, SimpleImputer)), len(steps))
            yield steps[: behind + 1], columns.index(feature)
    else:
        yield [] if _passes(preprocessing) else [preprocessing], columns.index(feature)


class _Table:
    """Columns that stand side by side under one id: a feature's, or what a node gives."""

    def __init__(self, identifier, columns, is_text, width=1):
        self.id = identifier
        self.columns = columns
        self.is_text = is_text
        self.width = width


class _GraphWriter:
    def __init__(self):
        self.nodes = []

    def write(self, transformer, tables, where):
        """Append the nodes of a fitted transformer and return the tables it gives."""
        if _passes(transformer):
            return [self._node("passthrough", tables, {}, _width(tables), any(table.is_text for table in tables))]
        if isinstance(transformer, ColumnTransformer):
            return self._write_branches(transformer, tables, where)
        if isinstance(transformer, Pipeline):
            for name, step in transformer.steps:
                if not _passes(step):
                    tables = self.write(step, tables, f'{where}, step "{name}"')
            return tables if self._is_written(tables) else self.write("passthrough", tables, where)
        return [self._write_step(transformer, tables, where)]

    def _write_branches(self, transformer, tables, where):
        by_name = {table.id: table for table in tables}
        if transformer.sparse_output_:
            raise Stop(
                f"{where} (ColumnTransformer): it gives a sparse matrix, whose zeros XGBoost reads as missing; set sparse_threshold=0"
            )
        if transformer.transformer_weights:
            raise Stop(f"{where} (ColumnTransformer): transformer_weights have no operator")
        written = []
        for name, step, columns in _branches(transformer, list(by_name)):
            unknown = [column for column in columns if column not in by_name]
            if unknown:
                raise Stop(f'{where}, "{name}": {_named(unknown)} is not a feature of the recipe')
            written += self.write(step, [by_name[column] for column in columns], f'{where}, "{name}"')
        return written

    def _write_step(self, transformer, tables, where):
        columns = tuple(name for table in tables for name in table.columns)
        if isinstance(transformer, SelectorMixin):
            kept = [int(index) for index in transformer.get_support(indices=True)]
            return self._node("select_columns", tables, {"columns": kept}, len(kept), any(table.is_text for table in tables))
        operator = OPERATORS.get(type(transformer))
        if operator is None:
            known = ", ".join(kind.__name__ for kind in OPERATORS)
            raise Stop(f"{where} ({type(transformer).__name__}) on {_named(columns)}: there is no operator for it; expected one of {known}")
        try:
            params = operator.params(transformer)
        except ValueError as error:
            raise Stop(f"{where} ({type(transformer).__name__}) on {_named(columns)}: {error}") from error
        keeps_text = operator.keeps_text and any(table.is_text for table in tables)
        return self._node(operator.name, tables, params, operator.width(transformer), keeps_text)

    def _node(self, operator, tables, params, width, is_text):
        identifier = f"n{len(self.nodes) + 1}"
        self.nodes.append({"id": identifier, "op": operator, "inputs": [table.id for table in tables], "params": params})
        return _Table(identifier, tuple(name for table in tables for name in table.columns), is_text, width)

    def _is_written(self, tables):
        return all(any(table.id == node["id"] for node in self.nodes) for table in tables)


def _branches(transformer, columns):
    """Return (name, fitted transformer, column names) of a fitted ColumnTransformer, the dropped ones left out."""
    branches = []
    for name, step, chosen in transformer.transformers_:
        names = _column_names(chosen, columns)
        if not (isinstance(step, str) and step == "drop") and names:
            branches.append((name, step, names))
    return branches


def _column_names(chosen, columns):
    """Return the names of the columns that a ColumnTransformer's branch was given: by name, index, slice or mask."""
    if isinstance(chosen, slice):
        named = any(isinstance(end, str) for end in (chosen.start, chosen.stop))
        if named:
            # A slice by names ends with the name, as pandas has it.
            begin = 0 if chosen.start is None else columns.index(chosen.start)
            end = len(columns) if chosen.stop is None else columns.index(chosen.stop) + 1
            return columns[begin:end]
        return columns[chosen]
    if isinstance(chosen, str):
        return [chosen]
    if np.isscalar(chosen):
        return [columns[chosen]]
    chosen = list(chosen)
    if chosen and all(isinstance(entry, bool | np.bool_) for entry in chosen):
        return [name for name, is_chosen in zip(columns, chosen, strict=True) if is_chosen]
    return [entry if isinstance(entry, str) else columns[entry] for entry in chosen]


def _passes(step):
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return True
    # scikit-learn puts this one in place of "passthrough" when a ColumnTransformer is fitted.
    return type(step).__name__ == "FunctionTransformer" and step.func is None


def _width(tables):
    return sum(table.width for table in tables)


def _named(columns):
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(map(quote, columns))}"

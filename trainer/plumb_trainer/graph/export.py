"""Writes a fitted scikit-learn preprocessing as preprocessing.json: what it learnt, without Python.

`docs/preprocessing.md` says what each operator computes and reads; `operators` has one function per transformer.
"""

import contextlib
import itertools

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import Normalizer

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.graph.fixed_steps import CategoryCodes, ColumnPick
from plumb_trainer.graph.lists import graph_type, refuse_lists
from plumb_trainer.graph.operators import OPERATORS, raises_on_missing, refusal_of, refuse_float32
from plumb_trainer.graph.operators.core import category_lists
from plumb_trainer.graph.operators.text import refuse_records
from plumb_trainer.numbers.json_form import number_form

FORMAT = "plumb-graph/1"


def preprocessing_document(preprocessing, features, output, dtype, sparse_as_dense=False, more=()):
    """Return preprocessing.json of a fitted transformer.

    Parameters
    ----------
    preprocessing : ColumnTransformer, FeatureUnion, Pipeline or a transformer in `OPERATORS`
        Fitted on a DataFrame.
    features : sequence of Column
        The features, in order of the DataFrame's columns.
    output : str
        Name of the tensor that the model takes.
    dtype : {"float32", "float64"}
        What the values are cast to.
    sparse_as_dense : bool, default=False
        Whether a sparse result is written as a dense one. Only for a model to which an absent value is a zero.
    more : sequence of (str, int), default=()
        Where models read several tensors, which stand side by side in what the transformer gives: the names and widths of those behind
        the first, which has what remains.

    Returns
    -------
    dict

    Raises
    ------
    TrainerError
        Naming the step and columns that have no operator.
    """
    writer = _GraphWriter({feature.name for feature in features})
    sources = {feature.name: _Table(feature.name, (feature.name,), (feature.type == "string",)) for feature in features}
    results = writer.write(preprocessing, _picks(preprocessing, sources), "preprocessing")
    texts = [result for result in results if any(result.texts)]
    if texts:
        raise TrainerError(f"the preprocessing can't be exported: {_named(texts[0].columns)} ends as text; give it an encoder")
    sparse = [result for result in results if result.sparse]
    if sparse and not sparse_as_dense:
        raise TrainerError(
            f"preprocessing, {_named(sparse[0].columns)}: it gives a sparse matrix, whose zeros XGBoost reads as missing; "
            "set sparse_threshold=0 of the ColumnTransformer, or sparse_output=False of the step"
        )
    results, *others = _by_tensor(results, [width for _, width in more])
    results = writer.with_all_nodes(results, [result for part in others for result in part])
    types = {feature.name: graph_type(feature) for feature in features}
    refuse_lists(writer.nodes, types)
    read = {name for node in writer.nodes for name in node["inputs"]}
    return {
        "format": FORMAT,
        "inputs": [{"name": name, "type": kind} for name, kind in types.items() if name in read],
        "nodes": writer.nodes,
        "outputs": [
            {
                "name": name,
                "dtype": dtype,
                "shape": ["rows", sum(len(result.texts) for result in part)],
                "from": [result.id for result in part],
            }
            for name, part in zip((output, *(name for name, _ in more)), (results, *others), strict=True)
        ],
    }


def _by_tensor(results, widths):
    """Return the tables of each tensor, of which the last have these widths."""
    parts = []
    for width in reversed(widths):
        part = []
        while sum(len(result.texts) for result in part) < width:
            part.insert(0, results.pop())
        parts.insert(0, part)
    return [results, *parts]


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
    # What was fitted on a Series knows no name: it reads the one feature.
    columns = list(getattr(preprocessing, "feature_names_in_", [feature])) if columns is None else columns
    if isinstance(preprocessing, ColumnTransformer):
        for _, transformer, chosen in _branches(preprocessing, columns):
            if feature in chosen:
                yield from readers(transformer, feature, chosen)
    elif isinstance(preprocessing, FeatureUnion):
        for _, transformer in _union_branches(preprocessing):
            yield from readers(transformer, feature, columns)
    elif isinstance(preprocessing, Pipeline):
        steps = [step for _, step in preprocessing.steps if not _passes(step)]
        if steps and isinstance(steps[0], ColumnTransformer | FeatureUnion | Pipeline):
            yield from readers(steps[0], feature, columns)
        else:
            behind = next((index for index, step in enumerate(steps) if not isinstance(step, SimpleImputer)), len(steps))
            yield steps[: behind + 1], columns.index(feature)
    else:
        yield [] if _passes(preprocessing) else [preprocessing], columns.index(feature)


def depends_on_batch(preprocessing):
    """Tell whether scikit-learn gives a row other last bits among others than by itself.

    A DataFrame lies in memory column by column, but one row of it in one piece, and NumPy adds up a norm in the order of memory. What
    is served is what a row by itself gets.
    """
    if isinstance(preprocessing, ColumnTransformer):
        steps = [step for _, step, _ in preprocessing.transformers_]
    elif isinstance(preprocessing, FeatureUnion):
        steps = [step for _, step in preprocessing.transformer_list]
    elif isinstance(preprocessing, Pipeline):
        steps = [step for _, step in preprocessing.steps]
    else:
        return isinstance(preprocessing, Normalizer) and preprocessing.norm != "max"
    return any(map(depends_on_batch, steps))


class _Table:
    """Columns that stand side by side under one id: a feature's, or what a node gives.

    Parameters
    ----------
    identifier : str
    columns : tuple of str
        The features that they come from, for messages.
    texts : tuple of bool
        Of each column, whether it holds text.
    sparse : {None, "ones", "values"}
        As `Operator.sparse`.
    """

    def __init__(self, identifier, columns, texts, sparse=None):
        self.id = identifier
        self.columns = columns
        self.texts = texts
        self.sparse = sparse


class _GraphWriter:
    """Appends nodes. What goes in are picks, (table, index) pairs, one per column; what comes out are tables."""

    def __init__(self, names):
        self.nodes = []
        # A feature may be called n1 too.
        self._identifiers = (identifier for identifier in map("n{}".format, itertools.count(1)) if identifier not in names)

    def write(self, transformer, picks, where):
        """Append the nodes of a fitted transformer and return the tables it gives."""
        if _passes(transformer):
            return [self._copy(picks)]
        if isinstance(transformer, ColumnTransformer):
            return self._write_branches(transformer, picks, where)
        if isinstance(transformer, FeatureUnion):
            return self._write_union(transformer, picks, where)
        if isinstance(transformer, Pipeline):
            return self._write_chain(transformer, picks, where)
        if isinstance(transformer, ColumnPick):
            return [self._copy([picks[index] for index in transformer.indexes])]
        if isinstance(transformer, CategoryCodes):
            return self._write_codes(transformer, picks)
        return [self._write_step(transformer, picks, where)]

    def _write_codes(self, codes, picks):
        """Append an encoder for each column of categories; runs of other columns go through."""
        tables = []
        for is_plain, run in itertools.groupby(range(len(picks)), lambda index: codes.categories_[index] is None):
            indexes = list(run)
            if is_plain:
                tables.append(self._copy([picks[index] for index in indexes]))
                continue
            unknown = {"handle_unknown": codes.handle_unknown}
            unknown |= {} if codes.handle_unknown == "error" else {"unknown_value": "NaN"}
            with _told(f"preprocessing, {_named(_sources([picks[index] for index in indexes]))}"):
                # A missing value has a code of its own, which is NaN.
                params = {
                    "categories": category_lists([[*codes.categories_[index], None] for index in indexes]),
                    **unknown,
                    "encoded_missing_value": ["NaN"] * len(indexes),
                }
            tables.append(self._node("ordinal_encoder", [picks[index] for index in indexes], params, (False,) * len(indexes)))
        return tables

    def with_all_nodes(self, results, others=()):
        """Return the results so that they and the others need every node.

        What a later step dropped still refuses the rows that scikit-learn raises on, and a graph holds nothing that nothing takes.
        """
        taken = {name for node in self.nodes for name in node["inputs"]} | {result.id for result in (*results, *others)}
        loose = [node["id"] for node in self.nodes if node["id"] not in taken]
        if not loose:
            return results
        columns = {"columns": list(range(len(_texts(results))))}
        inputs = [*(result.id for result in results), *loose]
        return [self._add("select_columns", inputs, columns, _sources(_all_columns(results)), _texts(results), None)]

    def _write_chain(self, pipeline, picks, where):
        for name, step in pipeline.steps:
            # What makes dicts for a hasher is a Python function, whose own refusal knows no way out.
            if isinstance(step, FeatureHasher):
                with _told(f'{where}, step "{name}" (FeatureHasher)'):
                    refuse_records(step)
        tables = None
        for name, step in pipeline.steps:
            if not _passes(step):
                tables = self.write(step, picks, f'{where}, step "{name}"')
                picks = _all_columns(tables)
        return [self._copy(picks)] if tables is None else tables

    def _write_branches(self, transformer, picks, where):
        written = []
        for name, step, indexes in _indexed_branches(transformer):
            chosen = [picks[index] for index in indexes]
            given = _Series(chosen) if name in _series_branches(transformer) else chosen
            tables = self.write(step, given, f'{where}, "{name}"')
            written += self._weighted(tables, (transformer.transformer_weights or {}).get(name), f'{where}, "{name}"')
        # A result that is dense enough is made a dense matrix, whatever its parts are.
        return written if transformer.sparse_output_ else _dense(written)

    def _write_union(self, union, picks, where):
        written = []
        for name, step in _union_branches(union):
            tables = self.write(step, picks, f'{where}, "{name}"')
            written += self._weighted(tables, (union.transformer_weights or {}).get(name), f'{where}, "{name}"')
        # One sparse part makes the whole sparse.
        sparse = next((kind for kind in ("values", "ones") if any(table.sparse == kind for table in written)), None)
        return [_Table(table.id, table.columns, table.texts, sparse) for table in written]

    def _weighted(self, tables, weight, where):
        if weight is None:
            return tables
        if any(any(table.texts) for table in tables):
            raise TrainerError(f"{where}: text can't be multiplied by a transformer weight")
        sparse = "values" if any(table.sparse for table in tables) else None
        return [self._node("transformer_weight", _all_columns(tables), {"weight": number_form(weight)}, _texts(tables), sparse)]

    def _write_step(self, transformer, picks, where):
        texts = tuple(table.texts[index] for table, index in picks)
        columns = _sources(picks)
        place = f"{where} ({type(transformer).__name__}) on {_named(columns)}"
        if isinstance(transformer, SelectorMixin):
            return self._select(transformer, picks, texts, place)
        operator = OPERATORS.get(type(transformer))
        if operator is None:
            raise TrainerError(f"{place}: there is no operator for it{refusal_of(type(transformer))}")
        if not operator.takes_sparse and any(table.sparse == "values" for table, _ in picks):
            raise TrainerError(
                f"{place}: a sparse matrix is computed in another order than a dense one; set sparse_output=False of the step before, "
                "or sparse_threshold=0 of its ColumnTransformer"
            )
        if not operator.takes_ones and any(table.sparse for table, _ in picks):
            raise TrainerError(f"{place}: it passes over what is absent from a sparse matrix; set sparse_output=False of the step before")
        with _told(place):
            refuse_float32(transformer)
            params = operator.params(transformer, texts) if operator.reads_kinds else operator.params(transformer)
        if operator.reads_series and not isinstance(picks, _Series):
            reads = "lists" if operator.reads_lists else "texts"
            raise TrainerError(
                f'{place}: it reads one column of {reads}, and is given a table; name the column by itself, as "t" and not ["t"]'
            )
        width = operator.width(transformer)
        if operator.kinds is not None:
            texts = operator.kinds(transformer, texts)
        elif not operator.keeps_text:
            texts = (False,) * width
        return self._node(operator.name, picks, params, texts, operator.sparse(transformer))

    def _select(self, selector, picks, texts, place):
        kept = [int(index) for index in selector.get_support(indices=True)]
        if not kept:
            raise TrainerError(f"{place}: it keeps no column; take it out, or make it keep one")
        if raises_on_missing(selector):
            picks = _all_columns([self._node("check_finite", picks, {}, texts)])
        return self._copy([picks[index] for index in kept])

    def _copy(self, picks):
        texts = tuple(table.texts[index] for table, index in picks)
        sparse = next((table.sparse for table, _ in picks if table.sparse), None)
        tables, indexes = _selection(picks)
        operator, params = ("passthrough", {}) if indexes is None else ("select_columns", {"columns": indexes})
        return self._add(operator, [table.id for table in tables], params, _sources(picks), texts, sparse)

    def _node(self, operator, picks, params, texts, sparse=None):
        tables, indexes = _selection(picks)
        if indexes is not None:
            tables = [self._copy(picks)]
        return self._add(operator, [table.id for table in tables], params, _sources(picks), texts, sparse)

    def _add(self, operator, inputs, params, columns, texts, sparse):
        identifier = next(self._identifiers)
        self.nodes.append({"id": identifier, "op": operator, "inputs": inputs, "params": params})
        return _Table(identifier, columns, texts, sparse)


@contextlib.contextmanager
def _told(place):
    """Make a TrainerError of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise TrainerError(f"{place}: {error}") from error


def _selection(picks):
    """Return the tables that give the picked columns, and which of theirs those are; None for all of them, in order."""
    tables = list({id(table): table for table, _ in picks}.values())
    columns = _all_columns(tables)
    return tables, None if picks == columns else [columns.index(pick) for pick in picks]


def _picks(transformer, sources):
    """Return a pick per column that a transformer was fitted on; a column that is no feature becomes one that only its user misses."""
    names = getattr(transformer, "feature_names_in_", list(sources))
    picks = [(sources.get(name) or _Absent(name), 0) for name in names]
    # What begins with a vectorizer was fitted on a Series, which leaves no name.
    return _Series(picks) if len(picks) == 1 and not hasattr(transformer, "feature_names_in_") else picks


class _Series(list):
    """The pick of a column that a step is given by itself, rather than a table of one column."""


class _Absent:
    """A column of the training data that is no feature of the bundle: an error where a step reads it."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, _):
        raise TrainerError(f"preprocessing: column {quote(self.name)} is not a feature of the recipe")


def _all_columns(tables):
    return [(table, index) for table in tables for index in range(len(table.texts))]


def _texts(tables):
    return tuple(is_text for table in tables for is_text in table.texts)


def _dense(tables):
    return [_Table(table.id, table.columns, table.texts) for table in tables]


def _sources(picks):
    """Return the names of the features behind picks, each once."""
    return tuple(dict.fromkeys(name for table, index in picks for name in table.columns))


def _union_branches(union):
    """Return (name, fitted transformer) of a fitted FeatureUnion, the dropped ones left out."""
    return [(name, step) for name, step in union.transformer_list if not (isinstance(step, str) and step == "drop")]


def _branches(transformer, columns):
    """Return (name, fitted transformer, column names) of a fitted ColumnTransformer, the dropped ones left out."""
    branches = []
    for name, step, chosen in transformer.transformers_:
        names = _column_names(chosen, columns)
        if not (isinstance(step, str) and step == "drop") and names:
            branches.append((name, step, names))
    return branches


def _series_branches(transformer):
    """Return the names of the branches of a ColumnTransformer whose step is given one column by itself: it was named so, not as a list."""
    return {name for name, _, chosen in transformer.transformers_ if isinstance(chosen, str) or np.isscalar(chosen)}


def _indexed_branches(transformer):
    """Return (name, fitted transformer, column indexes), as `_branches`."""
    names = list(getattr(transformer, "feature_names_in_", range(transformer.n_features_in_)))
    return [(name, step, [names.index(column) for column in columns]) for name, step, columns in _branches(transformer, names)]


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
    return type(step).__name__ == "FunctionTransformer" and step.func is None and not step.validate


def _named(columns):
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(map(quote, columns))}"

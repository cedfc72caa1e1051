"""What is served where scikit-learn's own bits depend on the machine: how near it is, that it proves, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import NMF, PCA, IncrementalPCA, SparsePCA, TruncatedSVD
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PowerTransformer, QuantileTransformer, StandardScaler

from exported_table import forms
from exported_table import main as exported_table
from plumb_trainer import portable
from plumb_trainer.errors import TrainerError
from plumb_trainer.fit import pipeline
from plumb_trainer.graph.export import preprocessing_document
from plumb_trainer.graph.operators import OPERATORS, REFUSED
from plumb_trainer.graph.served import served_deviation, served_twin
from plumb_trainer.recipe.document import Column
from plumb_trainer.run.train import train

RANDOM = np.random.default_rng(8)
FRAME = pd.DataFrame({"a": RANDOM.lognormal(size=300), "b": RANDOM.lognormal(sigma=2, size=300), "c": RANDOM.lognormal(size=300)})


def export(step, data=FRAME):
    """Return preprocessing.json of a step that was fitted on a frame of numbers."""
    features = [Column(name, "string" if data[name].dtype == object else "number", {}) for name in data.columns]
    return preprocessing_document(step.fit(data), features, "X", "float64")


@pytest.mark.parametrize(
    ("step", "near"),
    [
        (PowerTransformer(standardize=False), 1e-14),
        (PowerTransformer(), 1e-12),
        (PowerTransformer(method="box-cox"), 1e-12),
        (QuantileTransformer(n_quantiles=50, output_distribution="normal"), 1e-14),
        (PCA(2, whiten=True), 1e-9),
        (TruncatedSVD(2, random_state=0), 1e-9),
        *(
            (FunctionTransformer(function), 1e-14)
            for function in (np.log, np.log1p, np.log2, np.log10, np.exp, np.expm1, np.sin, np.cos, np.tanh)
        ),
    ],
    ids=lambda value: getattr(getattr(value, "func", None), "__name__", None) or type(value).__name__,
)
def test_what_is_served_is_next_to_what_scikit_learn_computes(step, near):
    theirs = np.asarray(step.fit(FRAME).transform(FRAME))
    twin = served_twin(step)
    assert type(twin) is not type(step)
    ours = np.asarray(twin.transform(FRAME))
    assert np.all(np.abs(ours - theirs) <= near * np.abs(theirs).max(axis=0))


def test_a_step_with_scikit_learns_own_bits_is_its_own_twin():
    chain = make_pipeline(ColumnTransformer([("s", StandardScaler(), ["a"]), ("q", QuantileTransformer(n_quantiles=9), ["b"])])).fit(FRAME)
    assert served_twin(chain) is chain
    assert served_deviation(chain, FRAME).tolist() == [0, 0]


def test_twins_are_made_of_nested_steps_and_leave_the_fitted_ones_alone():
    inner = ColumnTransformer([("p", PowerTransformer(), ["a", "b"])], remainder="passthrough")
    chain = make_pipeline(FeatureUnion([("inner", inner), ("log", FunctionTransformer(portable.log1p))]), StandardScaler()).fit(FRAME)
    before = chain.transform(FRAME)
    twin = served_twin(chain)
    assert np.allclose(twin.transform(FRAME), before, rtol=1e-9, atol=1e-9)
    assert np.array_equal(chain.transform(FRAME), before)
    deviation = served_deviation(chain, FRAME)
    # What was fitted with the portable mathematics, and what passes through, is the same.
    assert deviation[2:].tolist() == [0, 0, 0, 0]
    assert deviation.max() > 0


def test_a_row_that_box_cox_has_no_power_of_is_refused_by_the_twin_too():
    twin = served_twin(PowerTransformer(method="box-cox").fit(FRAME))
    assert np.isnan(twin.transform(FRAME.iloc[:1].assign(a=np.nan))[0, 0])
    for value in (0.0, -1.0):
        with pytest.raises(ValueError, match="strictly positive"):
            twin.transform(FRAME.iloc[:1].assign(a=value))


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (FunctionTransformer(lambda x: x), "a lambda can't be served, because it is Python; use NumPy's absolute, ceil, clip"),
        (FunctionTransformer(np.cbrt), "the function cbrt can't be served"),
        (FunctionTransformer(pd.DataFrame.abs), "the function abs can't be served"),
        (FunctionTransformer(np.round, kw_args={"decimals": 2}), "kw_args decimals of rint can't be served; leave them out"),
        (FunctionTransformer(np.clip, kw_args={"min": 0, "out": None}), "kw_args out of clip can't be served"),
        (FunctionTransformer(np.clip, kw_args={"min": [0, 1, 2]}), "clip takes a number or None for each limit"),
        (FunctionTransformer(np.clip, kw_args={"min": 2, "max": 1}), "clip's lower limit 2.0 is above its upper one 1.0"),
        (IncrementalPCA(2), "its batches leave other components than PCA's; fit PCA in its place"),
        (SparsePCA(2), "it solves a problem of optimization for every row"),
        (NMF(2), "it solves a problem of optimization for every row"),
        (KMeans(2, n_init=1), "it measures each row against rows of the training data"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_has_no_served_form_is_refused_with_the_way_out(step, sentence):
    with pytest.raises(TrainerError) as caught:
        export(step)
    assert f'({type(step).__name__}) on columns "a", "b", "c": ' in caught.value.problems[0]
    assert sentence in caught.value.problems[0]


def test_python_of_ones_own_is_refused():
    class Own(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return X

    with pytest.raises(TrainerError, match=r"\(Own\) on .*: there is no operator for it, because its transform is Python"):
        export(Own())


def test_functions_of_texts_and_of_sparse_matrices_are_refused():
    texts = pd.DataFrame({"t": pd.Series(["x", "y"] * 5, dtype=object)})
    step = FunctionTransformer(np.log)
    # Fitting a function calls nothing.
    with pytest.raises(TrainerError, match='column "t": log is a function of numbers, but a column here is text'):
        preprocessing_document(step.fit(texts), [Column("t", "string", {})], "X", "float64")
    for after in (QuantileTransformer(n_quantiles=2), FunctionTransformer(np.sqrt)):
        with pytest.raises(TrainerError, match="it passes over what is absent from a sparse matrix"):
            export(make_pipeline(OneHotEncoder(), after), texts)


@pytest.mark.parametrize(
    ("function", "values"), [(np.square, [3, 4]), (np.reciprocal, [3, 4]), (np.sqrt, [True, False]), (np.log, np.array([1, 2], np.float32))]
)
def test_a_function_that_numpy_computes_in_another_type_stops_the_proof(function, values):
    data = pd.DataFrame({"x": values})
    with pytest.raises(TrainerError, match=f'FunctionTransformer of {function.__name__} on column "x": NumPy computes it in another type'):
        served_twin(FunctionTransformer(function).fit(data)).transform(data)


def test_every_transformer_of_scikit_learn_has_a_form_or_a_reason():
    found = forms()
    assert len(found) > 80
    assert {name for name, (form, _) in found.items() if form == "refused"} == set(REFUSED)
    assert all(reason[0].islower() and ("; " in reason or ", " in reason) for reason in REFUSED.values())
    assert not set(REFUSED) & {kind.__name__ for kind in OPERATORS}


def test_the_table_in_the_docs_is_this_one(capsys):
    assert exported_table(["--check"]) == 0, capsys.readouterr().out


def test_a_bundle_of_powers_quantiles_and_components_is_proved_in_the_numbers_that_are_served(write_recipe, tmp_path, monkeypatch):
    for name, kind in {"power_transformer": PowerTransformer, "quantile_transformer": QuantileTransformer, "pca": PCA}.items():
        monkeypatch.setitem(pipeline.TRANSFORMERS, name, kind)
    steps = ["simple_imputer", "power_transformer", {"quantile_transformer": {"n_quantiles": 40, "output_distribution": "normal"}}, "pca"]
    result = train(write_recipe(lambda recipe: recipe["preprocessing"][0].update(steps=steps)), tmp_path / "models")
    assert result.parity.tier == "B"
    manifest = json.loads((result.directory / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["parity"]["tier"] == "B"
    assert manifest["parity"]["tolerance"] == {"features_ulp": 0, "margin_ulp": 0, "prediction_ulp": 0}

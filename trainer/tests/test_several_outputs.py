"""A fitted pipeline of several outputs becomes one bundle whose answer is a list, with names, figures and a distribution for each."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_pinball_loss, mean_squared_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBRegressor

from plumb_trainer import export_bundle
from plumb_trainer.errors import TrainerError
from plumb_trainer.proof.prove import PlumbCommand

ROWS = 120
RANDOM = np.random.RandomState(5)
X = pd.DataFrame({"a": RANDOM.randn(ROWS), "b": RANDOM.rand(ROWS) * 9})
Y = pd.DataFrame({"sold": X["a"] * 2 + X["b"] + RANDOM.randn(ROWS), "sent back": np.abs(X["a"]) / 1000})
QUANTILES = {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}


def fitted(model, y=Y):
    return make_pipeline(StandardScaler(), model).fit(X, y)


def trees(**options):
    return XGBRegressor(n_estimators=5, max_depth=3, n_jobs=1, **options)


def exported(folder, pipeline, **options):
    return export_bundle(pipeline, X, folder, name="several", version=1, golden_rows=300, **options)


def document(bundle, name):
    return json.loads((bundle / name).read_text(encoding="utf-8"))


def names_of(bundle):
    return document(bundle, "postprocessing.json")["outputs"][0]["params"]["names"]


@pytest.mark.parametrize(
    "model",
    [trees(), trees(multi_strategy="multi_output_tree"), RandomForestRegressor(4, max_depth=4, random_state=0)],
    ids=["a tree for each", "leaves of several values", "forest"],
)
def test_trees_of_several_outputs_answer_with_the_librarys_bits(tmp_path, model):
    pipeline = fitted(model)
    bundle = exported(tmp_path, pipeline, y=Y)
    manifest = document(bundle, "manifest.json")
    assert manifest["parity"]["tier"] == "A"
    assert manifest["parity"]["tolerance"] == {"features_ulp": 0, "margin_ulp": 0, "prediction_ulp": 0}
    assert names_of(bundle) == ["sold", "sent back"]
    answers = PlumbCommand().answers(bundle, X.to_dict("records"))
    assert np.array([answer["prediction"] for answer in answers]).tolist() == pipeline.predict(X).astype(np.float64).tolist()


def test_figures_are_each_outputs_own_and_means_over_them(tmp_path):
    pipeline = fitted(Ridge())
    bundle = exported(tmp_path, pipeline, y=Y)
    predictions = pipeline.predict(X)
    evaluation = document(bundle, "evaluation.json")
    assert evaluation["average"] == "outputs"
    own = evaluation["outputs"]
    assert list(own) == ["sold", "sent back"]
    assert own["sent back"]["given"]["rmse"] == pytest.approx(np.sqrt(mean_squared_error(Y["sent back"], predictions[:, 1])), rel=1e-9)
    means = evaluation["metrics"]["given"]
    assert means["r2"] == pytest.approx(r2_score(Y, predictions, multioutput="uniform_average"), rel=1e-9)
    assert "mape_rows" not in means
    baseline = document(bundle, "baseline.json")["prediction"]
    assert [distribution["kind"] for distribution in baseline] == ["numeric", "numeric"]
    assert baseline[1]["mean"] == pytest.approx(predictions[:, 1].mean())
    card = (bundle / "card.md").read_text(encoding="utf-8")
    assert "Predicts `prediction`, 2 numbers: `sold`, `sent back`." in card
    assert "Means over the outputs:" in card


def test_quantiles_are_named_and_judged_by_their_levels(tmp_path):
    pipeline = fitted(trees(**QUANTILES), Y["sold"])
    bundle = exported(tmp_path, pipeline, y=Y["sold"])
    assert names_of(bundle) == ["q0.1", "q0.5", "q0.9"]
    predictions = pipeline.predict(X)
    evaluation = document(bundle, "evaluation.json")
    own = {name: figures["given"] for name, figures in evaluation["outputs"].items()}
    for column, (name, level) in enumerate({"q0.1": 0.1, "q0.5": 0.5, "q0.9": 0.9}.items()):
        assert own[name]["pinball"] == pytest.approx(mean_pinball_loss(Y["sold"], predictions[:, column], alpha=level))
    assert own["q0.1"]["coverage"] < own["q0.5"]["coverage"] < own["q0.9"]["coverage"]
    assert list(evaluation["metrics"]["given"]) == ["pinball"]


def test_names_are_given_or_those_of_y_or_numbers(tmp_path):
    pipeline = fitted(LinearRegression(), Y.to_numpy())
    assert names_of(exported(tmp_path / "none", pipeline)) == ["output_0", "output_1"]
    assert names_of(exported(tmp_path / "array", pipeline, y=Y.to_numpy())) == ["output_0", "output_1"]
    assert names_of(exported(tmp_path / "given", pipeline, y=Y, metadata={"outputs": ["up", "down"]})) == ["up", "down"]


def test_one_target_in_a_table_is_one_number(tmp_path):
    bundle = exported(tmp_path, fitted(Ridge(), Y[["sold"]]), y=Y[["sold"]])
    assert document(bundle, "postprocessing.json")["outputs"] == [{"name": "prediction", "from": ["main.Y"]}]
    assert set(document(bundle, "evaluation.json")) == {"format", "splits", "metrics", "baselines"}


@pytest.mark.parametrize(
    ("pipeline", "options", "sentence"),
    [
        (fitted(Ridge()), {"metadata": {"outputs": ["one"]}}, "expected a list of 2 names, one for each output in its order, got 1"),
        (fitted(Ridge()), {"metadata": {"outputs": "ab"}}, "expected a list of 2 names, one for each output in its order, got 'ab'"),
        (fitted(Ridge()), {"metadata": {"outputs": ["one", "one"]}}, 'metadata, outputs: "one" is there twice'),
        (fitted(Ridge()), {"metadata": {"outputs": ["one", ""]}}, "expected a name that is a text and not empty, got ''"),
        (fitted(Ridge()), {"y": Y.set_axis(["x", "x"], axis=1)}, 'y, columns: "x" is there twice; each output needs a name of its own'),
        (fitted(Ridge(), Y["sold"]), {"metadata": {"outputs": ["one"]}}, "the model predicts one value, which has no name of its own"),
        (fitted(Ridge()), {"y": Y["sold"]}, "y: expected 2 columns, one for each output, got 1"),
        (fitted(trees(**QUANTILES), Y["sold"]), {"y": Y}, "y: expected one column, got 2"),
        (fitted(Ridge()), {"y": Y.assign(sold=np.nan)}, "y: it has missing values"),
        (fitted(Ridge()), {"y": Y[:5]}, f"y: expected {ROWS} values, one for each row of X, got 5"),
        (fitted(Ridge()), {"y": Y.rename(columns={"sold": "a"})}, 'column "a" is the target, and a feature too'),
        (fitted(Ridge()), {"y": Y.assign(sold=X["b"])}, 'column "b" equals y in every row: it is the target'),
        (
            fitted(DecisionTreeClassifier(max_depth=2), (Y > Y.median()).astype(int)),
            {},
            "it gives a row 2 labels at once, and a bundle answers with one; fit a classifier for each, and export a bundle for each",
        ),
        (
            fitted(TransformedTargetRegressor(Ridge(), func=np.cbrt, inverse_func=lambda x: x**3)),
            {},
            "its inverse_func: a lambda can't be served, because it is Python",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_asked_wrongly_is_told(tmp_path, pipeline, options, sentence):
    with pytest.raises(TrainerError) as stopped:
        exported(tmp_path, pipeline, **options)
    assert sentence in str(stopped.value)
    assert list(tmp_path.iterdir()) == []

"""Targets that were transformed: what the graph takes back is what scikit-learn's inverse_transform gives."""

import numpy as np
import pytest
from bundled_model import bundled, distance, quietly
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, QuantileTransformer, StandardScaler
from test_measured_models import ORDER, POSITIVE, ROWS, TRAINING, WIDTH
from xgboost import XGBRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

FOREST = RandomForestRegressor(5, max_depth=5, random_state=0)
BOOSTED = XGBRegressor(n_estimators=5, n_jobs=1)
BOTH = np.column_stack([POSITIVE, POSITIVE**2 * 1000])
EXACT = (MinMaxScaler(), MinMaxScaler((-3, 7.7)), QuantileTransformer(n_quantiles=50))
PORTABLE = (
    PowerTransformer(),
    PowerTransformer("box-cox"),
    PowerTransformer(standardize=False),
    make_pipeline(StandardScaler(), PowerTransformer(), MinMaxScaler()),
)


def fitted(regressor, transformer, target):
    """Return a fitted model whose target is transformed."""
    model = TransformedTargetRegressor(regressor, transformer=transformer, check_inverse=False)
    quietly(model.fit, TRAINING, target)
    return model


@pytest.mark.parametrize("regressor", [FOREST, BOOSTED, Ridge()], ids=["forest", "boosted, in float32", "line"])
def test_a_target_is_taken_back_as_its_library_does(regressor, tmp_path):
    for at, transformer in enumerate((*EXACT, *PORTABLE)):
        # Several outputs go the same way, a column each.
        model = fitted(regressor, transformer, BOTH if at % 2 else POSITIVE)
        exported = export_model(model, n_features=WIDTH)
        expected = quietly(model.predict, ROWS[:400])
        # Beyond its range an inverse power is NaN, which is no answer.
        finite = np.isfinite(expected.reshape(400, -1)).all(axis=1)
        assert finite.sum() > 390
        found = bundled(tmp_path / str(at), model, exported, ROWS[:400][finite])
        ulp, share = distance(expected[finite], found.predictions)
        if transformer in EXACT and not isinstance(regressor, Ridge):
            assert exported.tiers["prediction"] == "A"
            assert ulp == 0
        assert share < ORDER


@pytest.mark.parametrize("power", [0.0, 2.0, 1.0, -1.7, 3.3])
def test_powers_at_their_edges_are_those_of_scikit_learn(power, tmp_path):
    model = fitted(FOREST, PowerTransformer(standardize=False), POSITIVE)
    model.transformer_.lambdas_ = np.array([power])
    # Leaves on both sides of 0, and 0 itself.
    for tree in model.regressor_.estimators_:
        tree.tree_.value[:] = np.resize([-0.9, 0.0, 0.2, -0.1, 0.25], tree.tree_.value.shape)
    expected = quietly(model.predict, ROWS[:600])
    finite = np.isfinite(expected)
    assert (expected[finite] < 0).any() and (expected[finite] > 0).any()
    found = bundled(tmp_path, model, export_model(model), ROWS[:600][finite])
    assert distance(expected[finite], found.predictions)[1] < ORDER


def test_what_can_not_be_taken_back_is_refused_with_ways_out_that_work():
    normal = QuantileTransformer(n_quantiles=50, output_distribution="normal")
    with pytest.raises(TrainerError, match='fit it with output_distribution="uniform", or a PowerTransformer in its place'):
        export_model(fitted(Ridge(), normal, POSITIVE))
    for way_out in (QuantileTransformer(n_quantiles=50), PowerTransformer()):
        assert export_model(fitted(Ridge(), way_out, POSITIVE)).task == "regression"
    whole = fitted(Ridge(), PowerTransformer(), POSITIVE)
    whole.transformer_.lambdas_ = np.array([0.5])
    with pytest.raises(TrainerError, match="the power 0.5, whose inverse is a whole power"):
        export_model(whole)

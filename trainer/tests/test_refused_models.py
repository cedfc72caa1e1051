"""Fitted models whose settings no served form has: each is told at once, with its cause, and nothing is computed."""

import numpy as np
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from plumb_trainer.errors import TrainerError
from plumb_trainer.models import export_model

RANDOM = np.random.RandomState(2)
X = RANDOM.randn(60, 2)
NUMBERS = np.exp(X[:, 0])
TWO = (X[:, 0] > 0).astype(int)
ONE = np.zeros(60, dtype=int)


def undecided():
    """Return a classifier of CatBoost whose labels are decided elsewhere than at one half."""
    model = CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False).fit(X, TWO)
    model.set_probability_threshold(0.2)
    return model


@pytest.mark.parametrize(
    ("fit", "reason"),
    [
        *(
            (lambda model=model: model.fit(X, ONE), f"this {type(model).__name__} has seen one class only")
            for model in (GaussianNB(), KNeighborsClassifier(), LGBMClassifier(n_estimators=2, verbose=-1), XGBClassifier(n_estimators=2))
        ),
        (lambda: GaussianNB(priors=[0, 1]).fit(X, TWO), "a prior of 0 makes its likelihood infinite"),
        (lambda: XGBRegressor(n_estimators=0).fit(X, NUMBERS), "it has no trees"),
        (
            lambda: XGBClassifier(objective="multi:softprob", num_class=2, n_estimators=2).fit(X, TWO),
            'fit it with objective="binary:logistic"',
        ),
        (undecided, r"its labels are decided at a probability of 0\.2"),
        (
            lambda: StackingClassifier([("t", DecisionTreeClassifier())], final_estimator=SVC(kernel="linear"), cv=2).fit(X, TWO),
            "its final_estimator, a SVC, would need a model behind the models",
        ),
        (
            lambda: StackingRegressor(
                [("r", Ridge()), ("t", DecisionTreeRegressor())], final_estimator=PLSRegression(1), cv=2
            ).fit(X, NUMBERS),
            "its final_estimator, a PLSRegression, would need a model behind the models",
        ),
    ],
)
def test_a_setting_without_a_served_form_is_told_with_its_cause(fit, reason):
    with pytest.raises(TrainerError, match=reason):
        export_model(fit())


def test_a_sum_without_a_split_is_zero_and_not_its_negative():
    exported = export_model(XGBClassifier(n_estimators=3, gamma=1e9).fit(X, np.arange(60) % 2))
    (sums,) = exported.raw(X).values()
    assert not np.signbit(sums[sums == 0]).any()

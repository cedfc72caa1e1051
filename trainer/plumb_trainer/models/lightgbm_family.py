"""LightGBM's models: float64 trees, and the links in float64 by the portable math."""

import lightgbm
import numpy as np

from plumb_trainer.errors import TrainerError, quoted_columns
from plumb_trainer.models.lightgbm_trees import read_lightgbm
from plumb_trainer.models.tree_answers import classification, refuse_labels, refuse_output, regression

_LIBRARY = f"lightgbm {lightgbm.__version__}"
_IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg")
_EXP = ("poisson", "gamma", "tweedie")
_SIGMOID = ("binary", "cross_entropy")
_KNOWN = (*_IDENTITY, *_EXP, *_SIGMOID, "multiclass", "multiclassova")


def export(estimator, labels=None, output=None, coded=False):
    """Return a fitted LGBMRegressor or LGBMClassifier as it is served; see `export_model`."""
    booster = estimator.booster_
    ensemble, words = read_lightgbm(booster)
    name, *settings = words.split() or [""]
    settings = dict(setting.partition(":")[::2] for setting in settings)
    if booster.pandas_categorical and not coded:
        names = [booster.feature_name()[index] for index in booster.params["categorical_column"]]
        raise TrainerError(
            f"the model can't be exported: {quoted_columns(names)} it has learnt as a DataFrame's categories; give it numbers instead, by "
            "an OrdinalEncoder before it and categorical_feature with the encoded columns"
        )
    if name not in _KNOWN:
        raise TrainerError(
            f'the model can\'t be exported: objective "{name or "of your own"}" makes of the sum what no operator does; '
            f"expected one of {', '.join(_KNOWN)}"
        )
    if "sqrt" in settings:
        raise TrainerError(
            "the model can't be exported: it squares its sums (reg_sqrt); take the root of the target before fitting instead"
        )

    def raw(features):
        sums = estimator.predict(features, raw_score=True)
        # It adds up a random forest's raw scores without dividing them.
        return sums / ensemble.after[0][1] if ensemble.after else np.asarray(sums)

    links = [("sigmoid", {"dtype": "float64"})] if name in (*_SIGMOID, "multiclassova") else []
    if float(settings.get("sigmoid", 1)) != 1:
        scale = float(settings["sigmoid"])
        width = ensemble.target_count
        scales = [[scale if row == column else 0.0 for column in range(width)] for row in range(width)]
        links.insert(0, ("linear", {"coef": scales, "intercept": [0.0] * width}))
    if name in _EXP:
        links = [("exp", {"dtype": "float64"})]
    if name == "multiclass":
        links = [("softmax", {"dtype": "float64"})]
    if not isinstance(estimator, lightgbm.LGBMClassifier):
        refuse_labels(labels)
        return regression(ensemble, raw, _LIBRARY, links, output, tier="B" if links else "A")
    refuse_output(output)
    one_column = ensemble.target_count == 1
    classes = estimator.classes_ if labels is None else labels
    return classification(ensemble, raw, _LIBRARY, classes, links, threshold=0.5 if one_column else None, tier="B")

"""XGBoost's models: float32 trees, and the links in float32 as XGBoost computes them."""

import numpy as np
import xgboost

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.tree_answers import classification, refuse_labels, refuse_output, regression
from plumb_trainer.models.xgboost_trees import puts_quantiles_in_order, quantile_levels, read_xgboost

_LIBRARY = f"xgboost {xgboost.__version__}"


def export(estimator, labels=None, output=None, coded=False):
    """Return a fitted XGBRegressor or XGBClassifier, or a random forest of XGBoost, as it is served; see `export_model`.

    Notes
    -----
    Everything is in tier A where the C library's float32 exponential is glibc's (2.27 and later), which the links rebuild.
    """
    ensemble = read_xgboost(estimator, coded)
    links = [] if ensemble.link == "identity" else [(ensemble.link, {"dtype": "float32"})]

    def raw(features):
        # Where no tree splits, XGBoost's sum may be -0.0, and one that starts from 0 never is.
        return np.asarray(estimator.predict(features, output_margin=True)) + np.float32(0)

    if not isinstance(estimator, xgboost.XGBClassifier):
        refuse_labels(labels)
        levels = quantile_levels(estimator)
        if levels and puts_quantiles_in_order():
            levels = tuple(sorted(levels))
            links.append(("sort_ascending", {}))
        return regression(ensemble, raw, _LIBRARY, links, output, quantiles=levels)
    refuse_output(output)
    one_column = ensemble.link == "sigmoid"
    if one_column and ensemble.target_count > 1:
        raise TrainerError(
            f"the model can't be exported: it gives a row {ensemble.target_count} labels at once, and a bundle answers with one; "
            "fit a classifier for each, and export a bundle for each"
        )
    if not one_column and len(estimator.classes_) == 2:
        raise TrainerError(
            "the model can't be exported: of two classes XGBoost's own predict gives two labels for a row with this objective; fit it with "
            'objective="binary:logistic"'
        )
    classes = estimator.classes_ if labels is None else labels
    return classification(ensemble, raw, _LIBRARY, classes, links, threshold=0.5 if one_column else None)

"""Reads a scikit-learn MLPClassifier or MLPRegressor into the neutral form of a network, or says why it can't be."""

import numpy as np

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.layers import ACTIVATIONS, Layers


def read_mlp(model):
    """Return the layers of a fitted network.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    Layers

    Raises
    ------
    TrainerError
        Where its activation has no form.
    """
    if model.activation not in ACTIVATIONS:
        raise TrainerError(f'the model can\'t be exported: activation "{model.activation}"; expected one of {", ".join(ACTIVATIONS)}')
    return Layers(
        weights=[np.ascontiguousarray(weights, dtype=np.float64) for weights in model.coefs_],
        biases=[np.asarray(bias, dtype=np.float64) for bias in model.intercepts_],
        activation=model.activation,
    )

"""Regressors of several outputs: all of them are the prediction, or the one that is asked for."""

from plumb_trainer.errors import TrainerError
from plumb_trainer.models.core import node


def default_names(count):
    """Return what outputs are called where nobody named them; none for one."""
    return tuple(f"output_{index}" for index in range(count)) if count > 1 else ()


def quantile_names(levels):
    """Return what quantiles are called where nobody named them."""
    return tuple(f"q{level}" for level in levels)


def predicted(source, names, output):
    """Return the nodes that pick a prediction, the name of what they give, and the names of its numbers.

    Parameters
    ----------
    source : str
        The table of all outputs.
    names : tuple of str
        Of the outputs; none for one.
    output : int or None
        The one that is asked for; None for all.
    """
    if not names or output is None:
        return [], source, names
    if not 0 <= output < len(names):
        raise TrainerError(f"there is no output {output}: the model has {len(names)}, from 0 to {len(names) - 1}")
    return [node("picked", "select_columns", source, columns=[int(output)])], "picked", ()

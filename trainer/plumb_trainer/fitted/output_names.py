"""What the outputs of a model that was fitted elsewhere are called, where it has several."""

import dataclasses

import pandas as pd

from plumb_trainer.errors import TrainerError, quote


def named_outputs(exported, y, names):
    """Return a model whose outputs have their names.

    Parameters
    ----------
    exported : ExportedModel
    y : array-like or None
        The truth; the columns of a DataFrame are names.
    names : list of str or None
        As somebody gave them; these count more.

    Returns
    -------
    ExportedModel
        Itself where it has one output, or where nobody has named them.
    """
    count = len(exported.names)
    where = "metadata, outputs"
    if count == 0:
        if names is not None:
            raise TrainerError(f"{where}: the model predicts one value, which has no name of its own; take them out")
        return exported
    if names is None:
        names, where = _columns_of(y, count), "y, columns"
    if names is None:
        return exported
    if not isinstance(names, list | tuple) or len(names) != count:
        got = len(names) if isinstance(names, list | tuple) else repr(names)
        raise TrainerError(f"{where}: expected a list of {count} names, one for each output in its order, got {got}")
    for index, name in enumerate(names):
        if not isinstance(name, str) or name in ("", "__proto__"):
            raise TrainerError(f"{where}: expected a name that is a text and not empty, got {name!r}")
        if name in names[:index]:
            raise TrainerError(f"{where}: {quote(name)} is there twice; each output needs a name of its own")
    return dataclasses.replace(exported, names=tuple(names))


def _columns_of(y, count):
    """Return the names that a DataFrame has for its columns, if it has one for each output."""
    if not isinstance(y, pd.DataFrame) or y.shape[1] != count:
        return None
    columns = list(y.columns)
    return columns if all(isinstance(name, str) for name in columns) else None

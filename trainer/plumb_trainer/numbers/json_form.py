"""Numbers and documents as the bundle's files hold them."""

import json
import math

import numpy as np

# The largest integer up to which every integer is a float64.
INTEGER_MAX = 2**53 - 1


def number_form(value):
    """Return a number as JSON holds it.

    Parameters
    ----------
    value : float or int
        Any float64, the ones that JSON has no form for among them.

    Returns
    -------
    int, float or str
        Python writes a float in its shortest form that reads back to the same bits. NaN, the infinities and -0.0 become
        strings, the last because JavaScript writes it as 0.
    """
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 and math.copysign(1, value) < 0:
        return "-0.0"
    return int(value) if value.is_integer() and abs(value) <= INTEGER_MAX else value


# Takes what `number_form` wrote to the number that it was.
number_value = float


def number_forms(values):
    """Return a list of numbers as JSON holds them."""
    values = np.asarray(values, dtype=np.float64)
    forms = values.astype(object)
    with np.errstate(invalid="ignore"):
        is_whole = (np.abs(values) <= INTEGER_MAX) & (values == np.rint(values)) & ~((values == 0) & np.signbit(values))
    forms[is_whole] = values[is_whole].astype(np.int64)
    for index in np.flatnonzero(~np.isfinite(values) | ((values == 0) & ~is_whole)):
        forms[index] = number_form(values[index])
    return forms.tolist()


def label_text(label):
    """Return a label as the name that its probability goes by."""
    return label if isinstance(label, str) else json.dumps(label)


def line(document):
    """Return a document as one line of JSON, keys in the order given."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def page(document):
    """Return a document as JSON for people to read, ending in a newline."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"

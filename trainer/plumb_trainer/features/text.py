"""Numbers of a text: how long it is, and what is in it."""

import re

import numpy as np

from plumb_trainer.features.base import TextTransformer, columns_of

# Only ASCII, and nothing that is searched for twice: the same in Python and JavaScript, in time that grows with the text alone.
NAMED_PATTERNS = {
    "digit": r"[0-9]",
    "uppercase": r"[A-Z]",
    "lowercase": r"[a-z]",
    "space": r"[ \t\n\r]",
    "punctuation": r"[!-/:-@\[-`{-~]",
    "non_ascii": r"[^\x00-\x7f]",
    "email": r"[A-Za-z0-9._%+-]@[A-Za-z0-9-]+\.[A-Za-z]",
    "url": r"https?://[A-Za-z0-9]",
}
PLACES = ("contains", "starts_with", "ends_with")


class TextLength(TextTransformer):
    """The length of each text, in code points, as Python's ``len`` counts.

    Notes
    -----
    A missing text has a missing length, an empty one 0. Nothing is normalised: an e and a combining accent are two. Served by
    ``text_length``.

    Examples
    --------
    >>> from plumb_trainer.features import TextLength
    >>> TextLength().fit_transform([["three"], [""]])
    array([[5.],
           [0.]])
    """

    def _learn(self, X):
        self._texts(X)

    def _compute(self, X):
        return columns_of([[np.nan if text is None else float(len(text)) for text in texts] for texts in self._texts(X)], len(X))

    def _names(self, names):
        return [f"{name}_length" for name in names]


class TextPattern(TextTransformer):
    """1 where a text has something in it, else 0: a column for each text column and pattern.

    Parameters
    ----------
    patterns : sequence of str or dict
        A name: ``digit``, ``uppercase``, ``lowercase``, ``space``, ``punctuation`` (all of ASCII), ``non_ascii``, ``email`` or ``url``
        (anything that looks like one). Or a text to look for: ``{"contains": "sale"}``, ``{"starts_with": "AB-"}``,
        ``{"ends_with": "!"}``.

    Notes
    -----
    A missing text gives NaN. Upper and lower case differ. Regular expressions are refused: Python and JavaScript read them in
    different ways. Served by ``text_pattern``.

    Examples
    --------
    >>> from plumb_trainer.features import TextPattern
    >>> TextPattern(["digit", {"contains": "sale"}]).fit_transform([["50 off"], ["on sale"]])
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self, patterns):
        self.patterns = patterns

    def _learn(self, X):
        if isinstance(self.patterns, str | dict) or len(self.patterns) == 0:
            raise ValueError(f"TextPattern: expected a list of patterns, got {self.patterns!r}")
        for pattern in self.patterns:
            if not _is_pattern(pattern):
                raise ValueError(
                    f"TextPattern: expected one of {', '.join(NAMED_PATTERNS)}, or a text as {{'contains': 'sale'}} (or starts_with, "
                    f"ends_with), got {pattern!r}; a regular expression means other things in Python and JavaScript"
                )
        self._texts(X)

    def _compute(self, X):
        columns = []
        for texts in self._texts(X):
            for pattern in self.patterns:
                has = _test_of(pattern)
                columns.append([np.nan if text is None else float(has(text)) for text in texts])
        return columns_of(columns, len(X))

    def _names(self, names):
        return [f"{name}_{_name_of(pattern)}" for name in names for pattern in self.patterns]


def _is_pattern(pattern):
    if isinstance(pattern, str):
        return pattern in NAMED_PATTERNS
    if not isinstance(pattern, dict) or len(pattern) != 1:
        return False
    ((place, text),) = pattern.items()
    return place in PLACES and isinstance(text, str) and text != ""


def _test_of(pattern):
    if isinstance(pattern, str):
        return lambda text: re.search(NAMED_PATTERNS[pattern], text) is not None
    ((place, searched),) = pattern.items()
    return {
        "contains": lambda text: searched in text,
        "starts_with": lambda text: text.startswith(searched),
        "ends_with": lambda text: text.endswith(searched),
    }[place]


def _name_of(pattern):
    return pattern if isinstance(pattern, str) else "_".join(next(iter(pattern.items())))

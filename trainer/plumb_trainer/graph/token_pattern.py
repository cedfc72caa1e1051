"""Token patterns of vectorizers, as the graph holds them: what Python's own parser made of a pattern, in a few closed forms.

Python and JavaScript read patterns differently, so no pattern crosses as text. ``preprocessing/text/token-pattern.ts`` reads these forms.
"""

import re
from re import _constants as sre
from re import _parser

_CLASSES = {
    sre.CATEGORY_WORD: "word",
    sre.CATEGORY_DIGIT: "digit",
    sre.CATEGORY_SPACE: "space",
    sre.CATEGORY_NOT_WORD: "not_word",
    sre.CATEGORY_NOT_DIGIT: "not_digit",
    sre.CATEGORY_NOT_SPACE: "not_space",
}
_PLACES = {
    sre.AT_BOUNDARY: "boundary",
    sre.AT_NON_BOUNDARY: "not_boundary",
    sre.AT_BEGINNING: "start",
    sre.AT_BEGINNING_STRING: "start",
    sre.AT_END: "end",
}
_TIMES_MAX = 1000
_LINE_FEED = 10


def token_pattern_form(pattern):
    r"""Return a token pattern as the graph holds it.

    Parameters
    ----------
    pattern : str
        As ``re.compile`` takes it.

    Returns
    -------
    dict
        ``{"word_run": n}`` for runs of word characters of at least n, which is what the default ``(?u)\b\w\w+\b`` means; else
        ``{"parts": [...]}``.

    Raises
    ------
    ValueError
        For what the two languages don't do alike, with the part that isn't.
    """
    parsed = _parser.parse(pattern)
    if parsed.state.flags & ~(re.UNICODE | re.VERBOSE):
        raise ValueError("its token_pattern sets flags; spell out what they mean, as in [Aa] for an a in any case")
    if parsed.getwidth()[0] == 0:
        raise ValueError("its token_pattern can match an empty text; make it match one character at least")
    run = _word_run(list(parsed))
    return {"parts": _parts(parsed, False)} if run is None else {"word_run": run}


def _word_run(items):
    boundary = (sre.AT, sre.AT_BOUNDARY)
    word = (sre.IN, [(sre.CATEGORY, sre.CATEGORY_WORD)])
    items = items[items[:1] == [boundary] :]
    items = items[: len(items) - (items[-1:] == [boundary])]
    length, is_open = 0, False
    for kind, value in items:
        if (kind, value) == word:
            length += 1
        elif kind is sre.MAX_REPEAT and value[1] is sre.MAXREPEAT and list(value[2]) == [word]:
            length, is_open = length + value[0], True
        else:
            return None
    return length if is_open and 1 <= length <= _TIMES_MAX else None


def _parts(items, is_repeated):
    return [part for kind, value in items for part in _part(kind, value, is_repeated)]


def _part(kind, value, is_repeated):
    if kind in (sre.LITERAL, sre.NOT_LITERAL):
        return [{"one_of": [[value, value]], **({"negate": True} if kind is sre.NOT_LITERAL else {})}]
    if kind is sre.ANY:
        return [{"one_of": [[_LINE_FEED, _LINE_FEED]], "negate": True}]
    if kind is sre.IN:
        return [_one_of(value)]
    if kind is sre.AT and value in _PLACES:
        return [{"at": _PLACES[value]}]
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return [_repeat(kind, *value)]
    if kind is sre.BRANCH:
        return [{"either": [_parts(branch, is_repeated) for branch in value[1]]}]
    if kind is sre.SUBPATTERN:
        group, added, removed, inner = value
        if added or removed:
            raise ValueError("its token_pattern sets flags; spell out what they mean, as in [Aa] for an a in any case")
        if group is None:
            return _parts(inner, is_repeated)
        if is_repeated:
            raise ValueError("its token_pattern repeats a capturing group; write (?:...) for it")
        return [{"group": _parts(inner, is_repeated)}]
    raise ValueError(f"its token_pattern has {str(kind).lower()}, which JavaScript does otherwise; write the pattern without it")


def _one_of(items):
    negated = bool(items) and items[0][0] is sre.NEGATE
    members = []
    for kind, value in items[negated:]:
        if kind is sre.CATEGORY:
            members.append(_CLASSES[value])
        else:
            members.append([value, value] if kind is sre.LITERAL else list(value))
    return {"one_of": members, **({"negate": True} if negated else {})}


def _repeat(kind, least, most, inner):
    if inner.getwidth()[0] == 0:
        raise ValueError("its token_pattern repeats what can be empty; make it match one character at least")
    if least > _TIMES_MAX or (most is not sre.MAXREPEAT and most > _TIMES_MAX):
        raise ValueError(f"its token_pattern repeats a part more than {_TIMES_MAX} times")
    form = {"repeat": _parts(inner, True), "min": int(least), "max": None if most is sre.MAXREPEAT else int(most)}
    return form | ({"lazy": True} if kind is sre.MIN_REPEAT else {})

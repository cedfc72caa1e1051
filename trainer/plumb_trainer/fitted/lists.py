"""Lists in the DataFrame that comes with a fitted pipeline: what they hold, and how long they must be."""

from dataclasses import replace

import numpy as np

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.features.base import is_missing
from plumb_trainer.fitted.values import check_numbers, class_of, common_kind, kind_of, plain
from plumb_trainer.recipe.document import LIST_TYPES, SIZE_WORDS


def is_list(value):
    """Tell whether a cell is a list: Python's own, a tuple, or an array."""
    return isinstance(value, list | tuple | np.ndarray)


def read_lists(where, cells):
    """Return the type of a column of lists, and its values as callers send them.

    Parameters
    ----------
    where : str
        The column, for messages.
    cells : list
        None where missing.

    Returns
    -------
    (str, list)
        One of `LIST_TYPES`; lists of plain Python values, None where missing.

    Raises
    ------
    TrainerError
        For a cell that is no list, and for items that are missing, lists themselves, of several types, or that JSON has no form for.
    """
    rows = [(f"{where}, row {row}", cell) for row, cell in enumerate(cells, start=1)]
    lists = [None if cell is None else _items(place, cell) for place, cell in rows]
    kinds = {}
    for (place, _), items in zip(rows, lists, strict=True):
        for item in items or []:
            kinds.setdefault(kind_of(place, item), place)
    if not kinds:
        raise TrainerError(f"{where}: every list is empty, so nothing says what its items are; take it out of X and of the pipeline")
    kind = common_kind(kinds)
    if kind is None:
        (first, _), (second, place), *_ = kinds.items()
        raise TrainerError(f"{place}: its list holds items of type {second}, where others hold type {first}; make them one, and fit again")
    for (place, _), items in zip(rows, lists, strict=True):
        check_numbers(place, kind, items or [])
    return next(name for name, item in LIST_TYPES.items() if item == kind), lists


def _items(place, cell):
    if not is_list(cell):
        raise TrainerError(f"{place}: it holds {class_of(cell)}, where other rows hold lists; make it a list of one item, and fit again")
    items = [plain(item) for item in cell]
    for index, item in enumerate(items, start=1):
        if is_list(item):
            raise TrainerError(
                f"{place}: item {index} of its list is a list itself; give each inner list a column of its own, and fit again"
            )
        if is_missing(item):
            raise TrainerError(
                f"{place}: item {index} of its list is missing, which no step takes; leave it out, or fill it in, and fit again"
            )
    return items


def asked_sizes(name, kind, override):
    """Return what the caller of `export_bundle` asks of the lengths of a feature's lists: ``minItems`` and ``maxItems``."""
    sizes = {key: override[key] for key in SIZE_WORDS if key in override}
    if sizes and kind not in LIST_TYPES:
        raise TrainerError(f"schema, {quote(name)}: {next(iter(sizes))} is for lists, and its values are of type {kind}")
    for key, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise TrainerError(f"schema, {quote(name)}: expected {key} to be a whole number from 0 up, got {size!r}")
    if sizes.get("minItems", 0) > sizes.get("maxItems", np.inf):
        raise TrainerError(f"schema, {quote(name)}: minItems is over maxItems, so that no list can be sent")
    return sizes


def sized_features(given):
    """Return the features of a pipeline, lists with the fewest items that it takes, where it raises on fewer.

    Parameters
    ----------
    given : FittedPipeline

    Returns
    -------
    tuple of Column

    Raises
    ------
    TrainerError
        Where a list of the data is too short or too long.
    """
    return tuple(_sized(given, feature) if feature.item_type else feature for feature in given.recipe.features)


def _sized(given, feature):
    name = feature.name
    rows = [(number, row) for number, row in enumerate(given.rows, start=1) if row[name] is not None]
    for number, row in rows:
        if not feature.admits(row[name]):
            raise TrainerError(
                f"column {quote(name)}, row {number}: its list has {_count(len(row[name]))}, where schema asks for "
                f"{' and '.join(feature.demands())}; leave the row out, or change minItems and maxItems"
            )
    longest = max((row for _, row in rows), key=lambda row: len(row[name]))
    least = _least_items(given, name, longest)
    shorter = [(number, row) for number, row in rows if len(row[name]) < least]
    refused = given.refusals([row for _, row in shorter])
    for (number, row), is_refused in zip(shorter, refused, strict=True):
        # With another list it is taken, whatever else is in the row.
        if is_refused and not given.refusals([{**row, name: longest[name]}])[0]:
            raise TrainerError(
                f"column {quote(name)}, row {number}: its list has {_count(len(row[name]))}, and the pipeline raises on fewer than "
                f"{least}; leave the row out, or let a SimpleImputer fill in what a RowWindow has too few items for"
            )
    least = min([least, *(len(row[name]) for _, row in shorter)])
    least = max(least, feature.ranges.get("minItems", 0))
    return replace(feature, ranges={**feature.ranges, **({"minItems": least} if least else {})})


def _least_items(given, name, row):
    """Return the fewest of the last items of a row's list with which the pipeline takes the row: with more it does too."""
    items = row[name]
    if given.refusals([row])[0]:
        return 0
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if given.refusals([{**row, name: items[len(items) - middle :]}])[0]:
            low = middle + 1
        else:
            high = middle
    return low


def _count(number):
    return f"{number} item" if number == 1 else f"{number} items"

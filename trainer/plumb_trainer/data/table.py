"""Reads the training data and refuses it where a single value is not what the recipe says.

A model that learns from a price of "n/a" read as 0 is wrong without a sign of it, so nothing is guessed or repaired here:
each fault is a sentence with its row and column, and the run stops.
"""

import datetime
import re
from dataclasses import dataclass

import numpy as np

from plumb_trainer.data.sources import read_source
from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.numbers.json_form import INTEGER_MAX

# More faults than this are counted, not listed: a shifted column is wrong in every row.
FAULTS_SHOWN = 20

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# What spreadsheets and pandas write where a number is missing. In a text column only the empty text is.
_MISSING = {"", "na", "n/a", "nan", "null", "none"}


@dataclass(frozen=True)
class Table:
    """The data, checked.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,)
        Features and target: float64 for numbers, int64 for integers, bool for booleans, object (str) for strings.
    times : list of str or None
        The time column as the file has it, strictly increasing; None where there is none.
    sha256 : str
        Of the file's bytes.
    """

    columns: dict
    times: list | None
    sha256: str

    @property
    def row_count(self):
        return len(next(iter(self.columns.values())))


def read_table(recipe):
    """Read and check the recipe's data.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    Table

    Raises
    ------
    TrainerError
        With a sentence for each value that is missing, of another type, out of range, out of order or a duplicate.
    """
    source = read_source(recipe)
    file, header, rows = source.name, source.header, source.rows
    _check_shape(recipe, file, header, rows)

    faults = []
    columns = {}
    for column in (*recipe.features, recipe.target):
        cells = [cells[header.index(column.name)] for cells in rows]
        columns[column.name] = _parse_column(column, cells, file, faults)
    times = None if recipe.time is None else [cells[header.index(recipe.time)] for cells in rows]
    if times is not None:
        _check_times(times, f'column "{recipe.time}"', file, faults)
    hidden = {feature.name for feature in recipe.features if feature.pii}
    _check_keys(recipe.key, [[cells[header.index(name)] for name in recipe.key] for cells in rows], file, faults, hidden)
    if len(faults) > FAULTS_SHOWN:
        faults[FAULTS_SHOWN:] = [f"{file}: {len(faults) - FAULTS_SHOWN} more faults like these"]
    if faults:
        raise TrainerError(*faults)
    return Table(columns, times, source.sha256)


def _check_shape(recipe, file, header, rows):
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TrainerError(f"{file}: expected each column once, got {', '.join(map(quote, twice))} again")
    times = [] if recipe.time is None else [recipe.time]
    needed = dict.fromkeys([*times, *recipe.key, *(feature.name for feature in recipe.features), recipe.target.name])
    absent = [name for name in needed if name not in header]
    if absent:
        raise TrainerError(
            *(f'{file}: expected a column "{name}", got {", ".join(map(quote, header)) or "an empty file"}' for name in absent)
        )
    ragged = [(row, len(cells)) for row, cells in enumerate(rows, start=1) if len(cells) != len(header)]
    if ragged:
        raise TrainerError(*(f"{file}, row {row}: expected {len(header)} values, got {count}" for row, count in ragged[:FAULTS_SHOWN]))


def _parse_column(column, cells, file, faults):
    dtype = {"number": np.float64, "integer": np.int64, "boolean": np.bool_, "string": object}[column.type]
    values = np.zeros(len(cells), dtype=dtype)
    for index, cell in enumerate(cells):
        value, expected = _parse(column, cell)
        if expected is None and column.labels and value not in column.labels:
            expected = f"one of {', '.join(map(str, column.labels))}"
        if expected is None:
            values[index] = value
            continue
        # Personal data is not repeated, in messages neither.
        got = "a missing value" if value is None else "another value" if column.pii else quote(cell)
        faults.append(f'{file}, row {index + 1}, column "{column.name}": expected {expected}, got {got}')
    return values


def _parse(column, cell):
    """Return (value, None), or (None, expected) for a missing value, or (cell, expected) for a wrong one."""
    expected = {"number": "a number", "integer": "an integer", "boolean": "true or false", "string": "a text"}[column.type]
    text = cell if column.type == "string" else cell.strip()
    if text == "" or (column.type != "string" and text.lower() in _MISSING):
        return None, expected
    if column.type == "string":
        return (text, None) if "\0" not in text else (text, "a text without NUL")
    if column.type == "boolean":
        return (text.lower() == "true", None) if text.lower() in ("true", "false") else (text, expected)
    if not _NUMBER.fullmatch(text):
        return text, expected
    # Python rounds decimals correctly, as JSON parsers do; pandas' default does not.
    value = float(text)
    if not np.isfinite(value):
        return text, "a number that a float64 holds"
    if column.type == "integer":
        if not value.is_integer() or abs(value) > INTEGER_MAX:
            return text, "an integer of at most 2^53 - 1"
        value = int(value)
    if not column.admits(value):
        return text, f"a value {' and '.join(column.demands())}"
    return value, None


def _check_times(times, where, file, faults):
    previous = None
    for row, text in enumerate(times, start=1):
        place = f"{file}, row {row}, {where}"
        if text.strip().lower() in _MISSING:
            faults.append(f"{place}: expected a date, got a missing value")
            continue
        try:
            time = datetime.datetime.fromisoformat(text)
        except ValueError:
            faults.append(f"{place}: expected a date such as 2022-01-31, got {quote(text)}")
            continue
        if previous is not None and (time.tzinfo is None) != (previous[0].tzinfo is None):
            faults.append(f"{place}: expected all times with an offset or none, got {quote(text)} after {quote(previous[1])}")
        elif previous is not None and time <= previous[0]:
            faults.append(f"{place}: expected a date after the row before's, {quote(previous[1])}, got {quote(text)}")
        previous = (time, text)


def _check_keys(names, keys, file, faults, hidden):
    if not names:
        return
    first_rows = {}
    columns = ", ".join(f'"{name}"' for name in names)
    for row, key in enumerate(map(tuple, keys), start=1):
        first = first_rows.setdefault(key, row)
        if first != row:
            shown = "one" if hidden.intersection(names) else ", ".join(map(quote, key))
            faults.append(f"{file}, row {row}, column {columns}: expected a key that no other row has, got {shown} as in row {first}")

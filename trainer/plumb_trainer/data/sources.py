"""Where training data comes from: a CSV file, or a data set that scikit-learn ships. Both are rows of text cells, which `table` checks."""

import csv
import hashlib
import io
from dataclasses import dataclass

from sklearn.datasets import load_breast_cancer, load_digits

from plumb_trainer.errors import TrainerError


@dataclass(frozen=True)
class Source:
    """Data as text.

    Parameters
    ----------
    name : str
        For messages.
    header : list of str
    rows : list of list of str
    sha256 : str
        Of the file's bytes.
    """

    name: str
    header: list
    rows: list
    sha256: str


def read_source(recipe):
    """Return a recipe's data.

    Raises
    ------
    TrainerError
        Where the file can't be read, or isn't CSV in UTF-8.
    """
    return _read_csv(recipe.data_file) if recipe.dataset is None else _read_dataset(recipe.dataset)


def _read_csv(file):
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise TrainerError(f"{file}: the data can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TrainerError(f"{file}: expected text in UTF-8, got another byte at position {error.start}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        rows = [cells for cells in reader if cells]
    except csv.Error as error:
        raise TrainerError(f"{file}, line {reader.line_num}: not valid CSV: {error}") from error
    return Source(str(file), header, rows, hashlib.sha256(content).hexdigest())


def _breast_cancer():
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    return [*names, "diagnosis"], data.data, [str(data.target_names[index]) for index in data.target]


def _digits():
    data = load_digits()
    return [*(str(name) for name in data.feature_names), "digit"], data.data, [str(digit) for digit in data.target]


# By name: a function that gives the header, the features, and the target as text.
DATASETS = {"breast_cancer": _breast_cancer, "digits": _digits}


def _read_dataset(name):
    header, features, target = DATASETS[name]()
    # Python's shortest form of a float reads back to the same bits.
    rows = [[*map(repr, values), label] for values, label in zip(features.tolist(), target, strict=True)]
    content = "".join(f"{','.join(cells)}\n" for cells in [header, *rows])
    return Source(f"scikit-learn's {name}", header, rows, hashlib.sha256(content.encode()).hexdigest())

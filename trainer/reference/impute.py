"""Cases of what fills in missing values."""

from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from reference.frame import case
from reference.rows import EDGES, column, one, random_numbers


def cases():
    """Every strategy, over numbers and strings, with indicators and empty columns."""
    types = {"a": "number", "b": "number", "c": "number"}
    training = random_numbers(1, 25, 3)
    served = [[edge, edges, 1.0] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for strategy in ("mean", "median", "most_frequent"):
        yield f"imputer-{strategy}", case(types, training, served, SimpleImputer(strategy=strategy))
    constant = SimpleImputer(strategy="constant", fill_value=-0.0)
    yield "imputer-constant", case(types, training, served, constant)
    yield "imputer-indicator", case(types, [[*row[:2], 1.5] for row in training], served, SimpleImputer(add_indicator=True))

    complete = [[0.5 if value is None else value for value in row] for row in training]
    yield "imputer-indicator-of-nothing", case(types, complete, served, SimpleImputer(add_indicator=True))

    empty = [[row[0], None, row[2]] for row in training]
    for keep in (False, True):
        imputer = SimpleImputer(add_indicator=True, keep_empty_features=keep)
        yield f"imputer-empty-column-{'kept' if keep else 'dropped'}", case(types, empty, served, imputer)
    placeholder = [[-1.0 if value is None else value for value in row] for row in training]
    imputer = SimpleImputer(missing_values=-1, add_indicator=True)
    yield "imputer-placeholder", case(types, placeholder, [*served, [-1.0, -1.0, None]], imputer)

    types = {"city": "string", "size": "string"}
    training = [["Oslo", "s"], ["", None], ["Oslo", "m"], [None, ""], ["", ""], ["Rome", ""]]
    served = [[None, None], ["NaN", "null"], ["é", "é"], ["Rome ", "S"], ["\0", "1"]]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    for strategy in ("most_frequent", "constant"):
        yield f"imputer-strings-{strategy}", case(types, training, served, SimpleImputer(strategy=strategy), encoder)
    for keep in (False, True):
        imputer = SimpleImputer(strategy="most_frequent", keep_empty_features=keep)
        empty = [[city, None] for city, _ in training]
        yield f"imputer-strings-empty-{'kept' if keep else 'dropped'}", case(types, empty, served, imputer, encoder)
    # Indicators of a string column are booleans among strings in scikit-learn; the encoder behind sees True and False.
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=True)
    yield "imputer-strings-indicator", case(types, training, served, imputer, encoder)
    booleans = column(True, False, None, True)
    imputer = SimpleImputer(strategy="most_frequent", add_indicator=True)
    yield "imputer-booleans", case(one("boolean"), booleans, column(False), imputer, encoder)
    # In a column that never had a value, what is left is the mark of a missing one.
    constant = SimpleImputer(strategy="constant", fill_value="none", keep_empty_features=True)
    yield "imputer-strings-empty-constant", case({"size": "string"}, column(None, None), column("s"), constant, encoder)
    yield from indicator_cases()


def indicator_cases():
    """MissingIndicator as a step of its own, over numbers and strings."""
    types = {"a": "number", "b": "number", "c": "number"}
    training = [[a, 0.5 if b is None else b, c] for a, b, c in random_numbers(7, 25, 3)]
    served = [[edge, edges, 1.0] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for features in ("missing-only", "all"):
        for error_on_new in (True, False):
            indicator = MissingIndicator(features=features, error_on_new=error_on_new)
            name = f"indicator-{features}{'' if error_on_new else '-new-ones-too'}"
            yield name, case(types, training, served, indicator)
    yield "indicator-sparse", case(types, training, served, MissingIndicator(sparse=True))
    placeholder = [[-1.0 if value is None else value for value in row] for row in training]
    for error_on_new in (True, False):
        indicator = MissingIndicator(missing_values=-1, error_on_new=error_on_new)
        name = f"indicator-placeholder{'' if error_on_new else '-new-ones-too'}"
        yield name, case(types, placeholder, [*served, [-1.0, -1.0, 0.0]], indicator)
    types = {"city": "string", "size": "string", "code": "string"}
    training = [["Oslo", "s", "x"], ["", None, "y"], [None, "m", "z"], [None, "", "None"]]
    served = [["nan", "s", None], [None, None, ""], ["a", "b", "null"]]
    yield "indicator-strings", case(types, training, served, MissingIndicator())
    yield "indicator-strings-all", case(types, training, served, MissingIndicator(features="all"))

"""Cases of what scales numbers."""

from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from parity.frame import case
from parity.rows import EDGES, column, one, random_numbers


def cases():
    """Both scalers, on columns without variance, of tiny and of huge numbers."""
    types = {"a": "number", "b": "number", "constant": "number", "c": "number"}
    training = [[a, b, 3.7, c] for a, b, c in random_numbers(2, 60, 3)]
    served = [[edge, -1.5, 4.0, edges] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    for with_mean in (True, False):
        for with_std in (True, False):
            name = f"standard{'' if with_mean else '-no-mean'}{'' if with_std else '-no-std'}"
            yield name, case(types, training, served, StandardScaler(with_mean=with_mean, with_std=with_std))
    yield "standard-chained", case(types, training, served, SimpleImputer(), StandardScaler(), StandardScaler())
    yield "min-max", case(types, training, served, MinMaxScaler())
    yield "min-max-range-clipped", case(types, training, served, MinMaxScaler(feature_range=(-3.1, 2.7), clip=True))
    yield "min-max-clipped-at-zero", case(one("number"), column(0.0, 4.0), column(*EDGES), MinMaxScaler(clip=True))
    types = {"n": "integer", "flag": "boolean"}
    training = [[5, True], [7, False], [-3, True], [0, True]]
    yield "standard-integers-booleans", case(types, training, [[2**40, False]], StandardScaler())

"""Cases of what puts numbers into bins."""

import numpy as np
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, StandardScaler

from reference.frame import case, frame, graph_case
from reference.rows import EDGES, INF, random_numbers


def cases():
    """Binarizer, and KBinsDiscretizer with every way to choose and to write its bins."""
    types = {"a": "number", "b": "number", "constant": "number", "n": "integer"}
    training = [[a, b, 3.7, index % 9] for index, (a, b) in enumerate(random_numbers(31, 80, 2, missing=0))]
    served = [[edge, edges, 4.0, 2**40] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    served += [[0.1, 0.1, -4.0, -(2**40)]]
    for threshold in (0.0, -0.0, 0.1, -3):
        yield f"binarizer-{threshold}", case(types, training, served, Binarizer(threshold=threshold))
    for encode in ("onehot", "onehot-dense", "ordinal"):
        for strategy in ("uniform", "quantile", "kmeans"):
            bins = KBinsDiscretizer(4, encode=encode, strategy=strategy, random_state=0)
            fitted = bins.fit(frame(types, training))
            # On the edges themselves, and beside them.
            edges = [float(value) for edge in fitted.bin_edges_[0] for value in (edge, np.nextafter(edge, -INF), np.nextafter(edge, INF))]
            rows = training[:20] + served + [[edge, 0.5, 3.7, 4] for edge in edges]
            yield f"k-bins-{strategy}-{encode}", graph_case(types, fitted, rows)
    yield "k-bins-scaled", case(types, training, served, KBinsDiscretizer(3, strategy="uniform"), StandardScaler(with_mean=False))

"""Operators of our own transformers, `plumb_trainer.features`."""

from plumb_trainer import features
from plumb_trainer.graph.operators.core import Operator, feature_count
from plumb_trainer.numbers.json_form import number_form, number_forms


def _no_params(_):
    return {}


def _one_less(transformer):
    return int(transformer.n_features_in_) - 1


def _of_texts(params):
    """Return the same params, for columns of text only."""

    def checked(transformer, texts):
        if not all(texts):
            raise ValueError("it reads texts, but a feature here is no string; give the feature the type string")
        return params(transformer)

    return checked


def _date_parts_params(dates):
    zone = {} if dates.time_zone is None else {"time_zone": dates.time_zone}
    return {"parts": list(dates.parts), "format": dates.format, **zone}


def _clip_params(clip):
    return {"lower": number_forms(clip.lower_), "upper": number_forms(clip.upper_)}


def _buckets_params(buckets):
    return {"edges": [number_forms(edges) for edges in buckets.edges_], "right": bool(buckets.right)}


def _row_window_params(window):
    size = {} if window.window is None else {"window": int(window.window)}
    return {"statistics": list(window.statistics), **size, "min_items": int(window.min_items_), "ddof": int(window.ddof)}


def _yeo_johnson_params(powers):
    mean, scale = (None if learnt is None else number_forms(learnt) for learnt in (powers.mean_, powers.scale_))
    return {"lambdas": number_forms(powers.lambdas_), "mean": mean, "scale": scale}


def _of_each(attribute):
    return lambda transformer: int(transformer.n_features_in_) * len(getattr(transformer, attribute))


OPERATORS = {
    features.DateParts: Operator("date_parts", _of_texts(_date_parts_params), _of_each("parts"), reads_kinds=True),
    features.Cyclic: Operator("cyclic", lambda cyclic: {"period": number_form(cyclic.period)}, lambda cyclic: 2 * feature_count(cyclic)),
    features.Ratio: Operator("ratio", _no_params, _one_less),
    features.Difference: Operator("difference", _no_params, _one_less),
    features.Product: Operator("product", _no_params, lambda _: 1),
    features.Cross: Operator("cross", _no_params, lambda _: 1, kinds=lambda *_: (True,)),
    features.Clip: Operator("clip", _clip_params, feature_count),
    features.Buckets: Operator("buckets", _buckets_params, feature_count),
    features.RowWindow: Operator(
        "row_window", _row_window_params, _of_each("statistics"), reads_lists=("numbers", "booleans")
    ),
    features.TextLength: Operator("text_length", _of_texts(_no_params), feature_count, reads_kinds=True),
    features.TextPattern: Operator(
        "text_pattern", _of_texts(lambda pattern: {"patterns": list(pattern.patterns)}), _of_each("patterns"), reads_kinds=True
    ),
    features.PortableLog: Operator("portable_log", lambda log: {"function": log.function}, feature_count),
    features.PortableYeoJohnson: Operator("portable_yeo_johnson", _yeo_johnson_params, feature_count),
}

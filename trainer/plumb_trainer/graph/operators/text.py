"""Operators that turn texts into numbers: counts of words and characters, their weights, and hashes."""

import unicodedata

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer

from plumb_trainer.features.column_hasher import ColumnHasher
from plumb_trainer.graph.operators.core import Operator, feature_count
from plumb_trainer.graph.token_pattern import token_pattern_form
from plumb_trainer.numbers.json_form import number_forms
from plumb_trainer.portable import log

# What preprocessing/text/unicode-tables.ts knows: Python 3.11, 3.12 and 3.13.
UNICODE_VERSIONS = ("14.0.0", "15.0.0", "15.1.0")
# Rows are dense where a model takes them.
WIDTH_MAX = 65_536
# Counts up to this one have NumPy's own logarithm, larger ones the portable one.
COUNT_MAX = 65_536
GRAM_MAX = 100


def _analyzer_params(vectorizer):
    if unicodedata.unidata_version not in UNICODE_VERSIONS:
        raise ValueError(
            f"this Python knows Unicode {unicodedata.unidata_version}, and texts can be served as Unicode "
            f"{', '.join(UNICODE_VERSIONS)} has them; fit with Python 3.11, 3.12 or 3.13"
        )
    if vectorizer.input != "content":
        raise ValueError(f'input="{vectorizer.input}" reads files; fit on the texts themselves')
    for name in ("analyzer", "tokenizer", "preprocessor", "strip_accents"):
        if callable(getattr(vectorizer, name)):
            raise ValueError(
                f"its {name} is a Python function; use scikit-learn's own, or FeatureHasher where each row has a list of tokens"
            )
    if vectorizer.ngram_range[1] > GRAM_MAX:
        raise ValueError(f"its ngram_range ends over {GRAM_MAX}")
    params = {
        "unicode": unicodedata.unidata_version,
        "analyzer": vectorizer.analyzer,
        "ngram_range": [int(length) for length in vectorizer.ngram_range],
        "lowercase": bool(vectorizer.lowercase),
    }
    if vectorizer.strip_accents:
        params["strip_accents"] = vectorizer.strip_accents
    if vectorizer.analyzer == "word":
        params["token_pattern"] = token_pattern_form(vectorizer.token_pattern)
        stop_words = vectorizer.get_stop_words()
        if stop_words:
            params["stop_words"] = sorted(_writable(word) for word in stop_words)
    return params


def _writable(term):
    try:
        term.encode()
    except (AttributeError, UnicodeEncodeError) as error:
        raise ValueError(f"the term {term!r} is no text that JSON can hold; take it out before fitting") from error
    return str(term)


def _count_params(vectorizer):
    if not hasattr(vectorizer, "vocabulary_"):
        raise ValueError("it isn't fitted")
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
    _refuse_width(len(terms), "max_features")
    params = _analyzer_params(vectorizer) | {"vocabulary": [_writable(term) for term in terms]}
    return params | ({"binary": True} if vectorizer.binary else {})


def _count_vectorizer_params(vectorizer):
    _refuse_small(vectorizer.dtype)
    return _count_params(vectorizer)


def _refuse_small(dtype):
    dtype = np.dtype(dtype)
    if not (dtype == np.float64 or dtype in (np.int32, np.int64)):
        raise ValueError(f"dtype={dtype.name} is too small for counts or what is computed of them; set dtype=float64")


def _weight_params(transformer):
    params = {"norm": transformer.norm, "idf": number_forms(transformer.idf_) if transformer.use_idf else None}
    if transformer.sublinear_tf:
        counts = np.arange(1.0, COUNT_MAX + 1)
        logs = np.log(counts)
        other = logs != log(counts)
        corrections = {"counts": counts[other].astype(int).tolist(), "logs": number_forms(logs[other])}
        params |= {"sublinear_tf": True, "log_corrections": corrections}
    return params


def _tfidf_vectorizer_params(vectorizer):
    if np.dtype(vectorizer.dtype) != np.float64:
        raise ValueError(f"dtype={np.dtype(vectorizer.dtype).name} weighs in another precision; set dtype=float64")
    return _count_params(vectorizer) | _weight_params(vectorizer)


def _hash_params(hasher):
    _refuse_width(hasher.n_features, "n_features")
    return {"n_features": int(hasher.n_features), "alternate_sign": bool(hasher.alternate_sign)}


def _hashing_vectorizer_params(vectorizer):
    if np.dtype(vectorizer.dtype) != np.float64:
        raise ValueError(f"dtype={np.dtype(vectorizer.dtype).name} adds up in another precision; set dtype=float64")
    params = _analyzer_params(vectorizer) | _hash_params(vectorizer) | {"norm": vectorizer.norm}
    return params | ({"binary": True} if vectorizer.binary else {})


def _column_hasher_params(hasher, texts):
    # SciPy adds what shares a column in an order that it keeps up to 16 values; ones are the same in any order.
    if len(texts) > 16 and not all(texts):
        raise ValueError(f"it adds numbers of {len(texts)} columns in no certain order; give it 16 columns at most, or texts only")
    return _hash_params(hasher) | {"names": [_writable(name) for name in hasher.feature_names_in_]}


def _token_hasher_params(hasher):
    refuse_records(hasher)
    _refuse_small(hasher.dtype)
    return _hash_params(hasher)


def refuse_records(hasher):
    """Raise ValueError where a FeatureHasher reads dicts or pairs, which no feature of a row can be."""
    if hasher.input_type != "string":
        rows = {"dict": "a dict", "pair": "a list of pairs"}[hasher.input_type]
        raise ValueError(
            f'input_type="{hasher.input_type}" reads {rows} per row, which no feature is; give each key a column of its own, and fit '
            'plumb_trainer.features.ColumnHasher on these in its place (lists of tokens go with input_type="string")'
        )


def _refuse_width(width, parameter):
    if width > WIDTH_MAX:
        raise ValueError(f"{width} columns are more than the {WIDTH_MAX} that a dense row may have; set {parameter}={WIDTH_MAX} or less")


def _values(_):
    return "values"


OPERATORS = {
    CountVectorizer: Operator(
        "count_vectorizer",
        _count_vectorizer_params,
        lambda vectorizer: len(vectorizer.vocabulary_),
        reads_series=True,
        sparse=_values,
    ),
    TfidfVectorizer: Operator(
        "tfidf_vectorizer",
        _tfidf_vectorizer_params,
        lambda vectorizer: len(vectorizer.vocabulary_),
        reads_series=True,
        sparse=_values,
    ),
    TfidfTransformer: Operator("tfidf_transformer", _weight_params, feature_count, sparse=_values, takes_sparse=True),
    HashingVectorizer: Operator(
        "hashing_vectorizer", _hashing_vectorizer_params, lambda vectorizer: vectorizer.n_features, reads_series=True, sparse=_values
    ),
    FeatureHasher: Operator(
        "token_hasher",
        _token_hasher_params,
        lambda hasher: hasher.n_features,
        reads_series=True,
        reads_lists=("strings",),
        sparse=_values,
    ),
    ColumnHasher: Operator(
        "feature_hasher", _column_hasher_params, lambda hasher: hasher.n_features, reads_kinds=True, sparse=_values
    ),
}

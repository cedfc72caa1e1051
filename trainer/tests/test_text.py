"""Vectorizers are written as the graph reads them, and what it can't do alike is refused by name, with the reason and the way out."""

import re
import sys
import unicodedata
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBRegressor

import parity_unicode
from plumb_trainer.errors import TrainerError
from plumb_trainer.features.column_hasher import ColumnHasher
from plumb_trainer.graph.export import preprocessing_document
from plumb_trainer.graph.operators.text import UNICODE_VERSIONS
from plumb_trainer.graph.row_schema import schema_document
from plumb_trainer.graph.token_pattern import token_pattern_form
from plumb_trainer.recipe.document import Column

TEXTS = ["the cat", "a dog and the cat", "dog"]
FRAME = pd.DataFrame({"t": pd.Series(TEXTS, dtype=object), "n": [1.0, 2.0, 3.0]})
FEATURES = [Column("t", "string", {}), Column("n", "number", {})]


def export(step, column="t"):
    """Return preprocessing.json of a step on one column."""
    transformer = ColumnTransformer([("text", step, column)], sparse_threshold=0).fit(FRAME)
    return preprocessing_document(transformer, FEATURES, "X", "float32")


def node(step):
    """Return the only node of a step on the texts."""
    (only,) = export(step)["nodes"]
    return only


def refusal(step, column="t"):
    """Return the sentence with which an export stops."""
    with pytest.raises(TrainerError) as caught:
        export(step, column)
    return caught.value.problems[0]


def test_words_are_written_in_order_of_their_columns():
    assert node(CountVectorizer(binary=True, strip_accents="ascii", ngram_range=(1, 2))) == {
        "id": "n1",
        "op": "count_vectorizer",
        "inputs": ["t"],
        "params": {
            "unicode": unicodedata.unidata_version,
            "analyzer": "word",
            "ngram_range": [1, 2],
            "lowercase": True,
            "strip_accents": "ascii",
            "token_pattern": {"word_run": 2},
            "vocabulary": ["and", "and the", "cat", "dog", "dog and", "the", "the cat"],
            "binary": True,
        },
    }


def test_weights_bring_the_logarithms_that_are_others_here():
    params = node(TfidfVectorizer(sublinear_tf=True, norm=None, use_idf=False))["params"]
    assert (params["norm"], params["idf"], params["sublinear_tf"]) == (None, None, True)
    corrections = params["log_corrections"]
    assert [float(log) for log in corrections["logs"]] == [float(np.log(float(count))) for count in corrections["counts"]]
    assert len(corrections["counts"]) < 1000


def test_stop_words_are_written_out():
    assert node(CountVectorizer(stop_words="english"))["params"]["stop_words"] == sorted(ENGLISH_STOP_WORDS)


def test_characters_have_no_tokens():
    params = node(HashingVectorizer(n_features=64, analyzer="char_wb", norm=None))["params"]
    assert params == {
        "unicode": unicodedata.unidata_version,
        "analyzer": "char_wb",
        "ngram_range": [1, 1],
        "lowercase": True,
        "n_features": 64,
        "alternate_sign": True,
        "norm": None,
    }


def test_a_pipeline_that_begins_with_a_vectorizer_reads_the_only_feature():
    fitted = make_pipeline(CountVectorizer(), TfidfTransformer()).fit(FRAME["t"])
    document = preprocessing_document(fitted, FEATURES[:1], "X", "float32", sparse_as_dense=True)
    assert [(each["op"], each["inputs"]) for each in document["nodes"]] == [("count_vectorizer", ["t"]), ("tfidf_transformer", ["n1"])]
    union = FeatureUnion([("a", CountVectorizer()), ("b", TfidfVectorizer())]).fit(FRAME["t"])
    assert preprocessing_document(union, FEATURES[:1], "X", "float32", sparse_as_dense=True)["outputs"][0]["shape"] == ["rows", 8]


def test_a_sparse_result_is_refused_unless_its_zeros_are_zeros():
    fitted = TfidfVectorizer().fit(FRAME["t"])
    with pytest.raises(TrainerError, match='column "t": it gives a sparse matrix, whose zeros XGBoost reads as missing'):
        preprocessing_document(fitted, FEATURES[:1], "X", "float32")


def test_a_table_is_no_text():
    fitted = ColumnTransformer([("words", CountVectorizer(), "t")]).fit(FRAME)
    # What a list gives the vectorizer is a table, of which it reads the names of the columns.
    fitted.transformers_[0] = (*fitted.transformers_[0][:2], ["t"])
    with pytest.raises(TrainerError, match=re.escape('(CountVectorizer) on column "t": it reads one column of texts')):
        preprocessing_document(fitted, FEATURES, "X", "float32", sparse_as_dense=True)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (CountVectorizer(tokenizer=str.split, token_pattern=None), "its tokenizer is a Python function; use scikit-learn's own"),
        (CountVectorizer(preprocessor=str.upper), "its preprocessor is a Python function"),
        (CountVectorizer(analyzer=str.split), "its analyzer is a Python function"),
        (TfidfVectorizer(strip_accents=str.strip), "its strip_accents is a Python function"),
        (CountVectorizer(dtype=np.uint8), "dtype=uint8 is too small for counts or what is computed of them; set dtype=float64"),
        (CountVectorizer(dtype=np.float32), "dtype=float32 is too small"),
        (TfidfVectorizer(dtype=np.float32), "dtype=float32 weighs in another precision; set dtype=float64"),
        (HashingVectorizer(dtype=np.float32, n_features=8), "dtype=float32 adds up in another precision"),
        (HashingVectorizer(), "1048576 columns are more than the 65536 that a dense row may have; set n_features=65536 or less"),
        (CountVectorizer(token_pattern="(?i)a+"), "its token_pattern sets flags"),
        (CountVectorizer(vocabulary=["a\ud800"]), "is no text that JSON can hold; take it out before fitting"),
        (make_pipeline(CountVectorizer(), StandardScaler(with_mean=False)), "a sparse matrix is computed in another order than"),
    ],
    ids=str,
)
def test_what_has_no_form_is_refused(step, sentence):
    message = refusal(step)
    assert sentence in message
    assert 'on column "t"' in message


def test_a_vocabulary_of_personal_data_is_refused():
    personal = Column("t", "string", {}, pii=True)
    for step, learns in ((TfidfVectorizer(), True), (HashingVectorizer(n_features=8), False)):
        fitted = ColumnTransformer([("text", step, "t")]).fit(FRAME[["t"]])
        recipe = SimpleNamespace(title="texts", description="", features=(personal,))
        if learns:
            with pytest.raises(TrainerError, match='feature "t" is personal data, but an encoder has learnt its values'):
                schema_document(recipe, fitted)
        else:
            assert schema_document(recipe, fitted)["properties"]["t"] == {"type": "string", "x-pii": True}


@pytest.mark.parametrize(("kind", "rows"), [("dict", "a dict"), ("pair", "a list of pairs")])
def test_a_hasher_of_dicts_or_pairs_is_refused_and_the_way_out_told(kind, rows):
    told = f'input_type="{kind}" reads {rows} per row, which no feature is; give each key a column of its own, and fit plumb_trainer'
    with pytest.raises(TrainerError, match=told):
        preprocessing_document(FeatureHasher(8, input_type=kind).fit(), FEATURES, "X", "float32")
    # A function that makes the dicts has no operator either, and is not what to change.
    records = FunctionTransformer(lambda frame: frame.to_dict(orient="records"))
    chain = make_pipeline(records, FeatureHasher(8, input_type=kind))
    chain.steps[0][1].fit(FRAME)
    with pytest.raises(TrainerError, match=f'step "featurehasher" \\(FeatureHasher\\): {told}'):
        preprocessing_document(chain, FEATURES, "X", "float32")


def token_document(hasher, kind="strings"):
    """Return the graph of a hasher of lists."""
    tags = pd.DataFrame({"tags": pd.Series([["a"], ["b", "c"]], dtype=object)})
    fitted = ColumnTransformer([("tags", hasher, "tags")]).fit(tags)
    return preprocessing_document(fitted, [Column("tags", kind, {})], "X", "float32", sparse_as_dense=True)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64])
def test_a_hasher_of_lists_is_written_by_its_size_and_its_signs(dtype):
    document = token_document(FeatureHasher(8, input_type="string", alternate_sign=False, dtype=dtype))
    assert document["inputs"] == [{"name": "tags", "type": "strings"}]
    params = {"n_features": 8, "alternate_sign": False}
    assert document["nodes"] == [{"id": "n1", "op": "token_hasher", "inputs": ["tags"], "params": params}]
    assert document["outputs"][0]["shape"] == ["rows", 8]


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        ({"dtype": np.float32}, "strings", "dtype=float32 is too small for counts or what is computed of them; set dtype=float64"),
        ({"dtype": np.int8}, "strings", "dtype=int8 is too small for counts"),
        ({"n_features": 2**20}, "strings", "1048576 columns are more than the 65536 that a dense row may have; set n_features=65536"),
        ({}, "numbers", "column \"tags\": a list of numbers can't go into token_hasher; give it a RowWindow first"),
        ({}, "string", 'column "tags": token_hasher reads lists, and each row has one value there'),
    ],
)
def test_a_hasher_of_lists_that_cannot_be_served_is_told(options, kind, reason):
    with pytest.raises(TrainerError, match=reason):
        token_document(FeatureHasher(**{"n_features": 8, "input_type": "string", **options}), kind)


def test_a_python_of_other_characters_is_refused(monkeypatch):
    monkeypatch.setattr(unicodedata, "unidata_version", "99.0.0")
    assert "this Python knows Unicode 99.0.0" in refusal(CountVectorizer())


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        (r"(?u)\b\w\w+\b", {"word_run": 2}),
        (r"\w+", {"word_run": 1}),
        (r"\b\w{3,}", {"word_run": 3}),
        (r"[^\W_]", {"parts": [{"one_of": ["not_word", [95, 95]], "negate": True}]}),
        (r"ba??", {"parts": [{"one_of": [[98, 98]]}, {"repeat": [{"one_of": [[97, 97]]}], "min": 0, "max": 1, "lazy": True}]}),
        (r"(\d)$", {"parts": [{"group": [{"one_of": ["digit"]}]}, {"at": "end"}]}),
    ],
)
def test_patterns_are_written_as_python_read_them(pattern, form):
    assert token_pattern_form(pattern) == form


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"\w*", "can match an empty text"),
        (r"(?:a*)+b", "repeats what can be empty"),
        (r"(?:(a)|b)+", "repeats a capturing group"),
        (r"a(?=b)", "has assert"),
        (r"(?<!a)b", "has assert_not"),
        (r"(\w)\1", "has groupref"),
        (r"(?>a+)b", "has atomic_group"),
        (r"a++", "has possessive_repeat"),
        (r"a\Z", "has at"),
        (r"(?i:a)", "sets flags"),
        (r"(?s)a.", "sets flags"),
        (r"(?a)\w", "sets flags"),
        (r"a{1001}", "more than 1000 times"),
    ],
)
def test_patterns_that_javascript_reads_otherwise_are_refused(pattern, reason):
    with pytest.raises(ValueError, match=reason):
        token_pattern_form(pattern)


def test_columns_are_hashed_as_their_dicts_are():
    frame = pd.DataFrame({"a": ["x", "y"], "b": [0.5, 0.0], "c": [True, False]})
    expected = FeatureHasher(16).transform(frame.astype(object).to_dict("records"))
    assert np.array_equal(ColumnHasher(16).fit_transform(frame).toarray(), expected.toarray())


@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_a_hashed_value_that_is_missing_or_infinite_raises(value):
    frame = pd.DataFrame({"a": ["x", "y"], "b": [0.5, 1.0]})
    hasher = ColumnHasher(16).fit(frame)
    for column in "ab":
        broken = frame.astype(object)
        broken.loc[1, column] = value
        with pytest.raises(ValueError, match=f'column "{column}": expected texts or finite numbers'):
            hasher.transform(broken)


def test_many_numbers_are_not_hashed():
    frame = pd.DataFrame({f"c{index}": [1.0, 2.0] for index in range(17)})
    fitted = ColumnHasher(8).fit(frame)
    with pytest.raises(TrainerError, match="it adds numbers of 17 columns in no certain order"):
        preprocessing_document(fitted, [Column(name, "number", {}) for name in frame], "X", "float32", sparse_as_dense=True)


def test_xgboost_reads_what_is_absent_as_missing_and_a_zero_that_is_there_as_a_zero():
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghij"), 4)) for _ in range(300)]
    sparse = HashingVectorizer(n_features=5, norm=None, token_pattern=r"\w").transform(texts)
    model = XGBRegressor(n_estimators=20, max_depth=4).fit(sparse, rng.normal(size=300) + sparse.sum(axis=1))
    # What zero_to_nan makes of the vectorizer's cells.
    present = np.full(sparse.shape, np.nan)
    present[np.repeat(np.arange(300), np.diff(sparse.indptr)), sparse.indices] = sparse.data
    assert (sparse.data == 0).any()
    assert np.array_equal(model.predict(present), model.predict(sparse))
    assert not np.array_equal(model.predict(sparse.toarray()), model.predict(sparse))


def test_the_tables_of_characters_are_this_pythons(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["parity_unicode.py"])
    assert parity_unicode.main() == 0, capsys.readouterr().out
    assert tuple(parity_unicode.read_tables()) == UNICODE_VERSIONS

"""Cases of what turns texts into numbers."""

import numpy as np
import scipy.sparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, chi2
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from plumb_trainer.features.column_hasher import ColumnHasher
from reference.frame import answered_case, case, frame, graph_case
from reference.rows import EDGES, column, one

TYPES = one("string")
TEXTS = [
    "The quick brown fox jumps over the lazy dog, and the dog sleeps.",
    "A fox, a dog and a cat: the cat is quick; the dog isn't!",
    "Crème brûlée at the café, 12.50 EUR; naïve façade, Ångström",
    "creme brulee at the cafe 12 50 eur naive facade angstrom",
    "ΟΔΥΣΣΕΥΣ ΚΑΙ ΣΟΦΟΣ, ὀδυσσεύς και σοφός Σ Σ1",
    "İstanbul'da ıslak IŞIK, ﬁne ﬂowers, ＦＵＬＬ width, ½ ² Ⅳ",
    "日本語 の テキスト と 한국어 텍스트, русский текст и українська",
    "snake_case __init__ x1 x2 x1 a1 b 7 42 42 ٣٤ १२",
    "dog dog dog dog dog cat cat fox",
    "tab\tand\nlines\r\n\r\nand  two   spaces\u00a0and\u2003others\x1c\x1d\x85end",
    "e\u0301 is not é, but a\u0308\u0323 a\u0323\u0308 are marked twice",
    "emoji 👍👍🏽 family 👩‍👩‍👧 flags 🇳🇴🇮🇹 𝒜𝓁𝑔ebra 𐐀𐐨 deseret",
    "new or missing the and of with from",
]
# What the training Python doesn't know, between what it does: signs, letters with a lower case, marks and digits of later versions.
LATER = [
    "face\U0001fae8face",
    "\U0001e4d0\U0001e4d1 x\U0001e4d0y",
    "A\ua7cdB \u1c89\u1c8a \ua7da",
    "\U00010d50\U00010d70 A\u03a3\U00010d50 \U00010d40",
    "e\u0897\u0301",
]
EDGE_TEXTS = ["", " ", "a", "   \n ", "dog", "unseen words only", "Σ", "AΣ", "AΣ.B", "AΣ\u00adΣ", "\u0301", "\x00 dog\x00dog"]
EDGE_TEXTS += ["dog " * 70 + "cat " * 1500, None]
SERVED = column(*EDGE_TEXTS, *LATER)


def cases():
    """Every analyzer and option of the vectorizers, weights, hashes, and what stands behind them."""
    yield from analyzer_cases()
    yield from pattern_cases()
    yield from weight_cases()
    yield from hash_cases()
    yield from composed_cases()


def text_case(step, served=SERVED):
    """Return a case of a vectorizer over the column of texts."""
    fitted = ColumnTransformer([("text", step, "x")]).fit(frame(TYPES, column(*TEXTS)))
    return graph_case(TYPES, fitted, column(*TEXTS) + served, raising(fitted.transform))


def raising(transform):
    """Return a transform that raises ValueError for texts that aren't texts, where scikit-learn raises whatever comes."""

    def run(data):
        try:
            return transform(data)
        except (AttributeError, TypeError) as error:
            raise ValueError(str(error)) from error

    return run


def analyzer_cases():
    """Words and characters, prepared in every way."""
    words = {
        "plain": {},
        "cased": {"lowercase": False},
        "accents-unicode": {"strip_accents": "unicode"},
        "accents-ascii": {"strip_accents": "ascii"},
        "accents-cased": {"strip_accents": "unicode", "lowercase": False},
        "english": {"stop_words": "english"},
        "stopped-bigrams": {"stop_words": ["the", "dog", "ÅNGSTRÖM"], "ngram_range": (1, 2)},
        "trigrams": {"ngram_range": (3, 3), "max_features": 40},
        "grams": {"ngram_range": (1, 4), "max_features": 60},
        "binary": {"binary": True},
        "frequent": {"min_df": 2, "max_df": 0.6},
        "vocabulary": {"vocabulary": ["dog", "the cat", "cat", "Dog", "", "σοφος", "x1"], "ngram_range": (1, 2)},
        "int32": {"vocabulary": {"dog": 1, "cat": 0}, "dtype": np.int32},
    }
    for name, options in words.items():
        yield f"text-words-{name}", text_case(CountVectorizer(**options))
    for analyzer in ("char", "char_wb"):
        for shortest, longest in ((1, 1), (1, 3), (2, 5), (6, 9)):
            vectorizer = CountVectorizer(analyzer=analyzer, ngram_range=(shortest, longest), max_features=60)
            yield f"text-{analyzer.replace('_', '-')}-{shortest}-{longest}", text_case(vectorizer)
        for accents in ("unicode", "ascii"):
            vectorizer = CountVectorizer(analyzer=analyzer, strip_accents=accents, ngram_range=(2, 2), lowercase=False, max_features=60)
            yield f"text-{analyzer.replace('_', '-')}-{accents}", text_case(vectorizer)


def pattern_cases():
    """Token patterns of every form that crosses."""
    patterns = {
        "one-letter": r"(?u)\b\w+\b",
        "four": r"\b\w{4,}\b",
        "letters": r"[^\d\W_]+",
        "ascii": r"[a-zA-Z]+(?:'[a-z]+)?",
        "numbers": r"\b\d+(?:[.,]\d{2})?\b",
        "spaced": r"\S+",
        "group": r"\b(\w)\w*\b",
        "either": r"(?:dog|cat|the)s?|\d|(x)1",
        "lazy": r"\w+?[aeiou]",
        "exact": r"\b\w{3}\b",
        "inside": r"\B\w\B",
        "ends": r"^\w+|\w+$",
        "any": r"a.\s?",
        "not-literal": r"(?x) o [^n] | [\W] [\D] [\S]",
        "signs": r"[^\w\s]",
    }
    for name, pattern in patterns.items():
        yield f"text-pattern-{name}", text_case(CountVectorizer(token_pattern=pattern, max_features=60))


def weight_cases():
    """Every way to weigh counts."""
    for norm in ("l1", "l2", None):
        for sublinear in (False, True):
            for idf in ("smooth", "plain", "none"):
                options = {"norm": norm, "sublinear_tf": sublinear, "use_idf": idf != "none", "smooth_idf": idf == "smooth"}
                name = f"{norm or 'unscaled'}-{'sublinear-' if sublinear else ''}{idf}"
                yield f"text-tfidf-{name}", text_case(TfidfVectorizer(ngram_range=(1, 2), max_features=50, **options))
    yield "text-tfidf-binary", text_case(TfidfVectorizer(binary=True, max_features=50))
    yield "text-tfidf-char-wb", text_case(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=60, sublinear_tf=True))
    unknown = TfidfVectorizer(vocabulary=["dog", "nowhere", "cat"], smooth_idf=False)
    yield "text-tfidf-term-without-texts", text_case(unknown, [*SERVED, ["dog nowhere"]])
    unscaled = TfidfVectorizer(vocabulary=["dog", "nowhere", "cat"], smooth_idf=False, norm=None)
    yield "text-tfidf-term-without-texts-unscaled", text_case(unscaled, [*SERVED, ["dog nowhere"]])
    yield "text-counts-weighed", text_case(make_pipeline(CountVectorizer(max_features=50), TfidfTransformer(sublinear_tf=True)))
    hashed = HashingVectorizer(n_features=32, alternate_sign=False, norm=None)
    yield "text-hashes-weighed", text_case(make_pipeline(hashed, TfidfTransformer(sublinear_tf=True)))

    types = {"a": "number", "b": "number", "c": "number"}
    training = [[1.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]]
    served = [[edge, 1.0, other] for edge, other in zip(EDGES, EDGES[::-1], strict=True)]
    for norm in ("l1", "l2", None):
        yield f"text-numbers-weighed-{norm or 'unscaled'}", case(types, training, served, TfidfTransformer(norm=norm))


def hash_cases():
    """Hashes of terms and of columns."""
    for norm in ("l1", "l2", None):
        for signed in (True, False):
            name = f"{norm or 'unscaled'}{'-signed' if signed else ''}"
            yield f"text-hashed-{name}", text_case(HashingVectorizer(n_features=32, norm=norm, alternate_sign=signed))
    # Terms that cancel each other out count as one all the same.
    for binary in (True, False):
        vectorizer = HashingVectorizer(n_features=3, binary=binary, norm=None)
        yield f"text-hashed-three{'-binary' if binary else ''}", text_case(vectorizer)
    yield "text-hashed-one", text_case(HashingVectorizer(n_features=1))
    characters = HashingVectorizer(n_features=61, analyzer="char", ngram_range=(1, 4), strip_accents="unicode", stop_words=None)
    yield "text-hashed-characters", text_case(characters)

    # Every length and every kind of character, and the words whose hash is the smallest number, -2^31.
    rng = np.random.default_rng(9)
    alphabets = [range(0x20, 0x7F), range(0x80, 0x800), range(0x800, 0xD800), range(0x10000, 0x110000)]
    random_texts = ["akqlrggi auozubow bvjdyqjc"]
    for length in range(1, 60):
        picked = [alphabets[int(rng.integers(len(alphabets)))] for _ in range(length)]
        random_texts.append("".join(chr(int(rng.integers(alphabet.start, alphabet.stop))) for alphabet in picked))
    for width in (7, 32):
        vectorizer = HashingVectorizer(n_features=width, analyzer="char", ngram_range=(1, 30), lowercase=False, norm=None)
        yield f"text-hashed-random-{width}", text_case(vectorizer, column(*random_texts))
        vectorizer = HashingVectorizer(n_features=width, norm=None)
        yield f"text-hashed-smallest-{width}", text_case(vectorizer, column(*random_texts[0].split()))

    types = {"city": "string", "size": "number", "count": "integer", "open": "boolean", "größe 1": "string"}
    training = [["Oslo", 1.5, 3, True, "s"], ["Rome", -2.25, 0, False, "m"]]
    served = [["", 0.0, -1, True, "größe 1"], ["=", -0.0, 2**40, False, "1"], ["x", 1e300, 1, True, "é"]]
    refused = [[None, 1.0, 1, True, "s"], ["Oslo", None, 1, True, "s"], ["Oslo", float("inf"), 1, True, "s"]]
    for width in (1, 3, 8, 1000):
        for signed in (True, False):
            hasher = ColumnHasher(width, alternate_sign=signed)
            rows = served if width == 1000 else served + refused
            yield f"columns-hashed-{width}{'-signed' if signed else ''}", case(types, training, rows, hasher)
    yield from token_cases()


def token_cases():
    """Lists of tokens: those that come often, cancel each other out, are empty or any text at all; and lists that are none."""
    rng = np.random.default_rng(10)
    codes = [*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x4E00, 0x4E40), *range(0x1F600, 0x1F640)]
    lists = [["".join(map(chr, rng.choice(codes, size=rng.integers(0, 9)))) for _ in range(length)] for length in range(40)]
    # The hash of each is the smallest number, -2^31.
    lists += [["akqlrggi", "auozubow", "bvjdyqjc"], ["dog"] * 3000, ["dog", "cat"] * 7, [""], ["", " "], ["a=b", "a", "=b"], []]
    types = {"tags": "strings"}
    for width in (1, 3, 7, 32, 1000):
        for signed in (True, False):
            options = {"n_features": width, "alternate_sign": signed, "input_type": "string"}
            name = f"tokens-hashed-{width}{'-signed' if signed else ''}"
            yield name, token_case(types, FeatureHasher(**options), column(*lists, *([None] if width < 1000 else [])))
    for dtype in (np.int32, np.int64):
        yield f"tokens-hashed-{dtype.__name__}", token_case(types, FeatureHasher(16, input_type="string", dtype=dtype), column(*lists))
    weighed = make_pipeline(FeatureHasher(16, input_type="string", alternate_sign=False), TfidfTransformer())
    yield "tokens-hashed-weighed", token_case(types, weighed, column(*lists))


def token_case(types, step, rows):
    """Return a case of what reads the column of lists."""
    fitted = ColumnTransformer([("tags", step, "tags")]).fit(frame(types, [row for row in rows if row != [None]]))
    return graph_case(types, fitted, rows, raising(fitted.transform))


def composed_cases():
    """Vectorizers among other steps."""
    types = {"x": "string", "n": "number", "city": "string"}
    rng = np.random.default_rng(8)
    rows = [[text, float(rng.normal()), "ab"[index % 2]] for index, text in enumerate(TEXTS)]
    served = [["dog", None, "c"], ["", 1.0, "a"], [None, 1.0, "b"]]
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    for threshold in (0, 1):
        transformer = ColumnTransformer(
            [
                ("n", numbers, ["n"]),
                ("words", TfidfVectorizer(max_features=30), "x"),
                ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
                ("chars", make_pipeline(CountVectorizer(analyzer="char", max_features=30), VarianceThreshold(0.5)), "x"),
            ],
            sparse_threshold=threshold,
        ).fit(frame(types, rows))
        yield f"text-among-others-{threshold}", graph_case(types, transformer, rows + served, raising(transformer.transform))

    union = FeatureUnion([("w", TfidfVectorizer(max_features=20)), ("c", CountVectorizer(analyzer="char_wb", max_features=20))])
    yield "text-union", text_case(union)
    data = frame(TYPES, column(*TEXTS))["x"]
    best = make_pipeline(TfidfVectorizer(), SelectKBest(chi2, k=12)).fit(data, np.arange(len(TEXTS)) % 2)
    yield "text-best", graph_case(TYPES, best, column(*TEXTS) + SERVED, raising(lambda rows: best.transform(rows["x"])))
    # A selector raises on an infinite weight, which a term without texts has.
    unseen = TfidfVectorizer(vocabulary=["cat", "dog", "nowhere"], smooth_idf=False, norm=None)
    finite = make_pipeline(unseen, SelectKBest(chi2, k=2)).fit(data, np.arange(len(TEXTS)) % 2)
    rows = column(*TEXTS, "dog nowhere", "nowhere", "dog")
    yield "text-best-infinite", graph_case(TYPES, finite, rows, raising(lambda rows: finite.transform(rows["x"])))
    yield from sparse_zero_cases()


def sparse_zero_cases():
    """What XGBoost reads of a sparse matrix: what isn't in it is missing, and a zero that is in it is a zero."""
    types = {"x": "string", "n": "number", "city": "string"}
    rows = [[text, index % 3 - 1.0, "ab"[index % 2]] for index, text in enumerate(TEXTS)]
    transformer = ColumnTransformer(
        [
            ("hashes", HashingVectorizer(n_features=5, norm=None), "x"),
            ("words", CountVectorizer(max_features=20), "x"),
            ("n", StandardScaler(with_std=False), ["n"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ],
        sparse_threshold=1,
    ).fit(frame(types, rows))
    made = graph_case(types, transformer, rows, transformer.transform)
    graph = made["graph"]
    (output,) = graph["outputs"]
    graph["nodes"].append({"id": "present", "op": "zero_to_nan", "inputs": output["from"], "params": {}})
    output["from"] = ["present"]

    def transform(data):
        sparse = scipy.sparse.csr_matrix(transformer.transform(data))
        dense = np.full(sparse.shape, np.nan)
        for row in range(sparse.shape[0]):
            cells = slice(sparse.indptr[row], sparse.indptr[row + 1])
            dense[row, sparse.indices[cells]] = sparse.data[cells]
        return dense

    yield "text-zero-to-nan", answered_case(types, graph, transform, [*rows, ["dog cat", 5.0, "c"], ["", -0.25, "a"]])

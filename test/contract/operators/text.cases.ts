/** Contract cases of what turns texts into numbers. */
import { infinite, integers, more, numbers, type OperatorCase, words } from "./case.js";

const texts = ["The dog, the cat", "dog", "", null, "a Zebra \u{1e4d0}x", "cat CAT dog dog", "NaN", "é e\u0301 İ AΣ"];
const prepared = { unicode: "14.0.0", ngram_range: [1, 2], lowercase: true } as const;
const wordParams = { ...prepared, analyzer: "word", token_pattern: { word_run: 2 } } as const;
const charParams = { ...prepared, analyzer: "char_wb", strip_accents: "unicode" } as const;
const vocabulary = ["cat", "dog", "the cat", "zebra"];

const malformedAnalyzer: OperatorCase["malformed"] = [
  [{ unicode: "13.0.0" }, "params.unicode"],
  [{ unicode: undefined }, "params.unicode"],
  [{ analyzer: "words" }, "params.analyzer"],
  [{ ngram_range: [2, 1] }, "params.ngram_range"],
  [{ ngram_range: [0, 1] }, "params.ngram_range[0]"],
  [{ ngram_range: [1, 101] }, "params.ngram_range[1]"],
  [{ lowercase: undefined }, "params.lowercase"],
  [{ strip_accents: "both" }, "params.strip_accents"],
  [{ stop_words: "english" }, "params.stop_words"],
  [{ token_pattern: undefined }, "params.token_pattern"],
  [{ token_pattern: "\\w+" }, "params.token_pattern"],
  [{ token_pattern: { word_run: 0 } }, "params.token_pattern.word_run"],
  [{ token_pattern: { parts: [{ one_of: ["letter"] }] } }, "params.token_pattern"],
  [{ token_pattern: { parts: [{ at: "start" }] } }, "params.token_pattern"],
  [{ token_pattern: { parts: [{ repeat: [{ one_of: ["word"] }], min: 0, max: null }] } }, "params.token_pattern"],
  [{ analyzer: "char" }, "params.token_pattern"],
];

const malformedWeights: OperatorCase["malformed"] = [
  [{ norm: undefined }, "params.norm"],
  [{ norm: "max" }, "params.norm"],
  [{ idf: undefined }, "params.idf"],
  [{ idf: [1] }, "params.idf"],
  [{ idf: [1, 2, 3, "x"] }, "params.idf[3]"],
  [{ sublinear_tf: 1 }, "params.sublinear_tf"],
  [{ sublinear_tf: false }, "params.log_corrections"],
  [{ log_corrections: { counts: [2], logs: [] } }, "params.log_corrections.logs"],
  [{ log_corrections: { counts: [0.5], logs: [1] } }, "params.log_corrections.counts[0]"],
  [{ log_corrections: { counts: [2], logs: ["NaN"] } }, "params.log_corrections.logs[0]"],
];

export const textCases: readonly OperatorCase[] = [
  {
    op: "count_vectorizer",
    title: "of words",
    columns: [texts],
    params: { ...wordParams, vocabulary, stop_words: ["nan"], strip_accents: "ascii" },
    width: 4,
    refused: [3],
    malformed: [
      ...malformedAnalyzer,
      [{ vocabulary: undefined }, "params.vocabulary"],
      [{ vocabulary: [] }, "params.vocabulary"],
      [{ vocabulary: ["dog", 1] }, "params.vocabulary[1]"],
      [{ vocabulary: ["dog", "cat", "dog"] }, "params.vocabulary[2]"],
      [{ binary: "yes" }, "params.binary"],
    ],
  },
  {
    op: "count_vectorizer",
    title: "of characters",
    columns: [texts],
    params: { ...charParams, vocabulary: [" c", "e", "i", "σ", "ς ", "\u{1e4d0}x"], binary: true },
    width: 6,
    refused: [3],
    malformed: [
      [{ stop_words: ["dog"] }, "params.stop_words"],
      [{ token_pattern: { word_run: 2 } }, "params.token_pattern"],
    ],
  },
  {
    op: "count_vectorizer",
    title: "of a pattern",
    columns: [texts],
    params: {
      ...wordParams,
      token_pattern: {
        parts: [
          { at: "boundary" },
          { group: [{ one_of: ["word"] }] },
          { repeat: [{ one_of: [[97, 122]] }], min: 2, max: null },
        ],
      },
      vocabulary: ["d", "c", "t c"],
    },
    width: 3,
    refused: [3],
    malformed: [],
  },
  {
    op: "tfidf_vectorizer",
    title: "of words",
    columns: [texts],
    params: {
      ...wordParams,
      vocabulary,
      norm: "l2",
      idf: [1, 1.5, 2, 2.5],
      sublinear_tf: true,
      log_corrections: { counts: [2], logs: [0.7] },
    },
    width: 4,
    refused: [3],
    malformed: [...malformedAnalyzer, ...malformedWeights],
  },
  {
    op: "tfidf_transformer",
    title: "of numbers",
    columns: [integers, more, infinite, numbers],
    params: { norm: "l1", idf: [1, 1, 1, 1], sublinear_tf: true, log_corrections: { counts: [], logs: [] } },
    width: 4,
    // NaN, infinities, and what has no logarithm.
    refused: [1, 3, 4, 5, 6, 7],
    malformed: malformedWeights,
  },
  {
    op: "hashing_vectorizer",
    title: "of words",
    columns: [[...texts, "\ud800 dog", "half \udc00"]],
    params: {
      ...wordParams,
      n_features: 5,
      alternate_sign: true,
      norm: "l2",
      token_pattern: { parts: [{ one_of: ["not_space"] }] },
    },
    width: 5,
    refused: [3, 8, 9],
    malformed: [
      ...malformedAnalyzer,
      [{ n_features: 0 }, "params.n_features"],
      [{ n_features: 2 ** 20 }, "params.n_features"],
      [{ alternate_sign: undefined }, "params.alternate_sign"],
      [{ norm: "max" }, "params.norm"],
    ],
  },
  {
    op: "feature_hasher",
    title: "of both kinds",
    columns: [words, infinite, more],
    params: { n_features: 7, alternate_sign: true, names: ["word", "größe", "more"] },
    width: 7,
    refused: [1, 3, 4, 7],
    malformed: [
      [{ n_features: undefined }, "params.n_features"],
      [{ alternate_sign: 0 }, "params.alternate_sign"],
      [{ names: ["word", "größe"] }, "params.names"],
      [{ names: ["word", "größe", 1] }, "params.names[2]"],
    ],
  },
  {
    op: "token_hasher",
    title: "of tokens",
    columns: [[["a", "b", "a"], [], [""], null, ["a", 1], ["\ud800"], ["größe", "\u{1f600}"], ["a", null]]],
    params: { n_features: 5, alternate_sign: true },
    width: 5,
    refused: [3, 4, 5, 7],
    malformed: [
      [{ n_features: undefined }, "params.n_features"],
      [{ n_features: 0 }, "params.n_features"],
      [{ alternate_sign: "yes" }, "params.alternate_sign"],
    ],
  },
  { op: "zero_to_nan", title: "of numbers", columns: [numbers, infinite], params: {}, width: 2, malformed: [] },
];

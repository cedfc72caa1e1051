/**
 * The operators that a graph may name. The lists are closed: a graph that names another one is refused when it is
 * loaded.
 */
import type { Operator } from "./operator.js";
import { binarizer } from "./ops/binarizer.js";
import { bothClasses } from "./ops/both-classes.js";
import { buckets } from "./ops/buckets.js";
import { checkFinite } from "./ops/check-finite.js";
import { clip } from "./ops/clip.js";
import { countVectorizer } from "./ops/count-vectorizer.js";
import { cross } from "./ops/cross.js";
import { cyclic } from "./ops/cyclic.js";
import { dateParts } from "./ops/date-parts.js";
import { difference } from "./ops/difference.js";
import { exp } from "./ops/exp.js";
import { expm1 } from "./ops/expm1.js";
import { featureHasher } from "./ops/feature-hasher.js";
import { functionTransformer } from "./ops/function-transformer.js";
import { hashingVectorizer } from "./ops/hashing-vectorizer.js";
import { identity } from "./ops/identity.js";
import { isotonic } from "./ops/isotonic.js";
import { kBinsDiscretizer } from "./ops/k-bins-discretizer.js";
import { label } from "./ops/label.js";
import { linear } from "./ops/linear.js";
import { maxAbsScaler } from "./ops/max-abs-scaler.js";
import { minMaxScaler } from "./ops/min-max-scaler.js";
import { missingIndicator } from "./ops/missing-indicator.js";
import { normalizer } from "./ops/normalizer.js";
import { oneHotEncoder } from "./ops/one-hot-encoder.js";
import { ordinalEncoder } from "./ops/ordinal-encoder.js";
import { passthrough } from "./ops/passthrough.js";
import { pca } from "./ops/pca.js";
import { polynomialFeatures } from "./ops/polynomial-features.js";
import { portableLog } from "./ops/portable-log.js";
import { portableYeoJohnson } from "./ops/portable-yeo-johnson.js";
import { powerTransformer } from "./ops/power-transformer.js";
import { product } from "./ops/product.js";
import { proportions } from "./ops/proportions.js";
import { quantileTransformer } from "./ops/quantile-transformer.js";
import { ratio } from "./ops/ratio.js";
import { robustScaler } from "./ops/robust-scaler.js";
import { rowWindow } from "./ops/row-window.js";
import { selectColumns } from "./ops/select-columns.js";
import { sigmoid } from "./ops/sigmoid.js";
import { simpleImputer } from "./ops/simple-imputer.js";
import { softmax } from "./ops/softmax.js";
import { sortAscending } from "./ops/sort-ascending.js";
import { splineTransformer } from "./ops/spline-transformer.js";
import { standardScaler } from "./ops/standard-scaler.js";
import { targetEncoder } from "./ops/target-encoder.js";
import { textLength } from "./ops/text-length.js";
import { textPattern } from "./ops/text-pattern.js";
import { tfidfTransformer } from "./ops/tfidf-transformer.js";
import { tfidfVectorizer } from "./ops/tfidf-vectorizer.js";
import { tokenHasher } from "./ops/token-hasher.js";
import { transformerWeight } from "./ops/transformer-weight.js";
import { truncatedSvd } from "./ops/truncated-svd.js";
import { vote } from "./ops/vote.js";
import { weightedMean } from "./ops/weighted-mean.js";
import { zeroToNan } from "./ops/zero-to-nan.js";

/** In preprocessing.json, family by family. */
export const operatorsBefore: ReadonlyMap<string, Operator> = new Map([
  ["simple_imputer", simpleImputer],
  ["missing_indicator", missingIndicator],
  ["standard_scaler", standardScaler],
  ["min_max_scaler", minMaxScaler],
  ["max_abs_scaler", maxAbsScaler],
  ["robust_scaler", robustScaler],
  ["normalizer", normalizer],
  ["binarizer", binarizer],
  ["k_bins_discretizer", kBinsDiscretizer],
  ["one_hot_encoder", oneHotEncoder],
  ["ordinal_encoder", ordinalEncoder],
  ["target_encoder", targetEncoder],
  ["polynomial_features", polynomialFeatures],
  ["spline_transformer", splineTransformer],
  ["power_transformer", powerTransformer],
  ["quantile_transformer", quantileTransformer],
  ["function_transformer", functionTransformer],
  ["pca", pca],
  ["truncated_svd", truncatedSvd],
  ["date_parts", dateParts],
  ["cyclic", cyclic],
  ["ratio", ratio],
  ["difference", difference],
  ["product", product],
  ["cross", cross],
  ["clip", clip],
  ["buckets", buckets],
  ["row_window", rowWindow],
  ["text_length", textLength],
  ["text_pattern", textPattern],
  ["portable_log", portableLog],
  ["portable_yeo_johnson", portableYeoJohnson],
  ["count_vectorizer", countVectorizer],
  ["tfidf_vectorizer", tfidfVectorizer],
  ["tfidf_transformer", tfidfTransformer],
  ["hashing_vectorizer", hashingVectorizer],
  ["feature_hasher", featureHasher],
  ["token_hasher", tokenHasher],
  ["zero_to_nan", zeroToNan],
  ["select_columns", selectColumns],
  ["passthrough", passthrough],
  ["check_finite", checkFinite],
  ["transformer_weight", transformerWeight],
]);

/** In postprocessing.json. None of these refuses a row: an answer has no place for it. */
export const operatorsAfter: ReadonlyMap<string, Operator> = new Map([
  ["identity", identity],
  ["linear", linear],
  ["sigmoid", sigmoid],
  ["softmax", softmax],
  ["exp", exp],
  ["expm1", expm1],
  ["function_transformer", functionTransformer],
  ["isotonic", isotonic],
  ["both_classes", bothClasses],
  ["proportions", proportions],
  ["weighted_mean", weightedMean],
  ["label", label],
  ["vote", vote],
  ["select_columns", selectColumns],
  ["sort_ascending", sortAscending],
]);

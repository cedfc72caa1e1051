/** The operators that a graph may name. The lists are closed: a graph that names another one is refused when it is loaded. */
import type { Operator } from "./operator.js";
import { identity } from "./ops/identity.js";
import { label } from "./ops/label.js";
import { linear } from "./ops/linear.js";
import { minMaxScaler } from "./ops/min-max-scaler.js";
import { oneHotEncoder } from "./ops/one-hot-encoder.js";
import { ordinalEncoder } from "./ops/ordinal-encoder.js";
import { passthrough } from "./ops/passthrough.js";
import { selectColumns } from "./ops/select-columns.js";
import { sigmoid } from "./ops/sigmoid.js";
import { simpleImputer } from "./ops/simple-imputer.js";
import { softmax } from "./ops/softmax.js";
import { standardScaler } from "./ops/standard-scaler.js";

/** In preprocessing.json. */
export const operatorsBefore: ReadonlyMap<string, Operator> = new Map([
  ["simple_imputer", simpleImputer],
  ["standard_scaler", standardScaler],
  ["min_max_scaler", minMaxScaler],
  ["one_hot_encoder", oneHotEncoder],
  ["ordinal_encoder", ordinalEncoder],
  ["select_columns", selectColumns],
  ["passthrough", passthrough],
]);

/** In postprocessing.json. None of these refuses a row: an answer has no place for it. */
export const operatorsAfter: ReadonlyMap<string, Operator> = new Map([
  ["identity", identity],
  ["linear", linear],
  ["sigmoid", sigmoid],
  ["softmax", softmax],
  ["label", label],
  ["select_columns", selectColumns],
]);

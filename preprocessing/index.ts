/**
 * The graph before and after the models: parse a document, plan it once, run it on every call. Pure: no files, no
 * clock, nothing of the server. docs/preprocessing.md says what each operator computes.
 */
export type { Dtype, Scalar } from "./column.js";
export { Columns, type ColumnValues, type RowInput } from "./columns.js";
export {
  type GraphDocument,
  type PostprocessingGraph,
  type PreprocessingGraph,
  parseGraph,
  postprocessingGraphSchema,
  preprocessingGraphSchema,
} from "./graph.js";
export { GraphError } from "./graph-error.js";
export { PackedColumns, type Place, type RowChunk, type RowLayout } from "./packed-columns.js";
export {
  type Answer,
  createPostprocessor,
  type Postprocessor,
  type PostprocessorInput,
  type Prediction,
} from "./postprocessor.js";
export { createPreprocessor, type Preprocessor, type PreprocessorOutput } from "./preprocessor.js";
export type { Row } from "./read-rows.js";
export type { RowRefusal } from "./refusals.js";
export type { Block } from "./write-block.js";

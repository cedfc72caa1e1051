/** What a bundle is and how it is read. Knows nothing of serving. */
export type { Baseline } from "./baseline.js";
export type { Evaluation } from "./evaluation.js";
export { type BundleFacts, readFacts } from "./facts.js";
export type { Feature } from "./feature.js";
export {
  formatGoldenRow,
  type GoldenAnswer,
  type GoldenKind,
  type GoldenRefusal,
  type GoldenRow,
  goldenKinds,
  goldenRowsMin,
  parseGolden,
} from "./golden.js";
export { type BundleLook, folderSignature, lookAtBundle, manifestSignature, readDigest } from "./look.js";
export { type Manifest, namePattern, type TensorSpec } from "./manifest.js";
export { decodeNumber, encodeNumber } from "./number-form.js";
export { noPause, type Pause } from "./pause.js";
export { BundleError, type BundleFault, countOf, describeValue, listWords, quote } from "./problem.js";
export {
  defaultJsonName,
  emptyLists,
  mayBeJsonName,
  type ProtoField,
  type ProtoNumbers,
  planProtoFields,
} from "./proto-fields.js";
export { type Bundle, type BundleModel, readBundle } from "./read.js";
export { expectedWords, type Issue, valueFault } from "./row-issues.js";
export { parseRowSchema, type RowSchema } from "./row-schema.js";
export type { JsonSchemaDocument } from "./row-schema-document.js";
export { listBundles, type StoredBundle, type StoreListing } from "./store.js";

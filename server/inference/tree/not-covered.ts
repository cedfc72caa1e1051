/**
 * Why a model isn't for the tree kernel: a sentence for logs and `/models/{m}`. No failure, since ONNX Runtime runs it
 * then.
 */
export class NotCovered extends Error {}

/** Where the rules come from. */

/** The address of a document, with the section's anchor. */
export type Source = string;

const protocol = "https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol";
const triton = "https://github.com/triton-inference-server/server/blob/main/docs/protocol";

/** The protocol over HTTP. */
export const rest = (section: string): Source => `${protocol}/inference_rest.md#${section}`;
/** The protocol over gRPC. */
export const grpc = (section: string): Source => `${protocol}/inference_grpc.md#${section}`;
/** An extension, as Triton documents it. */
export const extension = (name: string, section: string): Source => `${triton}/extension_${name}.md#${section}`;
export const http = (section: string): Source => `https://www.rfc-editor.org/rfc/rfc9110#section-${section}`;
export const http1 = (section: string): Source => `https://www.rfc-editor.org/rfc/rfc9112#section-${section}`;
export const json = (section: string): Source => `https://www.rfc-editor.org/rfc/rfc8259#section-${section}`;
export const grpcCore = (document: string): Source => `https://github.com/grpc/grpc/blob/master/${document}`;
export const protobuf = (section: string): Source => `https://protobuf.dev/programming-guides/${section}`;
export const tritonProto: Source =
  "https://github.com/triton-inference-server/common/blob/main/protobuf/grpc_service.proto";

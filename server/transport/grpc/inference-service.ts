/**
 * `inference.GRPCInferenceService`: what clients of the Open Inference Protocol call over gRPC.
 *
 * @see proto/open_inference.proto
 */

import { type InferenceMethodNeeds, inferenceMethods, inferenceServiceName } from "../inference-methods.js";
import { askedByMessage, type InferNeeds, predictMethod, streamInferMethod } from "./infer.js";
import { type RepositoryNeeds, repositoryMethods } from "./repository.js";
import { answers, type GrpcService } from "./service.js";

export type InferenceNeeds = InferNeeds & InferenceMethodNeeds & RepositoryNeeds;

export function inferenceService(needs: InferenceNeeds): GrpcService {
  const unary = Object.entries(inferenceMethods).map(
    ([name, answer]) => [name, answers((message) => answer(needs, message))] as const,
  );
  return {
    name: inferenceServiceName,
    methods: {
      ...Object.fromEntries(unary),
      ModelInfer: predictMethod(needs, askedByMessage),
      ModelStreamInfer: streamInferMethod(needs),
      ...repositoryMethods(needs),
    },
  };
}

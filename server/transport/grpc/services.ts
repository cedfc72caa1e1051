/** What is served over gRPC, and where: put together where the listeners begin. */

import { healthService } from "./health-service.js";
import { type InferenceNeeds, inferenceService, inferenceServiceName } from "./inference-service.js";
import { type GrpcListener, type GrpcListenerOptions, listenGrpc } from "./listener.js";
import { reflectionServices } from "./reflection-service.js";

export type GrpcNeeds = InferenceNeeds & Omit<GrpcListenerOptions, "services">;

/** @throws Error with a sentence when the address can't be listened on. */
export async function openGrpc(needs: GrpcNeeds): Promise<GrpcListener> {
  const services = [inferenceService(needs), healthService(needs.health, [inferenceServiceName])];
  const reflection = reflectionServices(services.map(({ name }) => name));
  return await listenGrpc({ ...needs, services: [...services, ...reflection] });
}

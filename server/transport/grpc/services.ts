/** What is served over gRPC, and where: put together where the listeners begin. */

import { inferenceServiceName } from "../inference-methods.js";
import { healthService } from "./health-service.js";
import { type InferenceNeeds, inferenceService } from "./inference-service.js";
import { type GrpcListener, type GrpcListenerOptions, listenGrpc } from "./listener.js";
import { reflectionServices } from "./reflection-service.js";
import type { Method } from "./service.js";
import { type TypedNeeds, TypedServices } from "./typed-services.js";

export type GrpcNeeds = InferenceNeeds & TypedNeeds & Omit<GrpcListenerOptions, "method">;

/** @throws Error with a sentence when the address can't be listened on. */
export async function openGrpc(needs: GrpcNeeds): Promise<GrpcListener> {
  const typed = new TypedServices(needs);
  const isReady = (service: string) =>
    service === "" || service === inferenceServiceName ? needs.health.isReady() : typed.isReady(service);
  const services = [inferenceService(needs), healthService(isReady)];
  const all = [
    ...services,
    ...reflectionServices(
      services.map(({ name }) => name),
      typed,
    ),
  ];
  const methods = new Map<string, Method>();
  for (const { name, methods: of } of all)
    for (const [method, take] of Object.entries(of)) methods.set(`/${name}/${method}`, take);
  return await listenGrpc({ ...needs, method: (path) => methods.get(path) ?? typed.method(path) });
}

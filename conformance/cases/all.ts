/** Every case, area by area: the order of reports. */

import type { Case } from "../case.js";
import { grpcCallCases } from "./grpc-calls.js";
import { grpcInferCases } from "./grpc-infer.js";
import { grpcServiceCases } from "./grpc-services.js";
import { binaryCases, codingCases, rawCases } from "./http-binary.js";
import { datatypeCases } from "./http-datatypes.js";
import { errorCases, shapeCases } from "./http-errors.js";
import { extensionCases } from "./http-extensions.js";
import { healthCases, metadataCases } from "./http-health.js";
import { inferCases, outputCases } from "./http-infer.js";

export const allCases: readonly Case[] = [
  ...healthCases,
  ...metadataCases,
  ...inferCases,
  ...outputCases,
  ...datatypeCases,
  ...shapeCases,
  ...errorCases,
  ...binaryCases,
  ...rawCases,
  ...codingCases,
  ...extensionCases,
  ...grpcInferCases,
  ...grpcServiceCases,
  ...grpcCallCases,
];

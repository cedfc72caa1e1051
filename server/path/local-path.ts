/** The path of a call where there is no server round it: for the proof of a version, and for the command line. */

import type { Block } from "../../preprocessing/index.js";
import type { RunResult } from "../inference/runner.js";
import { predictJson } from "../protocol/predict-json/protocol.js";
import type { Protocol, RequestHead } from "../protocol/protocol.js";
import { Call, type Reply } from "./call.js";
import { createPath, type PredictPath } from "./predict.js";
import type { ServingVersion } from "./serving-version.js";
import { takeWhole } from "./sliced-work.js";

/** Runs the rows of a call. */
export type RunBatch = (blocks: Block[], rowCount: number) => RunResult | Promise<RunResult>;

/** The steps that serve, with nothing but this version on them: no admission, no deadline, no observers. */
export function createLocalPath(version: ServingVersion, runBatch: RunBatch): PredictPath {
  const find = () => version;
  return createPath({
    admission: { enter() {}, leave() {} },
    routes: { find, choose: find, limits: () => version.bodyLimits },
    scheduler: {
      submit(call) {
        const done = (result: RunResult) => {
          call.raw = result.raw;
          // The batch is the call.
          if (result.failedRows.length > 0) call.failedRows = result.failedRows.map((row) => row as number);
          call.onRun(call);
        };
        const result = runBatch([...call.blocks], call.rowCount);
        if (result instanceof Promise)
          result.then(done, (error) => {
            call.error = error;
            call.onRun(call);
          });
        else done(result);
      },
      isRefusing: () => false,
      refusal: () => undefined,
      expect() {},
      expectNoMore() {},
      ended() {},
    },
    slices: { add: takeWhole },
    now: () => 0,
    observers: [],
  });
}

const jsonHead: RequestHead = { contentType: "application/json", header: () => "" };

/** A call of the default model, as {@link createLocalPath} takes it; `/predict`'s JSON unless a protocol is given. */
export function localCall(
  reply: Reply,
  requestId: string,
  body: Buffer,
  protocol: Protocol = predictJson,
  head = jsonHead,
): Call {
  const call = new Call(protocol, reply, 0, undefined, undefined, head, "");
  call.requestId = requestId;
  call.body = body;
  return call;
}

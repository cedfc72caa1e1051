/** What `GET /v1/models` and `/v1/models/{m}` say: as KServe's V1 protocol has it, and as TensorFlow Serving has it. */

/** A version that the server knows of. */
interface KnownVersion {
  readonly number: number;
  readonly state: string;
  readonly reason?: string | undefined;
}

export function listModels(names: readonly string[]): object {
  return { models: names };
}

/** @param ready - Whether a call that names no version, or this one, is answered. */
export function describeStatus(name: string, ready: boolean, versions: readonly KnownVersion[]): object {
  return {
    name,
    ready,
    model_version_status: versions.map(({ number, state, reason }) => ({
      version: String(number),
      state: tensorFlowStates.get(state) ?? "END",
      status: { error_code: reason === undefined ? "OK" : "UNAVAILABLE", error_message: reason ?? "" },
    })),
  };
}

/** TensorFlow Serving's words for the states of a version that may still answer; all others have ended. */
const tensorFlowStates: ReadonlyMap<string, string> = new Map([
  ["loading", "LOADING"],
  ["proving", "LOADING"],
  ["incomplete", "START"],
  ["ready", "AVAILABLE"],
  ["draining", "UNLOADING"],
]);

/** When a call should be answered, and when it is given up: as its caller says, else by the version's SLO. */

/** An SLO is a promise for 95 of 100 calls; the others may take this much longer before they are given up. */
const deadlinePerSlo = 5;
/**
 * The SLO is meant for a call of usual size: a large one can't be faster than its rows, and gets this much more for
 * each, milliseconds.
 */
const largeCallMsPerRow = 0.1;

interface TimedCall {
  readonly arrivedMs: number;
  readonly callerTimeoutMs: number;
  /** It waited until its version was loaded: what is left to its deadline may be used. */
  readonly wasCold?: boolean;
  targetMs: number;
  deadlineMs: number;
}

interface Objective {
  readonly sloMs: number;
}

export function setDeadline(call: TimedCall, objective: Objective, rowCount: number): void {
  const { arrivedMs, callerTimeoutMs } = call;
  const targetMs = sloTargetMs(objective, rowCount);
  call.targetMs = arrivedMs + (callerTimeoutMs > 0 ? callerTimeoutMs : targetMs);
  call.deadlineMs = arrivedMs + (callerTimeoutMs > 0 ? callerTimeoutMs : deadlinePerSlo * targetMs);
  if (call.wasCold === true) call.targetMs = call.deadlineMs;
}

/** How long a call of so many rows may take by the version's SLO. */
export function sloTargetMs({ sloMs }: Objective, rowCount: number): number {
  return sloMs + largeCallMsPerRow * rowCount;
}

/**
 * The path of a call, on one screen.
 *
 * admit -> route -> decode -> validate -> preprocess -> run (lane, batch, executor, engine) -> postprocess -> encode -> reply, then record.
 * Callbacks, not promises: `submit` returns at once and the scheduler calls `answer` when the rows ran (a promise per call costs 4 % of the
 * throughput of one-row calls). The transports hand over a call with its bytes; proof and command line take the same steps with another
 * scheduler. Nothing is patched onto the path from outside: metrics, logs and traces read the call once it is finished.
 */

import type { Issue } from "../bundle/index.js";
import type { Answer, Row } from "../preprocessing/index.js";
import type { Call, RowError } from "./call.js";
import { decodeJson, encodeError, encodeJson } from "./codec/json.js";
import { type ErrorCode, ServeError } from "./errors.js";
import type { BodyLimits } from "./versions/registry.js";
import type { Version } from "./versions/version.js";

/** What the path needs of the rest of the server. */
export interface PredictPath {
  readonly admission: { enter(call: Call): void; leave(call: Call): void };
  readonly routes: {
    choose(modelName: string | undefined, versionName: string | undefined): Version;
    limits(modelName: string | undefined, versionName: string | undefined): BodyLimits;
  };
  readonly scheduler: { submit(call: Call): void };
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** Reads the record of a finished call; cannot throw. */
  readonly observe: (call: Call) => void;
}

/** Takes a call whose body is complete, up to the queue. It is answered in any case: now with an error, or later. */
export function predict(path: PredictPath, call: Call): void {
  try {
    call.startedMs = path.now();
    path.admission.enter(call);
    const version = path.routes.choose(call.modelName, call.versionName);
    call.version = version;
    const decoded = decodeJson(call.contentType, call.body, version.bodyLimits.decode);
    call.body = noBytes;
    call.rows = decoded.rows;
    call.single = decoded.single;
    call.partial = decoded.partial;
    call.decodedMs = path.now();
    setDeadline(call, version);
    if (call.decodedMs > call.deadlineMs) throw new ServeError("deadline_exceeded", "the deadline had passed before the body was there");
    validate(call, version);
    call.validatedMs = path.now();
    preprocess(call, version);
    call.preprocessedMs = path.now();
    call.path = path;
    call.onRun = answer;
    if (call.rowCount === 0) answer(call);
    else path.scheduler.submit(call);
  } catch (error) {
    fail(path, call, error);
  }
}

/** Takes a call whose rows ran, to its reply. */
function answer(call: Call): void {
  if (call.finished) return;
  const path = call.path!;
  try {
    if (call.error) throw call.error;
    const version = call.version!;
    const { postprocessor } = version;
    // Of a partial request without a single good row nothing ran; its answer has the form of the others.
    const raw = call.rowCount === 0 ? newBlocks(0, postprocessor.inputs) : call.raw;
    const result = postprocessor.run(raw, call.rawFirstRow, call.rowCount);
    checkAnswer(call, result);
    call.postprocessedMs = path.now();
    finish(path, call, 200, encodeJson(version.answerFrame, call, result));
  } catch (error) {
    fail(path, call, error);
  }
}

/** Answers with an error, whatever was thrown. */
export function fail(path: PredictPath, call: Call, reason: unknown): void {
  if (call.finished) return;
  const error = ServeError.from(reason);
  call.error = error;
  finish(path, call, error.status, encodeError(error, call.requestId));
}

/** The caller has left: nothing is sent, but the place is freed and the record is kept. */
export function abandon(path: PredictPath, call: Call): void {
  call.abandoned = true;
  finish(path, call, 0, "");
}

function finish(path: PredictPath, call: Call, status: number, text: string): void {
  if (call.finished) return;
  call.finished = true;
  if (!call.abandoned) call.reply.send(status, text, call.error, call.requestId);
  call.finishedMs = path.now();
  path.admission.leave(call);
  path.observe(call);
}

/** An SLO is a promise for 95 of 100 calls; the others may take this much longer before they are given up. */
const deadlinePerSlo = 5;
/** The SLO is meant for a call of usual size: a large one can't be faster than its rows, and gets this much more for each, milliseconds. */
const largeCallMsPerRow = 0.1;

/** When the answer should be there, and when it is given up: both as the caller says, else by the version's SLO. */
function setDeadline(call: Call, { sloMs }: Version): void {
  const { arrivedMs, callerTimeoutMs } = call;
  const targetMs = sloMs + largeCallMsPerRow * call.rows.length;
  call.targetMs = arrivedMs + (callerTimeoutMs > 0 ? callerTimeoutMs : targetMs);
  call.deadlineMs = arrivedMs + (callerTimeoutMs > 0 ? callerTimeoutMs : deadlinePerSlo * targetMs);
}

/** At most so many issues are listed: enough to see what is wrong, not a second copy of the body. */
const issuesMax = 100;

/** Every row valid, or an error that lists the bad ones; in a partial request these are set aside instead. */
function validate(call: Call, { rowSchema }: Version): void {
  const { rows } = call;
  let good = 0;
  while (good < rows.length && rowSchema.accepts(rows[good])) good++;
  if (good === rows.length) {
    call.goodRows = rows as readonly Row[];
    call.rowCount = rows.length;
    return;
  }
  const issues: Issue[] = [];
  const rowIndexes: number[] = [];
  const rowErrors: RowError[] = [];
  for (let row = 0; row < rows.length; row++) {
    if (row < good || rowSchema.accepts(rows[row])) rowIndexes.push(row);
    else if (call.partial) {
      const ofRow = rowSchema.issues(rows[row], row);
      rowErrors.push({ row, code: "schema_mismatch", message: describeIssue(ofRow[0]!), issues: ofRow });
    } else if (issues.length < issuesMax) issues.push(...rowSchema.issues(rows[row], row));
  }
  if (!call.partial) throw rowsError("schema_mismatch", issues, rows.length - rowIndexes.length);
  setAside(call, rowIndexes, rowErrors);
}

/** Rows to blocks; rows on which the fitted pipeline itself would raise are an error, or set aside. */
function preprocess(call: Call, { preprocessor, hiddenFeatures }: Version): void {
  if (call.rowCount === 0) return;
  call.blocks = newBlocks(call.rowCount, preprocessor.outputs);
  const refused = preprocessor.run(call.goodRows, call.blocks);
  if (refused.length === 0) return;
  const issues = refused.map(({ row, feature, expected, got }) => ({
    row: call.rowIndexes ? call.rowIndexes[row]! : row,
    feature,
    expected,
    // The graph knows nothing of personal data.
    got: hiddenFeatures.has(feature) ? "a value (hidden: personal data)" : got,
  }));
  const badRows = new Set(refused.map(({ row }) => row));
  if (!call.partial) throw rowsError("row_refused", issues.slice(0, issuesMax), badRows.size);
  const rowErrors = [...badRows].map((bad) => {
    const row = call.rowIndexes ? call.rowIndexes[bad]! : bad;
    const ofRow = issues.filter((issue) => issue.row === row);
    return { row, code: "row_refused" as const, message: describeIssue(ofRow[0]!), issues: ofRow };
  });
  const indexes = call.goodRows.map((_, i) => (call.rowIndexes ? call.rowIndexes[i]! : i)).filter((_, i) => !badRows.has(i));
  setAside(call, indexes, rowErrors);
  preprocess(call, call.version!);
}

function setAside(call: Call, rowIndexes: readonly number[], rowErrors: readonly RowError[]): void {
  call.rowIndexes = rowIndexes;
  call.goodRows = rowIndexes.map((row) => call.rows[row] as Row);
  call.rowCount = rowIndexes.length;
  call.rowErrors = [...(call.rowErrors ?? []), ...rowErrors].sort((a, b) => a.row - b.row);
}

interface Tensor {
  readonly dtype: "float32" | "float64";
  readonly width: number;
}

function newBlocks(rowCount: number, tensors: readonly Tensor[]): (Float32Array | Float64Array)[] {
  if (tensors.length === 1) return [newBlock(rowCount, tensors[0]!)];
  return tensors.map((tensor) => newBlock(rowCount, tensor));
}

function newBlock(rowCount: number, { dtype, width }: Tensor): Float32Array | Float64Array {
  return dtype === "float32" ? new Float32Array(rowCount * width) : new Float64Array(rowCount * width);
}

/** A number that isn't finite is never an answer, and neither is a row that the model failed on. */
function checkAnswer(call: Call, { predictions, probabilities }: Answer): void {
  let valid = call.failedRows === undefined;
  for (let i = 0; i < predictions.length; i++) {
    const prediction = predictions[i];
    if (typeof prediction === "number" && !Number.isFinite(prediction)) valid = false;
  }
  if (probabilities) for (let i = 0; i < probabilities.length; i++) if (!Number.isFinite(probabilities[i])) valid = false;
  if (!valid) answerWithout(call, predictions, probabilities);
}

function answerWithout(call: Call, predictions: Answer["predictions"], probabilities: Float64Array | undefined): void {
  const failed = new Set(call.failedRows);
  const width = probabilities ? probabilities.length / predictions.length : 0;
  const rowErrors: RowError[] = [];
  const unanswered = new Set<number>();
  for (const [i, prediction] of predictions.entries()) {
    const finite = typeof prediction !== "number" || Number.isFinite(prediction);
    const finiteToo = probabilities?.subarray(i * width, (i + 1) * width).every(Number.isFinite) ?? true;
    if (finite && finiteToo && !failed.has(i)) continue;
    const row = call.rowIndexes ? call.rowIndexes[i]! : i;
    const code = failed.has(i) ? "model_failed" : "model_output_invalid";
    const message = failed.has(i) ? `row ${row}: the model could not be run on it` : `row ${row}: the model's answer isn't a finite number`;
    unanswered.add(i);
    rowErrors.push({ row, code, message, issues: [] });
  }
  if (!call.partial) throw new ServeError(rowErrors[0]!.code, rowErrors[0]!.message);
  call.unanswered = unanswered;
  call.rowErrors = [...(call.rowErrors ?? []), ...rowErrors].sort((a, b) => a.row - b.row);
}

function describeIssue({ row, feature, expected, got }: Issue): string {
  return `row ${row}, feature ${JSON.stringify(feature)}: expected ${expected}, got ${got}`;
}

function rowsError(code: ErrorCode, issues: readonly Issue[], badRows: number): ServeError {
  const more = badRows > 1 ? ` (and ${badRows - 1} more bad rows)` : "";
  return new ServeError(code, `${describeIssue(issues[0]!)}${more}`, { issues: issues.slice(0, issuesMax) });
}

const noBytes = new Uint8Array(0);

/**
 * The steps of a call between its bytes: what `predict.ts` takes in one go, and `predict-large.ts` in slices of rows.
 *
 * Good rows cost a look. Only where some are bad is anything written down, by {@link RowCheck} and {@link RowRefusals},
 * which take rows in any number of slices and conclude once.
 */

import { Buffer } from "node:buffer";
import type { Issue, RowSchema } from "../../bundle/index.js";
import { type Answer, Columns, type Row, type RowInput, type RowRefusal } from "../../preprocessing/index.js";
import { type ErrorCode, type RowError, ServeError } from "../errors.js";
import type { DecodedRequest } from "../protocol/protocol.js";
import { newBlocks } from "./blocks.js";
import type { CallWork } from "./call.js";
import { setDeadline } from "./deadline.js";
import { replaceByFallback } from "./fallback.js";
import { isFiniteAnswer, isFinitePrediction } from "./finite.js";
import type { RequestRow, RunningRow } from "./row-index.js";
import type { ServingVersion } from "./serving-version.js";

/** Takes what the protocol made of the body, which is let go. @throws {@link ServeError} deadline_exceeded. */
export function takeRows(call: CallWork, version: ServingVersion, request: DecodedRequest, nowMs: number): void {
  const { rows, timeoutMs, requestId } = request;
  call.body = noBytes;
  call.request = request;
  call.decodedMs = nowMs;
  if (requestId !== undefined) call.requestId = requestId;
  if (timeoutMs !== undefined && !(call.callerTimeoutMs > 0 && call.callerTimeoutMs < timeoutMs))
    call.callerTimeoutMs = timeoutMs;
  call.protocolState!.rowBytes.learn(call.bodyBytes, rows.length);
  setDeadline(call, version, rows.length);
  if (nowMs > call.deadlineMs)
    throw new ServeError("deadline_exceeded", "the deadline had passed before the body was there");
}

/** At most so many issues are listed: enough to see what is wrong, not a second copy of the body. */
const issuesMax = 100;
/**
 * A partial answer says of each bad row what is wrong with it, up to so many characters; beyond, only which rows are
 * bad. 10,000 rows of a thousand missing features would be a reply of a gigabyte.
 */
const partialIssuesCharsMax = 250_000;
const unlisted = "this row is bad too: so many are that no more of their issues are listed";

/** Every row valid, or an error that lists the bad ones; in a partial request these are set aside instead. */
export function validate(call: CallWork, { rowSchema }: ServingVersion): void {
  const { rows } = call;
  if (acceptsAll(rowSchema, rows, 0, rows.length)) {
    countIgnored(call, rowSchema, 0, rows.length);
    takeAll(call);
    return;
  }
  const check = new RowCheck(call, rowSchema);
  check.take(0, rows.length);
  check.end();
}

function acceptsAll(schema: RowSchema, rows: RowInput, first: RequestRow, end: RequestRow): boolean {
  if (rows instanceof Columns) return rows.isCheckedBy(schema) || schema.acceptsColumns(rows, first, end);
  let row = first;
  while (row < end && schema.accepts(rows[row])) row++;
  return row === end;
}

function countIgnored(call: CallWork, { ignored }: RowSchema, first: RequestRow, end: RequestRow): void {
  if (ignored === undefined) return;
  const { rows } = call;
  if (rows instanceof Columns) {
    const others = [...rows.values.keys()].filter((name) => ignored.mayPass(name)).length;
    call.ignoredFields += others * (end - first);
    return;
  }
  for (let row = first; row < end; row++) {
    const fields = rows[row];
    if (typeof fields === "object" && fields !== null) call.ignoredFields += ignored.count(fields);
  }
}

function takeAll(call: CallWork): void {
  call.goodRows = call.rows as RowInput<Row>;
  call.rowCount = call.rows.length;
}

/** Sorts rows into good and bad ones. */
export class RowCheck {
  readonly #call: CallWork;
  readonly #schema: RowSchema;
  readonly #bad: BadRows;
  readonly #good: RequestRow[] = [];

  constructor(call: CallWork, schema: RowSchema) {
    this.#call = call;
    this.#schema = schema;
    this.#bad = new BadRows(call, "schema_mismatch");
  }

  /** Rows `first` to `end - 1`. */
  take(first: RequestRow, end: RequestRow): void {
    const { rows } = this.#call;
    countIgnored(this.#call, this.#schema, first, end);
    if (this.#bad.count === 0) {
      // Good rows are only noted once there are others.
      if (acceptsAll(this.#schema, rows, first, end)) return;
      for (let good = 0; good < first; good++) this.#good.push(good);
    }
    for (let index = first; index < end; index++) {
      const row = rows instanceof Columns ? this.#schema.rowAt(rows, index) : rows[index];
      if (this.#schema.accepts(row)) this.#good.push(index);
      else this.#bad.add(index, () => this.#schema.issues(row, index));
    }
  }

  /**
   * Once all rows were taken.
   *
   * @throws {@link ServeError} schema_mismatch if there are bad ones and the request isn't partial; malformed_body for
   *   rows that the protocol explains better.
   */
  end(): void {
    const call = this.#call;
    if (this.#bad.count === 0) {
      takeAll(call);
      return;
    }
    const advice = call.protocol.explain?.(call.request, call.version!);
    if (advice !== undefined) throw new ServeError("malformed_body", advice);
    setAside(call, this.#good, this.#bad.conclude());
  }
}

/** Rows to blocks; rows on which the fitted pipeline itself would raise are an error, or set aside. */
export function preprocess(call: CallWork, version: ServingVersion): void {
  if (call.rowCount === 0) return;
  const { preprocessor, intake } = version;
  if (!intake?.admit(call)) call.blocks = newBlocks(call.rowCount, preprocessor.outputs);
  const refused = preprocessor.run(call.goodRows, call.blocks, call.blockRow);
  if (refused.length === 0) return;
  const refusals = new RowRefusals(call, version);
  refusals.take(0, call.rowCount, refused);
  refusals.end();
}

/** Sorts out the rows that the pipeline refuses, and closes the gaps that they leave in the call's blocks. */
export class RowRefusals {
  readonly #call: CallWork;
  readonly #version: ServingVersion;
  readonly #bad: BadRows;
  readonly #kept: RunningRow[] = [];

  constructor(call: CallWork, version: ServingVersion) {
    this.#call = call;
    this.#version = version;
    this.#bad = new BadRows(call, "row_refused");
  }

  /** Good rows `first` to `end - 1`, which were preprocessed; `refused` counts its rows from `first`. */
  take(first: RunningRow, end: RunningRow, refused: readonly RowRefusal[]): void {
    if (this.#bad.count === 0) {
      if (refused.length === 0) return;
      for (let row = 0; row < first; row++) this.#kept.push(row);
    }
    let next = 0;
    for (let row = first; row < end; row++) {
      const begin = next;
      while (next < refused.length && refused[next]!.row === row - first) next++;
      if (next === begin) this.#keep(row);
      else
        this.#bad.add(requestRow(this.#call, row), () =>
          refused.slice(begin, next).map((refusal) => this.#issue(row, refusal)),
        );
    }
  }

  #keep(row: RunningRow): void {
    const to = this.#kept.length;
    this.#kept.push(row);
    if (to === row) return;
    for (const [i, { width }] of this.#version.preprocessor.outputs.entries()) {
      const from = this.#call.blockRow + row;
      this.#call.blocks[i]!.copyWithin((this.#call.blockRow + to) * width, from * width, (from + 1) * width);
    }
  }

  #issue(row: RunningRow, { feature, expected, got }: RowRefusal): Issue {
    // The graph knows nothing of personal data.
    const shown = this.#version.hiddenFeatures.has(feature) ? "a value (hidden: personal data)" : got;
    return { row: requestRow(this.#call, row), feature, expected, got: shown };
  }

  /**
   * Once all rows were taken. @throws {@link ServeError} row_refused if there are bad ones and the request isn't
   * partial.
   */
  end(): void {
    if (this.#bad.count === 0) return;
    const call = this.#call;
    const rowErrors = this.#bad.conclude();
    const { preprocessor, intake } = this.#version;
    const { outputs } = preprocessor;
    if (!intake?.holds(call))
      call.blocks = call.blocks.map((block, i) => block.subarray(0, this.#kept.length * outputs[i]!.width));
    const rowIndexes = this.#kept.map((row) => requestRow(call, row));
    setAside(call, rowIndexes, rowErrors);
  }
}

/** What is wrong with which rows of a call: as much of it as is going to be told. */
class BadRows {
  count = 0;
  readonly #call: CallWork;
  readonly #code: ErrorCode;
  readonly #issues: Issue[] = [];
  readonly #rowErrors: RowError[] = [];
  #chars = 0;

  constructor(call: CallWork, code: ErrorCode) {
    this.#call = call;
    this.#code = code;
  }

  /** @param explain - Asked only if its answer will be told. */
  add(row: RequestRow, explain: () => readonly Issue[]): void {
    this.count++;
    if (this.#call.request.partial) this.#rowErrors.push(this.#rowError(row, explain));
    else if (this.#issues.length < issuesMax) this.#issues.push(...explain());
  }

  #rowError(row: RequestRow, explain: () => readonly Issue[]): RowError {
    const code = this.#code;
    if (this.#chars > partialIssuesCharsMax) {
      return { row, code, message: unlisted, issues: noIssues };
    }
    const issues = explain();
    for (const { feature, expected, got } of issues) this.#chars += feature.length + expected.length + got.length;
    return { row, code, message: describeIssue(issues[0]!), issues };
  }

  /** The errors of a partial request's rows; of any other the one error, thrown. */
  conclude(): readonly RowError[] {
    if (this.#call.request.partial) return this.#rowErrors;
    const more = this.count > 1 ? ` (and ${this.count - 1} more bad rows)` : "";
    throw new ServeError(this.#code, `${describeIssue(this.#issues[0]!)}${more}`, {
      issues: this.#issues.slice(0, issuesMax),
    });
  }
}

function requestRow({ rowIndexes }: CallWork, row: RunningRow): RequestRow {
  return rowIndexes ? rowIndexes[row]! : (row as number);
}

function setAside(call: CallWork, rowIndexes: readonly RequestRow[], rowErrors: readonly RowError[]): void {
  call.rowIndexes = rowIndexes;
  const { rows } = call;
  call.goodRows = rows instanceof Columns ? rows.pick(rowIndexes) : rowIndexes.map((row) => rows[row] as Row);
  call.rowCount = rowIndexes.length;
  addErrors(call, rowErrors);
}

/** Steps find errors of different rows; they are told in the rows' order. */
function addErrors(call: CallWork, rowErrors: readonly RowError[]): void {
  call.rowErrors = [...(call.rowErrors ?? []), ...rowErrors].sort((a, b) => a.row - b.row);
}

/**
 * A number that isn't finite is never an answer, and neither is a row that the model failed on: the fallback's is,
 * where there is one.
 */
export function checkAnswer(call: CallWork, answer: Answer): void {
  if (call.failedRows === undefined && isFiniteAnswer(answer)) return;
  const check = new AnswerCheck(call);
  check.take(0, answer);
  check.end();
}

/** Finds the rows without a valid answer. */
export class AnswerCheck {
  readonly #call: CallWork;
  readonly #failed: ReadonlySet<RunningRow> | undefined;
  readonly #unanswered = new Set<RunningRow>();
  readonly #rowErrors: RowError[] = [];

  constructor(call: CallWork) {
    this.#call = call;
    this.#failed = call.failedRows && new Set(call.failedRows);
  }

  /**
   * @param first - The row, of those that ran, that `answer` begins with.
   * @param answer - Rows without a valid answer get the fallback's, where there is one.
   * @throws {@link ServeError} model_failed, model_output_invalid at the first row without an answer, if the request
   *   isn't partial.
   */
  take(first: RunningRow, answer: Answer): void {
    if (this.#failed === undefined && isFiniteAnswer(answer)) return;
    const { predictions, probabilities } = answer;
    const width = probabilities ? probabilities.length / predictions.length : 0;
    for (const [i, prediction] of predictions.entries()) {
      const row: RunningRow = first + i;
      const failed = this.#failed?.has(row) ?? false;
      const finite = isFinitePrediction(prediction);
      const finiteToo = probabilities?.subarray(i * width, (i + 1) * width).every(Number.isFinite) ?? true;
      if (!failed && finite && finiteToo) continue;
      const code = failed ? "model_failed" : "model_output_invalid";
      this.#call.modelFault ??= code;
      if (!replaceByFallback(this.#call, row, code, answer, i)) this.#addUnanswered(row, code);
    }
  }

  #addUnanswered(running: RunningRow, code: "model_failed" | "model_output_invalid"): void {
    const row = requestRow(this.#call, running);
    const message =
      code === "model_failed"
        ? `row ${row}: the model could not be run on it`
        : `row ${row}: the model's answer isn't a finite number`;
    if (!this.#call.request.partial) throw new ServeError(code, message);
    this.#unanswered.add(running);
    this.#rowErrors.push({ row, code, message, issues: noIssues });
  }

  /** Once all rows were taken. */
  end(): void {
    if (this.#rowErrors.length === 0) return;
    this.#call.unanswered = this.#unanswered;
    addErrors(this.#call, this.#rowErrors);
  }
}

function describeIssue({ row, feature, expected, got }: Issue): string {
  return `row ${row}, feature ${JSON.stringify(feature)}: expected ${expected}, got ${got}`;
}

const noBytes = Buffer.alloc(0);
const noIssues: readonly Issue[] = Object.freeze([]);

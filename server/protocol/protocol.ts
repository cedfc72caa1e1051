/**
 * A protocol: how the bytes of a request become rows, and how answers and errors become bytes.
 *
 * A family with one folder a member. The route of a request chooses its protocol; nothing looks at a body to find out.
 * A protocol is pure and knows neither transport nor path: it gets a body, the head and the version's contract. Every
 * member passes the same suite (test/contract/protocol).
 */

import type { Buffer } from "node:buffer";
import type { ProtoNumbers, RowSchema } from "../../bundle/index.js";
import type { Answer, Postprocessor, RowInput } from "../../preprocessing/index.js";
import { errorTable, type FallbackReason, type RowError, type ServeError } from "../errors.js";
import type { RequestRow, RunningRow } from "../path/row-index.js";
import type { JsonObject } from "./json-schema.js";

/** What the head of a request says. */
export interface RequestHead {
  readonly contentType: string;
  /** @returns One of {@link Protocol.headers}; "" where the request doesn't have it. */
  header(name: string): string;
}

export interface DecodeLimits {
  readonly rowsMax: number;
  /** Objects and lists in a JSON body, so that a flood of empty ones is refused unparsed. */
  readonly containersMax: number;
  /**
   * Members of one JSON object: 90,000 in a megabyte take `JSON.parse` 60 ms. Only looked at in bodies that have room
   * for so many.
   */
  readonly membersMax: number;
}

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly decode: DecodeLimits;
}

/** A tensor that a model takes or gives; its shape begins with the rows. */
export interface BlockTensor {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  readonly shape: readonly ["rows", ...number[]];
  /** Values of a row. */
  readonly width: number;
}

/** What a version takes and gives in the place of rows and answers: its models' own tensors. */
export interface BlockTensors {
  readonly inputs: readonly BlockTensor[];
  readonly outputs: readonly BlockTensor[];
}

/** A version as its protocols see it. */
export interface ProtocolContract {
  readonly name: string;
  readonly number: number;
  readonly rowSchema: RowSchema;
  /** Of the fields of its typed proto, by feature; undefined for the schema's order. */
  readonly protoNumbers?: ProtoNumbers | undefined;
  readonly postprocessor: Pick<Postprocessor, "hasProbabilities" | "labels" | "names">;
  readonly bodyLimits: BodyLimits;
  /** Of a version's block view: its rows are `BlockRows`, and a prediction has the values of all outputs in turn. */
  readonly blockTensors?: BlockTensors | undefined;
}

/**
 * What a body says, as a plain object. A protocol adds members of its own, which only its `encode` reads: ids, chosen
 * outputs, forms.
 */
export interface DecodedRequest {
  /** At least one. Nothing is known of them but that they aren't too many. */
  readonly rows: RowInput;
  /** Bad rows are excluded instead of failing the call. */
  readonly partial: boolean;
  /** The time that the body itself allows, milliseconds from arrival; of this and `x-timeout-ms` the shorter counts. */
  readonly timeoutMs?: number;
  /** The id that the body names, in place of the head's; as `acceptRequestId` lets it through. */
  readonly requestId?: string;
}

/** A call as the reply shows it. */
export interface AnsweredCall<Request extends DecodedRequest = DecodedRequest> {
  readonly requestId: string;
  /** As `decode` gave it. The rows of a large call may be gone by now, all but their number. */
  readonly request: Request;
  /** Where the rows that ran stood among those of the request; undefined when all of them ran. */
  readonly rowIndexes: readonly RequestRow[] | undefined;
  /** Rows that ran without a valid answer; only of a partial request. */
  readonly unanswered: ReadonlySet<RunningRow> | undefined;
  readonly rowErrors: readonly RowError[] | undefined;
  readonly fallback: FallbackReason | undefined;
  /** Undefined when the fallback answered all rows, or none. */
  readonly fallbackRows: readonly RunningRow[] | undefined;
}

/** Content type and headers of a reply; headers are names and values in turn, free of line breaks. */
export interface ReplyHead {
  readonly contentType: string;
  readonly headers: readonly string[];
}

export interface Encoded extends ReplyHead {
  readonly body: string | Buffer;
}

/** An error as a reply. The transport adds the headers that every protocol has: `Retry-After`, `Allow`, the id. */
export interface EncodedError extends Encoded {
  readonly status: number;
}

/** A large answer: functions that write a piece of the body each. */
export interface EncodedPieces extends ReplyHead {
  readonly pieces: readonly (() => string | Uint8Array)[];
}

/** How large bodies and answers are taken in slices, each of some tens of microseconds, with the same result. */
export interface SlicedProtocol<Frame, Request extends DecodedRequest> {
  /** As `decode`: yields after each slice. What is wrong with the head is thrown at once. */
  decode(body: Buffer, head: RequestHead, contract: ProtocolContract): Generator<undefined, Request>;
  /** As `encode`, with so many rows in a piece. */
  encode(frame: Frame, call: AnsweredCall<Request>, answer: Answer, sliceRows: number): EncodedPieces;
}

/** A protocol in the words of OpenAPI 3.1: what `GET /openapi.json` says of its addresses. */
export interface ProtocolDescription {
  /** Schemas that the others refer to, by names that begin with a capital letter, which no model's name does. */
  readonly schemas: Readonly<Record<string, JsonObject>>;
  /** The body of an error. */
  readonly error: JsonObject;
  /** Headers of a request beside those that every protocol has. */
  readonly parameters: readonly JsonObject[];
  /** Content types that stand beside JSON, in requests and replies. */
  readonly otherContent: Readonly<Record<string, JsonObject>>;
  /**
   * The body of a request.
   *
   * @param row - The schema of a row.
   * @param contract - The model's; undefined where the address is for any.
   */
  request(row: JsonObject, contract: ProtocolContract | undefined): JsonObject;
  reply(contract: ProtocolContract | undefined): JsonObject;
  /** Bodies that are answered by 200, by name. @param row - One that the model takes. */
  examples(row: JsonObject, contract: ProtocolContract): Readonly<Record<string, JsonObject>>;
}

export interface Protocol<Frame = unknown, Request extends DecodedRequest = DecodedRequest> {
  /** In records, logs and metrics: a word of a closed set, as `predict-json`. */
  readonly name: string;
  /** Headers that `decode` reads beside the content type, in lower case. */
  readonly headers: readonly string[];
  /** Whether a call may name a model's block view. */
  readonly takesBlocks?: true;
  /**
   * @param body - May be taken back when this returns: what a request keeps of it has to be a copy.
   * @throws {@link ServeError} if the body isn't of this protocol, or has too many rows or none.
   */
  decode(body: Buffer, head: RequestHead, contract: ProtocolContract): Request;
  /** What is the same in every reply of a version: made once, and kept with the version. */
  frame(contract: ProtocolContract): Frame;
  /** @param answer - Of the rows that ran, in their order. */
  encode(frame: Frame, call: AnsweredCall<Request>, answer: Answer): Encoded;
  /**
   * @param requestId - As `acceptRequestId` lets it through: nothing in it needs to be escaped.
   * @param modelName - As the address has it; undefined where it names none.
   */
  refuse(error: ServeError, requestId: string, modelName?: string): EncodedError;
  /** Better advice than a list of issues for rows that the schema refuses; undefined where the list says it. */
  explain?(request: Request, contract: ProtocolContract): string | undefined;
  /** In OpenAPI's words; without it `GET /openapi.json` has the addresses, and of their bodies nothing. */
  readonly description?: ProtocolDescription;
  /** Without it, bodies are decoded and answers encoded in one go, whatever their size. */
  readonly sliced?: SlicedProtocol<Frame, Request>;
}

/** The status of an error in protocols that have one status, 400, for whatever is wrong with a request. */
export function callerStatus({ code }: ServeError): number {
  const { grpc, http } = errorTable[code];
  return grpc === "INVALID_ARGUMENT" ? 400 : http;
}

/** An error as protocols have it whose body of an error is one sentence. */
export function refuseInSentence(error: ServeError): EncodedError {
  const body = JSON.stringify({ error: error.message });
  return { status: callerStatus(error), body, contentType: "application/json", headers: [] };
}

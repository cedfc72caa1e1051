/** A protocol as the contract asks it: somebody who speaks it. */

import type { Feature } from "../../../bundle/index.js";
import type { Prediction, Row } from "../../../preprocessing/index.js";
import type { Encoded, Protocol } from "../../../server/protocol/protocol.js";

export interface Request {
  readonly body: Buffer;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** An answer, row by row; null stands for one that isn't answered. */
export interface Answered {
  readonly model: string;
  readonly version: number;
  readonly requestId: string;
  readonly predictions: readonly (Prediction | null)[];
  /** By the order of the labels; undefined where there are none. */
  readonly probabilities: readonly (readonly number[] | null)[] | undefined;
  /** Row and code of each row of a partial request that isn't answered. */
  readonly rowErrors: readonly (readonly [row: number, code: string])[];
  readonly fallback: string | undefined;
}

export interface WriteOptions {
  readonly partial: boolean;
  /** Asks for probabilities, where a protocol has to be asked. */
  readonly probabilities?: boolean;
}

export interface ProtocolMember {
  readonly protocol: Protocol;
  /** Whether it has partial requests. */
  readonly takesPartial: boolean;
  /** Its bodies hold answers alone: model, version, request id and fallback stand in headers, which the transport adds. */
  readonly answersAlone?: boolean;
  /** Rows that are of their features' types, missing values among them. */
  write(rows: readonly Row[], features: readonly Feature[], options: WriteOptions): Request;
  read(reply: Encoded): Answered;
  /** The message of an error. */
  readError(reply: Encoded): string;
}

/**
 * Which version a call gets where its model has a route, and as which arm.
 *
 * By the call's head where that says it; where the route assigns by a feature, once row 0 is decoded: until then the
 * call is the champion's. A key that is missing, and a canary that isn't ready, mean the champion.
 */

import { Columns, type RowInput } from "../../preprocessing/index.js";
import { ServeError } from "../errors.js";
import type { CallWork } from "../path/call.js";
import type { Arms as ArmsOfPath, PathParts } from "../path/predict.js";
import type { ServingVersion } from "../path/serving-version.js";
import { armAt, bucketCount, bucketOf } from "./assignment.js";
import {
  type Arm,
  armHeader,
  type Canary,
  type ModelRoute,
  type RouteTable,
  type Shadow,
  shadowHeader,
} from "./route-table.js";

const arms = {
  champion: { name: "champion", shown: "champion" },
  control: { name: "control", shown: "control" },
  canary: { name: "canary", shown: "canary" },
} as const satisfies Record<string, Arm>;

export class Arms implements ArmsOfPath {
  readonly #table: RouteTable;
  readonly #routes: PathParts["routes"];
  readonly #mayForce: boolean;

  /** @param mayForce - Whether callers may ask for an arm by `x-plumb-arm`. */
  constructor(table: RouteTable, routes: PathParts["routes"], mayForce: boolean) {
    this.#table = table;
    this.#routes = routes;
    this.#mayForce = mayForce;
  }

  get isUsed(): boolean {
    return this.#table.isUsed;
  }

  find(call: CallWork): ServingVersion | undefined {
    const { modelName, versionName, protocol } = call;
    const champion = this.#routes.find(modelName, versionName, protocol.takesBlocks);
    const name = modelName ?? champion?.name;
    // An address that names a version is answered by it, and no part of an experiment.
    if (versionName !== undefined || name === undefined) return champion;
    const route = this.#table.of(name);
    if (route === undefined) return champion;
    const forced = this.#mayForce ? call.head.header(armHeader) : "";
    if (forced !== "") {
      const version = this.#force(name, forced, route.canary);
      call.arm = { name: "forced", shown: forced };
      return version;
    }
    if (champion === undefined) return undefined;
    const { canary, header, feature } = route;
    if (canary !== undefined && feature !== undefined) {
      call.undecided = route;
      return champion;
    }
    return this.#assign(call, champion, route, header === undefined ? call.requestId : call.head.header(header));
  }

  findByRow(call: CallWork, rows: RowInput): ServingVersion {
    const route = call.undecided!;
    call.undecided = undefined;
    return this.#assign(call, call.version!, route, keyOf(rows, route.feature!));
  }

  #assign(
    call: CallWork,
    champion: ServingVersion,
    { canary, shadows, hasMirrors }: ModelRoute,
    key: string,
  ): ServingVersion {
    let arm: Arm = arms.champion;
    if (canary !== undefined && key !== "") {
      arm = arms[armAt(bucketOf(canary.salt, key), canary.buckets)];
      call.armKey = key;
      if (arm === arms.canary) {
        const version = this.#routes.find(champion.name, canary.versionName);
        if (version !== undefined) {
          call.arm = arm;
          return version;
        }
        arm = arms.champion;
      }
    }
    call.arm = arm;
    if (shadows !== undefined && !(hasMirrors && call.head.header(shadowHeader) !== ""))
      call.shadows = sampled(shadows, call.requestId);
    return champion;
  }

  /** @throws {@link ServeError} invalid_request; model_not_found and not_ready as an address that names the version. */
  #force(modelName: string, asked: string, canary: Canary | undefined): ServingVersion {
    if (asked === "champion") return this.#routes.choose(modelName, undefined);
    if (asked === "canary" && canary !== undefined) return this.#routes.choose(modelName, canary.versionName);
    if (/^\d{1,15}$/.test(asked)) return this.#routes.choose(modelName, asked);
    const expected = canary === undefined ? "champion or a version" : "canary, champion or a version";
    const got = JSON.stringify(asked.slice(0, 32));
    throw new ServeError("invalid_request", `${armHeader}: expected ${expected}, got ${got}`);
  }
}

/** The shadows of a call; undefined for none. */
function sampled(shadows: readonly Shadow[], requestId: string): readonly Shadow[] | undefined {
  const some = shadows.filter(
    ({ buckets, salt }) => buckets === bucketCount || (buckets > 0 && bucketOf(salt, requestId) < buckets),
  );
  return some.length === 0 ? undefined : some;
}

/** The value of row 0, as text: 5, 5.0 and "5" are one key. "" where it is missing. */
function keyOf(rows: RowInput, feature: string): string {
  const row = rows instanceof Columns ? undefined : rows[0];
  const value =
    rows instanceof Columns
      ? rows.values.get(feature)?.[0]
      : row !== null && typeof row === "object" && Object.hasOwn(row, feature)
        ? (row as Record<string, unknown>)[feature]
        : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  // As columns have it.
  return typeof value === "boolean" ? String(Number(value)) : "";
}

/** The routes that hold, as calls look them up. Swapped whole, so that no call sees a part of a change. */

import { type ArmName, bucketCount } from "./assignment.js";
import type { Route, Routes } from "./route.js";

/** The arm that a call has. */
export interface Arm {
  readonly name: ArmName;
  /** As `x-plumb-arm` has it: the name; what was asked for, where it was forced. */
  readonly shown: string;
}

export interface Canary {
  /** As addresses name it. */
  readonly versionName: string;
  readonly buckets: number;
  readonly salt: string;
}

/** A version that answers the champion's calls once more, for nobody. */
export interface Shadow {
  readonly versionName: string;
  /** Of the calls, by their request's id. */
  readonly buckets: number;
  readonly salt: string;
}

/** A route, ready for calls. */
export interface ModelRoute {
  readonly champion: number;
  readonly canary: Canary | undefined;
  /** Undefined for none. */
  readonly shadows: readonly Shadow[] | undefined;
  readonly feature: string | undefined;
  /** In lower case. */
  readonly header: string | undefined;
}

/** A tester asks by it for a version. */
export const armHeader = "x-plumb-arm";

export class RouteTable {
  #routes: ReadonlyMap<string, ModelRoute> = new Map();
  #plain: Routes = {};
  readonly #headers = new Set<string>();
  #onHeader: (name: string) => void = () => {};

  /** Whether any model has a route: without one, nothing of a call is looked at. */
  get isUsed(): boolean {
    return this.#routes.size > 0;
  }

  get plain(): Routes {
    return this.#plain;
  }

  of(modelName: string): ModelRoute | undefined {
    return this.#routes.get(modelName);
  }

  swap(routes: Routes): void {
    this.#plain = routes;
    this.#routes = new Map(Object.entries(routes).map(([name, route]) => [name, compile(name, route)]));
    if (this.isUsed) this.#read(armHeader);
    for (const { header } of this.#routes.values()) if (header !== undefined) this.#read(header);
  }

  /** Keys of the versions that routes name, as `demand/1`: they are loaded, however old they are. */
  get named(): ReadonlySet<string> {
    return new Set(
      Object.entries(this.#plain).flatMap(([name, route]) => versionsOf(route).map((version) => `${name}/${version}`)),
    );
  }

  /** @param read - Called with each header that routes read: those of now, at once, and those to come. */
  watchHeaders(read: (name: string) => void): void {
    this.#onHeader = read;
    for (const name of this.#headers) read(name);
  }

  #read(header: string): void {
    if (this.#headers.has(header)) return;
    this.#headers.add(header);
    this.#onHeader(header);
  }
}

/** The versions that a route names. */
export function versionsOf({ champion, canary, shadows = [] }: Route): number[] {
  return [champion, ...(canary === undefined ? [] : [canary.version]), ...shadows.map(({ version }) => version)];
}

function compile(name: string, route: Route): ModelRoute {
  const { champion, canary, assign_by: { feature, header } = {}, salt, shadows = [] } = route;
  return {
    champion,
    canary:
      canary === undefined
        ? undefined
        : {
            versionName: String(canary.version),
            buckets: Math.round(canary.share * bucketCount),
            // Another canary is another experiment: its keys are drawn anew.
            salt: salt ?? `${name}/${canary.version}`,
          },
    shadows:
      shadows.length === 0
        ? undefined
        : shadows.map(({ version, share = 1 }) => ({
            versionName: String(version),
            buckets: Math.round(share * bucketCount),
            salt: `${name}/shadow/${version}`,
          })),
    feature,
    header,
  };
}

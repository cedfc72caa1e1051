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

/** When rows are alike, and what is shown of those that aren't. */
export interface CompareRules {
  /** Largest |difference| of rows that are alike. */
  readonly tolerance: number;
  /** Outputs that aren't compared, by name; `probabilities` among them: only labels are. */
  readonly ignored: ReadonlySet<string>;
  readonly worstRowFeatures: readonly string[];
}

/** A server that answers in place of a version of this one. */
export interface Mirror {
  readonly url: string;
  readonly protocol: "predict" | "open_inference";
  readonly timeoutMs: number;
  /** What it is sent of each row; undefined for all but personal data. */
  readonly features: readonly string[] | undefined;
}

/** A version, here or behind a URL, that answers the champion's calls once more, for nobody. */
export interface Shadow {
  /** As comparisons and metrics have it: the version's number, or the URL. */
  readonly name: string;
  /** Undefined for a version of this server. */
  readonly mirror: Mirror | undefined;
  readonly rules: CompareRules;
  /** All but the share: the comparison goes on as long as it is the same. */
  readonly key: string;
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
  /** Whether one of them is a URL: then calls that are mirrored themselves have none, so that none goes in a circle. */
  readonly hasMirrors: boolean;
  readonly feature: string | undefined;
  /** In lower case. */
  readonly header: string | undefined;
}

/** How long a mirror may take, milliseconds, where its route doesn't say it. */
const mirrorTimeoutMs = 500;

/** A tester asks by it for a version. */
export const armHeader = "x-plumb-arm";

/** Of a request that is a mirrored one. */
export const shadowHeader = "x-plumb-shadow";

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

  get hasMirrors(): boolean {
    return [...this.#routes.values()].some(({ hasMirrors }) => hasMirrors);
  }

  of(modelName: string): ModelRoute | undefined {
    return this.#routes.get(modelName);
  }

  swap(routes: Routes): void {
    this.#plain = routes;
    this.#routes = new Map(Object.entries(routes).map(([name, route]) => [name, compile(name, route)]));
    if (this.isUsed) this.#read(armHeader);
    for (const { header, hasMirrors } of this.#routes.values()) {
      if (header !== undefined) this.#read(header);
      if (hasMirrors) this.#read(shadowHeader);
    }
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
  return [champion, ...(canary ? [canary.version] : []), ...shadows.flatMap(({ version }) => version ?? [])];
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
    shadows: shadows.length === 0 ? undefined : shadows.map((shadow) => compileShadow(name, shadow, route.compare)),
    hasMirrors: shadows.some(({ url }) => url !== undefined),
    feature,
    header,
  };
}

type PlainShadow = NonNullable<Route["shadows"]>[number];

function compileShadow(model: string, { share = 1, ...shadow }: PlainShadow, rules: Route["compare"] = {}): Shadow {
  const { version, url, protocol = "predict", timeout_ms: timeoutMs = mirrorTimeoutMs, features } = shadow;
  const { tolerance = 0, ignore_outputs: ignored = [], worst_row_features: worstRowFeatures = [] } = rules;
  const name = url ?? String(version);
  return {
    name,
    mirror: url === undefined ? undefined : { url, protocol, timeoutMs, features },
    rules: { tolerance, ignored: new Set(ignored), worstRowFeatures },
    key: JSON.stringify([name, protocol, timeoutMs, features, tolerance, ignored, worstRowFeatures]),
    buckets: Math.round(share * bucketCount),
    salt: `${model}/shadow/${name}`,
  };
}

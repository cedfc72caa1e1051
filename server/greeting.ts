/** What a person wants to see of a server that has started: where, what, and a line to try. */

import type { Config } from "./config.js";
import { curlCommand, exampleRow } from "./example-row.js";
import { urlHost } from "./transport/address.js";
import type { ListedVersion, Registry } from "./versions/registry.js";
import { Servable } from "./versions/servable.js";

export interface Ports {
  readonly httpPort: number;
  /** Undefined without gRPC. */
  readonly grpcPort: number | undefined;
}

export function greeting(config: Config, ports: Ports, adminPort: number, registry: Registry): string {
  return addresses(config, ports, adminPort) + whatIsServed(config, ports, registry);
}

export function addresses({ host, adminHost }: Config, { httpPort, grpcPort }: Ports, adminPort: number): string {
  const http = `http://${urlHost(host)}:${httpPort}`;
  const lines = [`Plumb listens on ${http} (predictions) and http://${urlHost(adminHost)}:${adminPort} (metrics)`];
  if (grpcPort !== undefined) lines.push(`and on ${urlHost(host)}:${grpcPort} (predictions over gRPC)`);
  return `${lines.join("\n")}\n`;
}

export function whatIsServed({ host }: Config, { httpPort }: Ports, registry: Registry): string {
  const lines: string[] = [];
  for (const [name, versions] of registry.models) {
    for (const version of versions) lines.push(`  ${name}/${version.number}  ${version.state}  ${describe(version)}`);
  }
  const version = registry.versions.find(({ state }) => state === "ready");
  // With a memory budget all may be cold.
  if (version === undefined) return `${lines.join("\n")}\n`;
  const url = `http://${urlHost(host)}:${httpPort}/models/${version.name}/predict`;
  lines.push("Try:", `  ${curlCommand(url, exampleRow(version.contract))}`, "");
  return lines.join("\n");
}

function describe(version: ListedVersion): string {
  if (version instanceof Servable && version.proof) {
    return `${version.proof.rows} golden rows proved on ${version.proof.executors.join(" and ")}`;
  }
  return version.state === "incomplete" ? `refused until it is whole; ${version.reason}` : (version.reason ?? "");
}

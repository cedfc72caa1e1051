/**
 * Removes the native binaries that this Node on this platform can't load; used when the image is made.
 *
 * onnxruntime-node and uWebSockets.js carry theirs for every platform in one package: half a gigabyte, of which one
 * process loads about 50 MB.
 */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup/project.mjs";

const { platform, arch, versions } = process;

function keepOnly(folder, keep, isCandidate = () => true) {
  const names = readdirSync(join(root, "node_modules", folder));
  if (!names.includes(keep)) throw new Error(`${folder} has no ${keep}: its layout has changed`);
  for (const name of names) {
    if (name !== keep && isCandidate(name)) rmSync(join(root, "node_modules", folder, name), { recursive: true });
  }
}

keepOnly("uWebSockets.js", `uws_${platform}_${arch}_${versions.modules}.node`, (name) => name.endsWith(".node"));
keepOnly("onnxruntime-node/bin/napi-v6", platform);
keepOnly(`onnxruntime-node/bin/napi-v6/${platform}`, arch);

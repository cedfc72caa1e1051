/**
 * What the other scripts ask for before they do their work. Each step costs milliseconds when there is nothing to do.
 */

export { ensureBuild } from "./setup/build.mjs";
export { ensureDebianPackages } from "./setup/debian.mjs";
export { ensureDependencies } from "./setup/dependencies.mjs";
export {
  ensureClientsPython,
  ensureEnvoyPython,
  ensurePython,
  ensureSchemathesisPython,
  ensureTestPython,
} from "./setup/python.mjs";

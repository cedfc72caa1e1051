/**
 * What a model's typed service is called: `plumb.models.demand.Predictor`.
 *
 * A model's name may hold what a package's may not, and each name has a package of its own: `-` is `_`, `_` is `__`, `.`
 * is `P`, a `-` beside another `-` or a `_` is `D`, and `N` stands before a first digit. Names have no capital letters.
 */

import { quote } from "../../../bundle/index.js";
import { ServeError } from "../../errors.js";

/** Before and behind the part that stands for the model. */
const before = "plumb.models.";
export const serviceName = "Predictor";
export const methodName = "Predict";

/** The address of every typed service, as the table of routes has it. */
export const serviceAddress = `/${before}{package}.${serviceName}/${methodName}`;

export function packageOf(modelName: string): string {
  const part = modelName
    .replace(/(?<=[-_])-|-(?=[-_])/g, "D")
    .replaceAll("_", "__")
    .replaceAll("-", "_")
    .replaceAll(".", "P");
  return `${before}${/^[0-9]/.test(part) ? "N" : ""}${part}`;
}

export function serviceOf(modelName: string): string {
  return `${packageOf(modelName)}.${serviceName}`;
}

/**
 * The model whose package ends in this.
 *
 * @throws {@link ServeError} model_not_found for what no model's package ends in.
 */
export function modelOfPackage(part: string): string {
  const name = part
    .replace(/^N(?=[0-9])/, "")
    .replace(/__?/g, (found) => (found === "_" ? "-" : "_"))
    .replaceAll("D", "-")
    .replaceAll("P", ".");
  if (/^[a-z0-9][a-z0-9._-]*$/.test(name) && packageOf(name) === before + part) return name;
  throw new ServeError(
    "model_not_found",
    `no model has the package ${quote(before + part)}: see GET /models/{model}/proto`,
  );
}

/** The file of a model's proto, as those name it that ask for it by its name: `plumb/models/demand.proto`. */
export function protoFileOf(modelName: string): string {
  return `${packageOf(modelName).replaceAll(".", "/")}.proto`;
}

/**
 * The model to whose proto a full name belongs, and the rest of the name: `plumb.models.demand.Predictor` is `demand` and
 * `Predictor`.
 *
 * @returns Undefined for what belongs to no model's proto.
 */
export function ownerOf(fullName: string): { readonly modelName: string; readonly rest: string } | undefined {
  if (!fullName.startsWith(before)) return undefined;
  const [part = "", ...rest] = fullName.slice(before.length).split(".");
  return { modelName: modelOfPackage(part), rest: rest.join(".") };
}

/** Whose statistics are asked for: all versions that serve, those of a model, or one. */

import type { Statistics } from "../observe/statistics.js";
import { servedBy } from "../path/serving-version.js";
import { type ModelStatistics, modelStatistics } from "../protocol/open-inference/statistics.js";
import type { Registry } from "../versions/registry.js";

export interface StatisticsNeeds {
  readonly registry: Registry;
  readonly statistics: Pick<Statistics, "of">;
}

/**
 * @param modelName - Of a model, or of its block view; undefined for all models.
 * @param versionName - Undefined for all versions that serve.
 * @throws {@link ServeError} model_not_found, not_ready.
 */
export function describeStatistics(
  { registry, statistics }: StatisticsNeeds,
  modelName?: string,
  versionName?: string,
): { readonly model_stats: readonly ModelStatistics[] } {
  const serving = registry.versions.filter(({ state }) => state === "ready");
  const chosen = modelName === undefined ? undefined : registry.chooseView(modelName, versionName);
  const model = chosen && servedBy(chosen).name;
  const asked =
    chosen === undefined
      ? serving
      : versionName !== undefined
        ? [chosen]
        : serving
            .filter(({ name }) => name === model)
            .map((version) => (chosen.viewOf === undefined ? version : version.blockView));
  const described = asked.flatMap((version) => {
    const counts = statistics.of(version);
    return counts === undefined ? [] : [modelStatistics(version, counts)];
  });
  return { model_stats: described };
}

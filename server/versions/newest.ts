/** Which of a store's bundles are loaded: the newest few of each model. Pure. */

/**
 * @param stored - Bundles in any order.
 * @param perModel - How many versions of a model, at least 1: the newest serves, the others stand by for a step back.
 * @returns By name, newest first.
 */
export function newestVersions<T extends { name: string; version: number }>(
  stored: readonly T[],
  perModel: number,
): T[] {
  const taken = new Map<string, number>();
  return [...stored]
    .sort((a, b) => (a.name === b.name ? b.version - a.version : a.name < b.name ? -1 : 1))
    .filter(({ name }) => {
      const count = taken.get(name) ?? 0;
      taken.set(name, count + 1);
      return count < perModel;
    });
}

/** `demand/1`: how executors, logs and metrics call it. */
export function keyOf({ name, version }: { name: string; version: number }): string {
  return `${name}/${version}`;
}

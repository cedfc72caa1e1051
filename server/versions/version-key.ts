/** `demand/1`: how executors, logs and metrics call a version. */
export function keyOf({ name, version }: { name: string; version: number }): string {
  return `${name}/${version}`;
}

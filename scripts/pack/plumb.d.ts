/** The command, for programs: `await run(["verify", "models/demand/1"])` is `plumb verify models/demand/1`. */

/**
 * @param args - Without the command's own name.
 * @returns The exit code: 0 for success, 1 for a failure that was told, 2 for wrong usage.
 */
export declare function run(args: readonly string[]): Promise<number>;

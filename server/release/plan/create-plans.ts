/** All that release plans need, put together; loaded where the routes' file is, and nowhere else. */

import { PlanFiles } from "./plan-files.js";
import { PlanRunner, type PlanRunnerOptions } from "./runner.js";
import { Webhooks } from "./webhooks.js";

export interface PlansOptions extends Omit<PlanRunnerOptions, "files" | "webhooks"> {
  /** `routes.json` */
  readonly file: string;
  readonly webhookHosts: readonly string[];
}

/** @throws Error with a sentence when what plans left on the disk can't be taken. */
export async function createPlans({ file, webhookHosts, ...options }: PlansOptions): Promise<PlanRunner> {
  const webhooks = new Webhooks({
    hosts: webhookHosts.map((host) => host.toLowerCase()),
    onTrouble: (message, url) => options.log("warn", message, { url }),
  });
  const plans = new PlanRunner({ ...options, files: new PlanFiles(file), webhooks });
  await plans.open();
  return plans;
}

/**
 * A release plan: the shares that a canary goes through, and the guards that each step needs. Plain data, as
 * `POST /routes/{model}/plan` takes it.
 */

import { z } from "zod";
import { assignBySchema, shareStep } from "../../routing/route.js";

const seconds = (max: number) => z.int().min(0).max(max);
const margin = z.number().positive().max(1000);
const text = (charsMax: number) => z.string().min(1).max(charsMax);
const share = z
  .number()
  .min(shareStep)
  .max(0.5, "expected a share of at most 0.5: the control needs as many calls; after the last step comes the promotion")
  .refine((value) => Math.abs(value / shareStep - Math.round(value / shareStep)) < 1e-6, {
    error: "expected a multiple of 0.0001 (0.01 %)",
  });

const stepSchema = z.strictObject({
  share,
  /** A step takes at least this long, and this many of the canary's calls. */
  seconds_min: seconds(30 * 86_400).default(60),
  calls_min: z.int().min(1).max(1e9).default(500),
  /** Without a decision by then the step is inconclusive. */
  seconds_max: seconds(365 * 86_400)
    .min(1)
    .default(86_400),
  /** `no_harm` goes on where no guard is harmed; `non_inferiority` needs every guard to pass. */
  needs: z.enum(["non_inferiority", "no_harm"]).default("non_inferiority"),
});

const guard = (marginDefault: number) =>
  z.union([z.literal(false), z.strictObject({ margin: margin.default(marginDefault) })]);

const guardsSchema = z.strictObject({
  /** Calls that fail: difference of the shares. */
  errors: guard(0.005).default({ margin: 0.005 }),
  /** Calls without a usable number of the model: difference of the shares. */
  invalid: guard(0.002).default({ margin: 0.002 }),
  /** Calls that a fallback answered: difference of the shares. */
  fallbacks: guard(0.01).default({ margin: 0.01 }),
  /** Geometric mean of the latency: relative. */
  latency: guard(0.15).default({ margin: 0.15 }),
  /** Quantiles of the latency: relative. The sketch's buckets are 4.4 % wide. */
  latency_p95: guard(0.5).default({ margin: 0.5 }),
  latency_p99: guard(0.5).default(false),
  /** Population stability index of the predictions. */
  predictions: guard(0.25).default({ margin: 0.25 }),
  /** Mean of the predictions, in standard deviations of the control's; in both directions. */
  prediction_mean: guard(0.25).default({ margin: 0.25 }),
  /** Share of rows that a shadow of the canary's version gave another label. */
  flips: guard(0.05).default(false),
  /** One answer for every row, where the control has several. */
  constant: z.boolean().default(true),
  /** Outcomes by feedback, lower is better; the margin is a share of the control's mean. */
  outcomes: z
    .array(z.strictObject({ name: text(100), margin: margin.default(0.05) }))
    .max(8)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "expected each name once")
    .default([]),
  /** Whether the arms' calls have to be as many as each other: only where each call has an arm of its own. */
  sample_ratio: z.boolean().optional(),
});

const webhookSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "expected an address that begins with http:// or https://" }).max(1000),
  /** `gate`: may approve or refuse each step; `events`: is sent each verdict. */
  kind: z.enum(["gate", "events"]).default("events"),
  timeout_ms: z.int().min(10).max(30_000).default(3000),
});

export const planFormat = "plumb-plan/1";

export const planSchema = z.strictObject({
  format: z.literal(planFormat).optional(),
  canary: z.int().min(1),
  assign_by: assignBySchema.optional(),
  steps: z
    .array(stepSchema)
    .min(1)
    .max(20)
    .refine((steps) => steps.every(({ share }, i) => i === 0 || share > steps[i - 1]!.share), {
      error: "expected shares that grow",
    })
    .default([0.01, 0.05, 0.25].map((share) => stepSchema.parse({ share }))),
  guards: guardsSchema.default(guardsSchema.parse({})),
  /** Chance of taking a canary back that is as good, over the whole plan and all guards. */
  alpha: z.number().min(1e-6).max(0.2).default(0.01),
  /** Chance of passing one guard, for a canary that is worse by its whole margin. */
  alpha_promote: z.number().min(1e-6).max(0.2).default(0.05),
  /** Calls of an arm at which the confidence sequences are narrowest, as against other times. */
  decision_calls: z.int().min(10).max(1e9).default(5000),
  /** After the promotion: the old version keeps a share and the guards stay. */
  rollback_window: z
    .strictObject({ seconds: seconds(30 * 86_400).default(3600), holdback: share.default(0.05) })
    .default({ seconds: 3600, holdback: 0.05 }),
  on_inconclusive: z.enum(["hold", "rollback"]).default("hold"),
  webhooks: z.array(webhookSchema).max(8).default([]),
});

export type Plan = z.output<typeof planSchema>;
export type Webhook = Plan["webhooks"][number];

/** @throws Error with a sentence for each fault. */
export function parsePlan(json: unknown): Plan {
  const result = planSchema.safeParse(json);
  if (result.success) return result.data;
  throw new Error(
    result.error.issues
      .map((issue) => {
        const place = issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
        const keys = issue.code === "unrecognized_keys" ? `unknown: ${issue.keys.join(", ")}` : issue.message;
        return `the plan: ${place}${keys}`;
      })
      .join("; "),
  );
}

/**
 * One experiment: what the arms of a route with a canary did since it began.
 *
 * An experiment ends, and the next begins at nothing, when its champion, its canary, or what keys are drawn by changes:
 * then the arms are other calls. It goes on as the share grows: canary and control have as many calls as each other
 * before and after, so that what both had at one time is compared. Beyond a half the control is smaller than the canary;
 * calls of different times would be mixed in different proportions, so there every change of the share begins anew.
 */

import type { Route } from "../../routing/route.js";
import { ArmCounter } from "./arm-counter.js";
import type { ExperimentFigures } from "./arm-figures.js";
import type { ExperimentArm } from "./recent-predictions.js";

export class Experiment {
  readonly model: string;
  /** What it is an experiment of. */
  readonly identity: string;
  readonly arms: Readonly<Record<ExperimentArm, ArmCounter>> = {
    canary: new ArmCounter(),
    control: new ArmCounter(),
    champion: new ArmCounter(),
  };
  readonly champion: number;
  readonly canary: number;
  share: number;
  sinceMs: number | undefined;

  constructor(model: string, route: Route) {
    this.model = model;
    this.identity = identityOf(route);
    this.champion = route.champion;
    this.canary = route.canary!.version;
    this.share = route.canary!.share;
  }

  /** The version that answers an arm's calls. */
  versionOf(arm: ExperimentArm): number {
    return arm === "canary" ? this.canary : this.champion;
  }

  /** @param nowMs - When it began, as long as it has no call. */
  figures(nowMs: number): ExperimentFigures {
    const { model, champion, canary, share, sinceMs = nowMs, arms } = this;
    return {
      model,
      champion,
      canary,
      share,
      sinceMs,
      arms: { canary: arms.canary.figures, control: arms.control.figures, champion: arms.champion.figures },
    };
  }
}

export function identityOf({ champion, canary, assign_by, salt }: Route): string {
  return JSON.stringify([champion, canary!.version, assign_by, salt, Math.max(0.5, canary!.share)]);
}

/** The phases of the scenario: what is sent in each, in terms of the peak. */

export interface Phase {
  readonly id: string;
  readonly title: string;
  /** Times the peak, for `durationS` from the start. */
  readonly factor: number;
  readonly durationS: number;
  /** Whether 0.8 of the peak follows, until answers are normal again. */
  readonly recovers: boolean;
  /** Which bars it is held to. */
  readonly bars: readonly Bar[];
  readonly deadlineMs?: number;
  readonly leaveAfterMs?: number;
  /** How often a caller tries again that is refused or loses its connection. */
  readonly retries?: number;
}

export type Bar = "goodput" | "accepted" | "refused" | "expired" | "rows" | "recovery";

export interface PhaseSettings {
  readonly durationS: number;
  readonly deadlineMs: number;
  readonly leaveAfterMs: number;
}

/** The load that a server handles with ease, and that follows each overload. */
export const calmFactor = 0.8;

export function phasesOf({ durationS, deadlineMs, leaveAfterMs }: PhaseSettings): Phase[] {
  const answers: readonly Bar[] = ["accepted", "refused", "expired", "rows"];
  const short = Math.min(durationS, 20);
  const overloads = [2, 5, 10].map(
    (factor): Phase => ({
      id: `overload-${factor}`,
      title: `${factor} times the peak`,
      factor,
      durationS,
      recovers: true,
      bars: ["goodput", ...answers, "recovery"],
    }),
  );
  const burst = { factor: 5, durationS: 1, recovers: true, bars: [...answers, "recovery"] as const };
  const withDeadline = (factor: number): Phase => ({
    id: `deadline-${factor}`,
    title: `deadline of ${deadlineMs} ms at ${factor}`,
    factor,
    durationS: short,
    recovers: false,
    bars: ["rows"],
    deadlineMs,
  });
  const leaving = (factor: number): Phase => ({
    id: `leaving-${factor}`,
    title: `callers leave after ${leaveAfterMs} ms at ${factor}`,
    factor,
    durationS: short,
    recovers: false,
    bars: ["rows"],
    leaveAfterMs,
  });
  return [
    { id: "calm", title: `${calmFactor} of the peak`, factor: calmFactor, durationS: short, recovers: false, bars: [] },
    ...overloads,
    { ...burst, id: "burst", title: "a burst of 5 peaks in 1 s" },
    { ...burst, id: "storm", title: "the burst, refused callers try again", retries: 3 },
    withDeadline(calmFactor),
    withDeadline(2),
    leaving(calmFactor),
    leaving(2),
  ];
}

/**
 * The models on which engines are compared: one axis at a time round a middle, and the corners at which an engine may
 * fall behind.
 */

export interface ModelSpec {
  /** Letters, digits and hyphens. */
  readonly id: string;
  /** The library that grows it; the demand model is the bundle's own. */
  readonly library: "demand" | "xgboost" | "lightgbm" | "forest";
  readonly trees: number;
  /** XGBoost's limit; the others' trees end by `leaves`, or where every leaf is pure. */
  readonly depth?: number;
  readonly leaves?: number;
  readonly features: number;
  /** 0: one number. */
  readonly classes: number;
  readonly trainingRows: number;
  /** Whether the peers compile it: at some hundred leaves a second, the largest would take an hour. */
  readonly compiled: boolean;
}

const grown = { library: "xgboost", classes: 0, trainingRows: 4000, compiled: false } as const;
const middle = { trees: 200, depth: 6, features: 32 } as const;

const boosted = (change: Partial<ModelSpec>): ModelSpec => {
  const spec = { ...grown, ...middle, ...change };
  return {
    id: `${spec.trees}x${spec.depth}-on-${spec.features}${spec.classes > 0 ? `-${spec.classes}-classes` : ""}`,
    ...spec,
  };
};
const leafWise = (change: Pick<ModelSpec, "trees" | "leaves"> & Partial<ModelSpec>): ModelSpec => {
  const spec = { ...grown, library: "lightgbm", features: 100, trainingRows: 8000, ...change } as const;
  return { id: `lightgbm-${spec.trees}x${spec.leaves}`, ...spec };
};

export const demand: ModelSpec = {
  ...grown,
  id: "demand",
  library: "demand",
  trees: 400,
  depth: 6,
  features: 4,
  compiled: true,
};
export const lightgbm1000 = leafWise({ trees: 1000, leaves: 63, compiled: true });
const atTheMiddle = boosted({ compiled: true });

/** Along each axis in order; the middle stands on all of them. */
export const axes = {
  depth: [boosted({ depth: 4, compiled: true }), atTheMiddle, ...[8, 10, 12].map((depth) => boosted({ depth }))],
  trees: [boosted({ trees: 50, compiled: true }), atTheMiddle, ...[500, 1000, 2000].map((trees) => boosted({ trees }))],
  features: [
    boosted({ features: 4, compiled: true }),
    atTheMiddle,
    boosted({ features: 100 }),
    boosted({ features: 500 }),
  ],
} as const satisfies Record<string, readonly ModelSpec[]>;

const corners: readonly ModelSpec[] = [
  demand,
  lightgbm1000,
  leafWise({ trees: 100, leaves: 31, compiled: true }),
  leafWise({ trees: 1000, leaves: 255 }),
  boosted({ trees: 50, depth: 4, features: 500, compiled: true }),
  boosted({ trees: 100, depth: 12 }),
  boosted({ trees: 1000, depth: 12 }),
  boosted({ classes: 5 }),
  { ...grown, id: "forest-100", library: "forest", trees: 100, features: 32, trainingRows: 8000 },
];

export const grid: readonly ModelSpec[] = [
  ...new Map([...corners, ...Object.values(axes).flat()].map((spec) => [spec.id, spec])).values(),
];

/** One small model of each kind, grown quickly. */
export const quickGrid: readonly ModelSpec[] = grid.filter(({ id }) =>
  ["demand", "lightgbm-100x31", "50x4-on-500", "200x6-on-32"].includes(id),
);

export const rowsPerCall = [1, 4, 16, 64, 256, 1024] as const;
export const quickRowsPerCall = [1, 64, 1024] as const;

/** A model in words. */
export function modelText({ library, trees, depth, leaves, features, classes }: ModelSpec): string {
  const of = {
    demand: "demand: XGBoost",
    xgboost: "XGBoost",
    lightgbm: "LightGBM, float64",
    forest: "scikit-learn's forest",
  }[library];
  const size = depth === undefined ? (leaves === undefined ? "" : ` of ${leaves} leaves`) : ` of depth ${depth}`;
  return `${of}, ${trees} trees${size}, ${features} features${classes > 0 ? `, ${classes} classes` : ""}`;
}

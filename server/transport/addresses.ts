/** What is served where: for `GET /`, and for the page of the docs that a test holds to this. */

export interface ServedAddress {
  readonly verb: "GET" | "POST";
  readonly address: string;
  readonly what: string;
}

const everywhere: readonly ServedAddress[] = [
  { verb: "GET", address: "/models", what: "the models, and the state of each version" },
  {
    verb: "GET",
    address: "/models/{model}",
    what: "one model: its schema, and of each version what was proved, its limits and problems",
  },
  { verb: "GET", address: "/health/live", what: "whether the process answers" },
  { verb: "GET", address: "/health/ready", what: "whether every model is ready" },
];

export const publicAddresses: readonly ServedAddress[] = [
  { verb: "GET", address: "/", what: "what is served and how to call it: a page for people, JSON for programs" },
  { verb: "POST", address: "/predict", what: "a prediction of the default model" },
  { verb: "POST", address: "/models/{model}/predict", what: "a prediction of the newest version that is ready" },
  { verb: "POST", address: "/models/{model}/versions/{version}/predict", what: "a prediction of this version" },
  ...everywhere,
];

export const adminAddresses: readonly ServedAddress[] = [
  { verb: "GET", address: "/metrics", what: "metrics, in Prometheus's text format" },
  ...everywhere,
];

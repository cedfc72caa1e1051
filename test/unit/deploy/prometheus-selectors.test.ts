/** Does a test see every series that an expression asks for? */

import { describe, expect, it } from "vitest";
import { seriesUse } from "../../support/prometheus-selectors.js";

const metricsOf = (expression: string) => seriesUse(expression).selectors.map(({ metric }) => metric);

describe("the series of an expression", () => {
  it.each([
    ["up", ["up"]],
    ["sum by (job, model) (rate(a_total[5m])) / (sum(b_total) > 0)", ["a_total", "b_total"]],
    ['histogram_quantile(0.95, sum by (le) (rate(a_bucket{x="1"}[5m])))', ["a_bucket"]],
    ["job:a:rate5m > 14.4 * 0.05 and job:b:rate1h > 1 / 60", ["job:a:rate5m", "job:b:rate1h"]],
    ["a unless on (x) b offset 15m or absent(c)", ["a", "b", "c"]],
    ["a / ignoring (x) group_left () b", ["a", "b"]],
    ["sum(a) without (x) > bool 1e3", ["a"]],
    ["max_over_time(a[5m:1m] @ end())", ["a"]],
    ["# a comment about c\na", ["a"]],
    ['label_replace(a, "x", "$1", "y", "b{c}")', ["a"]],
    ["1 + inf - 0x1F", []],
  ])("%s", (expression, metrics) => expect(metricsOf(expression)).toEqual(metrics));

  it("have their matchers", () => {
    expect(seriesUse('a{x="1", y!~\'b|c\\\\d\', z=~"}"}').selectors).toEqual([
      {
        metric: "a",
        matchers: [
          { label: "x", operator: "=", value: "1" },
          { label: "y", operator: "!~", value: "b|c\\d" },
          { label: "z", operator: "=~", value: "}" },
        ],
      },
    ]);
  });

  it("are grouped by labels", () => {
    expect(seriesUse("sum by (job, model) (a) / on (job) group_left (version) b").groupings).toEqual([
      "job",
      "model",
      "job",
      "version",
    ]);
  });

  it.each(['{__name__="a"}', "a ~ b", 'a{x="1}'])(
    "what isn't understood is refused, not overlooked: %s",
    (expression) => {
      expect(() => seriesUse(expression)).toThrow();
    },
  );
});

/** Goal: what the server counted during a run, and nothing of what was before it or of another server. */

import { afterEach, describe, expect, test } from "vitest";
import { parseSamples } from "../../../loadtest/prometheus-text.js";
import { histogramQuantile, serverView, watchServer } from "../../../loadtest/server-metrics.js";
import { startTestServer, type TestServer } from "../../support/test-server.js";

const scrape = (
  calls: number,
  batches: readonly [number, number, number],
  seconds: number,
) => `# HELP plumb_requests_total Calls.
# TYPE plumb_requests_total counter
plumb_requests_total{model="demand",version="1",result="ok"} ${calls}
plumb_requests_total{model="demand",version="2",result="overloaded"} 3
plumb_batch_rows_bucket{model="demand",version="1",executor="inline",le="1"} ${batches[0]}
plumb_batch_rows_bucket{model="demand",version="1",executor="inline",le="2"} ${batches[1]}
plumb_batch_rows_bucket{model="demand",version="1",executor="inline",le="+Inf"} ${batches[2]}
plumb_batch_rows_sum{model="demand",version="1",executor="inline"} 99
plumb_batch_rows_count{model="demand",version="1",executor="inline"} ${batches[2]}
plumb_stage_seconds_bucket{model="demand",version="1",stage="run",le="0.001"} ${calls}
plumb_stage_seconds_bucket{model="demand",version="1",stage="run",le="+Inf"} ${calls}
plumb_stage_seconds_sum{model="demand",version="1",stage="run"} ${seconds}
plumb_stage_seconds_count{model="demand",version="1",stage="run"} ${calls}
odd{text="a \\"quoted\\" } brace"} 1.5e-3
`;

let server: TestServer | undefined;
afterEach(async () => {
  await server?.end();
});

test("samples have names, labels and values", () => {
  const samples = [...parseSamples(scrape(5, [1, 2, 3], 0.5)).values()];
  expect(samples).toHaveLength(12);
  expect(samples[0]).toEqual({
    name: "plumb_requests_total",
    labels: { model: "demand", version: "1", result: "ok" },
    value: 5,
  });
  expect(samples.at(-1)).toMatchObject({ name: "odd", value: 0.0015 });
});

test("the view is what came in between", () => {
  const view = serverView(parseSamples(scrape(5, [1, 2, 3], 0.5)), parseSamples(scrape(25, [11, 14, 16], 1.5)));
  expect(view.calls).toBe(20);
  expect(view.batchRows).toEqual([
    { executor: "inline", histogram: { bounds: [1, 2, Infinity], counts: [10, 2, 1], count: 13, sum: 0 } },
  ]);
  expect(view.stages).toEqual([
    { stage: "run", histogram: { bounds: [0.001, Infinity], counts: [20, 0], count: 20, sum: 1 } },
  ]);
});

describe("a quantile of a histogram", () => {
  const histogram = { bounds: [1, 2, Infinity], counts: [10, 10, 0], count: 20, sum: 0 };
  test.each([
    [0.25, 0.5],
    [0.5, 1],
    [0.75, 1.5],
    [1, 2],
  ])("%d", (share, expected) => expect(histogramQuantile(histogram, share)).toBeCloseTo(expected, 10));
  test("beyond the last finite bound is that bound", () => {
    expect(histogramQuantile({ ...histogram, counts: [0, 0, 5], count: 5 }, 0.5)).toBe(2);
  });
  test("of nothing is none", () => expect(histogramQuantile({ ...histogram, count: 0 }, 0.5)).toBeUndefined());
});

describe("watching a server", () => {
  const watch = async (answers: readonly string[], answered: number, status = 200) => {
    let asked = 0;
    server = await startTestServer((response) => response.writeHead(status).end(answers[asked++]));
    const watching = await watchServer({ host: "127.0.0.1", port: server.port, path: "/metrics" });
    return watching.end(answered);
  };
  const [before, after] = [scrape(5, [1, 2, 3], 0.5), scrape(25, [11, 14, 16], 1.5)];

  test("gives its view", async () => expect(await watch([before, after], 20)).toMatchObject({ view: { calls: 20 } }));
  test("says that it is another server where it counted too little", async () => {
    expect(await watch([before, after], 21)).toMatchObject({
      why: expect.stringMatching(/counted 20 calls while 21 were answered/),
    });
  });
  test("says what is wrong with an address", async () => {
    expect(await watch(["hello"], 1)).toMatchObject({ why: expect.stringMatching(/has no metrics of Plumb's/) });
    await server!.end();
    expect(await watch([""], 1, 404)).toMatchObject({ why: expect.stringMatching(/answers with status 404/) });
    const { port } = server!;
    await server!.end();
    const nobody = await watchServer({ host: "127.0.0.1", port, path: "/metrics" });
    expect(await nobody.end(1)).toMatchObject({ why: expect.stringMatching(/doesn't answer \(ECONNREFUSED\)/) });
  });
});

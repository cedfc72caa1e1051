/** Goal: `GET /` says what is served now, to people and to programs, and lets no text of a bundle become markup. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { GoldenRow } from "../../../../bundle/index.js";
import { newestReady } from "../../../../server/routing/newest-ready.js";
import { indexPageHeaders } from "../../../../server/transport/index-page.js";
import { publicRoutes } from "../../../../server/transport/routes.js";
import { IndexAnswers } from "../../../../server/transport/server-index.js";
import { Registry } from "../../../../server/versions/registry.js";
import type { Servable } from "../../../../server/versions/servable.js";
import { makeVersion } from "../../../support/versions.js";

const golden = (row: Record<string, number>) => [
  { kind: "sample", row, rowJson: JSON.stringify(row) } as unknown as GoldenRow,
];
const schemaOf = (name: string) => ({
  type: "object",
  properties: { x: { type: "number" }, [name]: { type: "number", minimum: 0 } },
  required: ["x"],
  additionalProperties: false,
});

function indexOf(
  versions: readonly Servable[],
  { ready = true, defaultModel = undefined as string | undefined } = {},
): IndexAnswers {
  const registry = new Registry(defaultModel, newestReady);
  for (const version of versions) registry.add(version);
  return new IndexAnswers(
    registry,
    () => ready,
    "1.2.3",
    () => "http://127.0.0.1:8080",
  );
}

const failed = makeVersion({ name: "demand", number: 3, state: "proving" });
failed.fail(["inline: golden.jsonl line 3: expected 1, got 2"]);
const demand = [failed, makeVersion({ name: "demand", number: 2, golden: golden({ x: 1.5 }) })];
const spam = makeVersion({ name: "spam", state: "loading", task: "classification" });

describe("for programs", () => {
  test("it is JSON: models, versions, what answers, and how to ask", () => {
    const answer = JSON.parse(indexOf([...demand, spam], { ready: false, defaultModel: "demand" }).json());
    expect(answer).toEqual({
      server: "plumb",
      version: "1.2.3",
      ready: false,
      default_model: "demand",
      models: [
        {
          name: "demand",
          task: "regression",
          serving: 2,
          versions: [
            { version: 3, state: "failed" },
            { version: 2, state: "ready" },
          ],
          predict: "/models/demand/predict",
          describe: "/models/demand",
          example: { x: 1.5 },
        },
        {
          name: "spam",
          task: "classification",
          serving: null,
          versions: [{ version: 1, state: "loading" }],
          predict: "/models/spam/predict",
          describe: "/models/spam",
          example: null,
        },
      ],
      addresses: publicRoutes.map(({ verb, address, what }) => ({ verb, address, what })),
    });
  });

  test("no model is the default one where none is set and there are several, or none", () => {
    for (const versions of [[...demand, spam], []])
      expect(JSON.parse(indexOf(versions).json())).toMatchObject({ default_model: null });
  });
});

describe("for people", () => {
  test("it is a page with each version's state, why one failed, and a command", () => {
    const page = indexOf([...demand, spam]).html();
    for (const text of [
      "version 3: failed",
      "version 2: ready",
      "version 1: loading",
      "inline: golden.jsonl line 3: expected 1, got 2",
    ]) {
      expect(page).toContain(text);
    }
    const command = `curl -s <span class="base">http://127.0.0.1:8080</span>/models/demand/predict -H &#39;content-type: application/json&#39; -d &#39;{&quot;x&quot;:1.5}&#39;`;
    expect(page).toContain(command);
    expect(page).not.toContain("/models/spam/predict");
  });

  test("nothing in it comes from elsewhere, and only its own style and script run", () => {
    const page = indexOf(demand).html();
    expect(
      page
        .match(/(?:src|href)="(?!data:)[^"]*"/g)!
        .every((link) => /^href="(?:models|health|v[12]|ping|docs|openapi|\.)[\w/.-]*"$/.test(link)),
    ).toBe(true);
    expect(page).not.toMatch(/ (?:style|on\w+)=/);
    const headers = indexPageHeaders();
    const policy = headers[headers.indexOf("content-security-policy") + 1]!;
    expect(policy).toContain("default-src 'none'");
    for (const element of ["style", "script"]) {
      const [, text] = new RegExp(`<${element}>([^]*?)</${element}>`).exec(page)!;
      expect(policy).toContain(`${element}-src 'sha256-${createHash("sha256").update(text!).digest("base64")}'`);
    }
  });

  test("names and reasons are text, never markup", () => {
    const nasty = `<img src=x onerror="alert('1')">`;
    const version = makeVersion({ name: "nasty", schema: schemaOf(nasty), golden: golden({ x: 1, [nasty]: 2 }) });
    const broken = makeVersion({ name: "broken", state: "proving" });
    broken.fail([`${nasty}${"x".repeat(5_000)}`]);
    const page = indexOf([version, broken]).html();
    expect(page).not.toContain("<img");
    expect(page.match(/&lt;img src=x onerror=\\?&quot;alert\(&#39;/g)!.length).toBeGreaterThanOrEqual(3);
    expect(page).not.toContain("x".repeat(400));
  });

  test("of many models it stays small: the first are shown in full, all are named", () => {
    const features = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, { type: "number" }]));
    const schema = {
      type: "object",
      properties: { x: { type: "number" }, ...features },
      required: ["x"],
      additionalProperties: false,
    };
    const versions = Array.from({ length: 60 }, (_, i) =>
      makeVersion({ name: `m${100 + i}`, schema, golden: golden({ x: i }) }),
    );
    const page = indexOf(versions).html();
    expect(page.match(/<pre>/g)).toHaveLength(20);
    for (const { name } of versions) expect(page).toContain(`<h3>${name}</h3>`);
    expect(page.length).toBeLessThan(250_000);
  });
});

test("a state that changes is seen at once, and nothing is written twice meanwhile", () => {
  const version = makeVersion({ name: "demand", state: "proving", golden: golden({ x: 1 }) });
  const index = indexOf([version]);
  const [html, json] = [index.html(), index.json()];
  expect([index.html(), index.json()]).toEqual([html, json]);
  version.transition("ready");
  expect(index.html()).toContain("version 1: ready");
  expect(JSON.parse(index.json()).models[0].serving).toBe(1);
});

/** Goal: pages of the origins that are listed may call, and nobody else notices anything. */

import { expect, test } from "vitest";
import { Cors } from "../../../../server/transport/cors.js";
import type { Exchange } from "../../../../server/transport/http/transport.js";

function ask(method: string, headers: Record<string, string>) {
  const added: string[] = [];
  const sent: unknown[][] = [];
  const exchange = {
    method,
    header: (name: string) => headers[name] ?? "",
    addHeaders: (more: readonly string[]) => added.push(...more),
    send: (...reply: unknown[]) => sent.push(reply),
  };
  const answered = new Cors(["https://app.example.com", "http://localhost:3000"]).answers(
    exchange as unknown as Exchange,
  );
  return { answered, added: added.join(" "), sent };
}

test("a listed origin gets its own name back, whatever the letter case", () => {
  const { answered, added, sent } = ask("POST", { origin: "HTTPS://App.example.com" });
  expect([answered, sent]).toEqual([false, []]);
  expect(added).toMatch(/access-control-expose-headers .*x-plumb-version, .*x-plumb-arm/);
  expect(added).toMatch(/^access-control-allow-origin https:\/\/app\.example\.com vary origin access-control-expose-/);
});

test("its question whether it may call is answered", () => {
  const { answered, sent } = ask("OPTIONS", {
    origin: "http://localhost:3000",
    "access-control-request-method": "POST",
  });
  expect(answered).toBe(true);
  expect(sent).toEqual([[200, "text/plain", "", expect.arrayContaining(["GET, POST", "600"])]]);
  expect(sent[0]![3]).toContainEqual(expect.stringMatching(/content-type, .*x-plumb-arm/));
});

test.each<[string, string, Record<string, string>]>([
  ["an origin that isn't listed", "POST", { origin: "https://evil.example" }],
  ["a question of one", "OPTIONS", { origin: "https://evil.example", "access-control-request-method": "POST" }],
  ["an origin that begins like a listed one", "POST", { origin: "https://app.example.com.evil.example" }],
  ["no browser", "POST", {}],
])("%s gets no header", (_, method, headers) => {
  expect(ask(method, headers)).toEqual({ answered: false, added: "", sent: [] });
});

test("OPTIONS that asks for no verb is a request as any other", () => {
  expect(ask("OPTIONS", { origin: "http://localhost:3000" }).answered).toBe(false);
});

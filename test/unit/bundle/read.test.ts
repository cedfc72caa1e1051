import { expect, test } from "vitest";
import { readBundle } from "../../../bundle/index.js";
import { writeTinyBundle } from "../../fixtures/tiny-bundle.js";

test("reads a sound bundle", async () => {
  const written = await writeTinyBundle();
  const bundle = await readBundle(written.directory);
  await written.remove();
  expect(bundle).toMatchObject({ directory: written.directory, name: "tiny", version: 1 });
  expect(bundle.golden).toHaveLength(260);
  expect(bundle.models[0]!.bytes).toEqual(new Uint8Array(2048).fill(7));
  expect(bundle.rowSchema.accepts({ price: 3, promo: 1 })).toBe(true);
});

/** Goal: a routing policy of one's own decides which version answers, wherever that is asked or shown. */

import { expect, test } from "vitest";
import { newestReady } from "../../server/routing/newest-ready.js";
import { describeModel } from "../../server/transport/describe.js";
import { Registry } from "../../server/versions/registry.js";
import { createHandPath } from "../support/hand-path.js";
import { makeVersion } from "../support/versions.js";
import { pinnedVersion } from "./pinned-version.js";

test("a routing policy of one's own", () => {
  const registry = new Registry(undefined, pinnedVersion({ tiny: 1 }, newestReady));
  const pinned = makeVersion({ number: 1, rowsMax: 7 });
  for (const version of [pinned, makeVersion({ number: 2 })]) registry.add(version);
  for (const number of [1, 2]) registry.add(makeVersion({ name: "spam", number }));
  const rig = createHandPath([], { registry });
  const answered = (model: string, version?: string) => {
    const { call, sent } = rig.send({ body: '{"x": 3}', model, ...(version !== undefined && { version }) });
    if (sent.length === 0) rig.run();
    return call.version?.number ?? call.error?.code;
  };

  expect([answered("tiny"), answered("tiny", "2"), answered("spam")]).toEqual([1, 2, 2]);
  expect(describeModel(registry, "tiny")).toMatchObject({
    serving: 1,
    versions: [{ role: "standby" }, { role: "champion" }],
  });
  expect(registry.limits("tiny", undefined).decode.rowsMax).toBe(7);

  // A pin is no wish: the model answers with this version or not at all.
  void pinned.drain();
  expect([answered("tiny"), answered("tiny", "2")]).toEqual(["not_ready", 2]);
});

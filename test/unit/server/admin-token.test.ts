/** Goal: an admin listener that others reach has a token, or the server doesn't start. */

import { expect, test } from "vitest";
import { readConfig } from "../../../server/config.js";

test.each(["0.0.0.0", "::", "10.1.2.3", "plumb.internal"])("on %s it needs a token", (host) => {
  expect(() => readConfig(["--admin-host", host], {}, "test")).toThrow(
    `the admin listener is on "${host}", where others reach it, and has no token: set --admin-token-file`,
  );
  expect(readConfig(["--admin-host", host, "--admin-token-file", "t"], {}, "test").adminTokenFile).toBe("t");
});

test.each(["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost"])("on %s it needs none", (host) => {
  expect(readConfig(["--admin-host", host], {}, "test").adminTokenFile).toBeUndefined();
});

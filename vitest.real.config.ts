import { defineConfig } from "vitest/config";

/** `npm run test:real`: tests that take real programs and more time than `npm test` has. */
export default defineConfig({
  test: {
    include: ["test/real/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Each has a load of its own: beside another one it would wait for a processor.
    maxWorkers: 1,
  },
});

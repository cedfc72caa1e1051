import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They have a command of their own: npm run test:real.
    exclude: ["test/real/**"],
    // End-to-end tests start real servers; a loaded two-core machine needs room.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});

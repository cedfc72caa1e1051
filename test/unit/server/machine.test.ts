/** Goal: workers and bytes in flight fit what a container may use, whatever machine it is on. */

import { describe, expect, test } from "vitest";
import { defaultBytesMax, defaultWorkers, processorQuota, readMachine, shareOf } from "../../../server/machine.js";

const mib = 1_048_576;
const gib = 1024 * mib;

describe("settings that aren't set", () => {
  test.each([
    // processors, memory, workers, bytes of bodies
    [0.5, 512 * mib, 1, 64 * mib],
    [1, 512 * mib, 1, 64 * mib],
    [1.5, 512 * mib, 1, 64 * mib],
    [2, 2 * gib, 1, 256 * mib],
    [2.9, 2 * gib, 1, 256 * mib],
    [3, gib, 2, 128 * mib],
    [4, 24 * gib, 3, 256 * mib],
    [64, 512 * mib, 4, 64 * mib],
    [64, 64 * mib, 1, 8 * mib],
    [64, 256 * gib, 63, 256 * mib],
    [2, 4 * mib, 1, mib],
  ])(
    "%d processors and %d bytes of memory: %d workers, %d bytes of bodies",
    (processors, memoryBytes, workers, bytesMax) => {
      const machine = { processors, memoryBytes };
      expect([defaultWorkers(machine), defaultBytesMax(machine)]).toEqual([workers, bytesMax]);
    },
  );
});

test.each([
  // processors, memory, processes: workers and bytes of bodies of each
  [2, 2 * gib, 2, 1, 128 * mib],
  [8, 4 * gib, 2, 3, 256 * mib],
  [8, 4 * gib, 8, 1, 64 * mib],
  [64, gib, 4, 2, 32 * mib],
])(
  "%d processors and %d bytes for %d processes: %d workers and %d bytes in each",
  (processors, memoryBytes, processes, workers, bytesMax) => {
    const share = shareOf({ processors, memoryBytes }, processes);
    expect([defaultWorkers(share), defaultBytesMax(share)]).toEqual([workers, bytesMax]);
  },
);

describe("the quota of processors", () => {
  const none = Number.POSITIVE_INFINITY;
  const unified = "0::/\n";
  const legacy = "11:memory:/pod/a\n4:cpu,cpuacct:/pod/a\n3:cpuset:/\n0::/\n";
  test.each<[string, Record<string, string>, number]>([
    ["nothing is known", {}, none],
    [
      "cgroup v2, in a namespace of its own",
      { "/proc/self/cgroup": unified, "/sys/fs/cgroup/cpu.max": "150000 100000\n" },
      1.5,
    ],
    ["cgroup v2 without a quota", { "/proc/self/cgroup": unified, "/sys/fs/cgroup/cpu.max": "max 100000\n" }, none],
    [
      "cgroup v2, a group around it that grants less",
      {
        "/proc/self/cgroup": "0::/a.slice/b.service\n",
        "/sys/fs/cgroup/a.slice/cpu.max": "200000 100000\n",
        "/sys/fs/cgroup/a.slice/b.service/cpu.max": "400000 100000\n",
      },
      2,
    ],
    [
      "cgroup v1, in a container that sees its own group as the root",
      {
        "/proc/self/cgroup": legacy,
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      },
      0.5,
    ],
    [
      "cgroup v1, seen from outside",
      {
        "/proc/self/cgroup": legacy,
        "/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/cpu/pod/a/cpu.cfs_quota_us": "300000\n",
        "/sys/fs/cgroup/cpu/pod/a/cpu.cfs_period_us": "100000\n",
      },
      3,
    ],
    [
      "cgroup v1 without a quota",
      {
        "/proc/self/cgroup": legacy,
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      },
      none,
    ],
    ["a file that says something else", { "/proc/self/cgroup": unified, "/sys/fs/cgroup/cpu.max": "unlimited" }, none],
  ])("%s", (_name, files, quota) => {
    expect(processorQuota((path) => files[path])).toBe(quota);
  });
});

test("this machine has some of both", () => {
  const { processors, memoryBytes } = readMachine();
  expect(processors).toBeGreaterThan(0);
  expect(memoryBytes).toBeGreaterThan(64 * mib);
  expect(Number.isFinite(processors) && Number.isFinite(memoryBytes)).toBe(true);
});

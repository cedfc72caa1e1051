/** Goal: load goes to this machine and nowhere else. */

import { describe, expect, test } from "vitest";
import { parseTarget, requestBytes, targetUrl } from "../../../loadtest/target.js";

describe("a target", () => {
  test.each([
    ["http://127.0.0.1:8080/predict", { host: "127.0.0.1", port: 8080, path: "/predict" }],
    ["http://127.9.9.9:1/a?b=c", { host: "127.9.9.9", port: 1, path: "/a?b=c" }],
    ["http://localhost/predict", { host: "127.0.0.1", port: 80, path: "/predict" }],
    ["http://[::1]:9/predict", { host: "::1", port: 9, path: "/predict" }],
    ["http://0x7f000001:9/", { host: "127.0.0.1", port: 9, path: "/" }],
  ])("%s is on this machine", (url, target) => {
    expect(parseTarget(url)).toEqual(target);
  });

  test.each([
    "http://example.com/predict",
    "http://10.0.0.1:8080/predict",
    "http://0.0.0.0:8080/predict",
    "http://128.0.0.1/",
    "http://localhost.example.com/",
    "http://127.0.0.1.example.com/",
    "http://[::ffff:10.0.0.1]/",
    "http://127.0.0.1@example.com/",
  ])("%s is refused, with the host in the message", (url) => {
    expect(() => parseTarget(url)).toThrow(/^--url: load is sent to this machine only .*got the host "/);
  });

  test("must be an http URL", () => {
    expect(() => parseTarget("https://127.0.0.1/")).toThrow(
      '--url: expected a URL that begins with http://, got "https://127.0.0.1/"',
    );
    expect(() => parseTarget("8080")).toThrow('--url: expected a URL like http://127.0.0.1:8080/predict, got "8080"');
  });

  test("reads back as a URL", () => {
    for (const url of ["http://127.0.0.1:8080/predict", "http://[::1]:9/a?b"])
      expect(targetUrl(parseTarget(url))).toBe(url);
  });
});

test("a request's Content-Length counts bytes", () => {
  const text = requestBytes({ host: "::1", port: 9, path: "/p" }, '{"a":"é"}').toString();
  expect(text).toBe(
    'POST /p HTTP/1.1\r\nhost: [::1]:9\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"a":"é"}',
  );
});

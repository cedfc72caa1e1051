/** Goal: whatever text gets into a page, it stays text. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { element, embeddedJson, rawElement } from "../../../../loadtest/report/markup.js";

const hostile = `</script><script>alert("1")</script><img src=x onerror='alert(2)'>&amp;`;

test("an element holds its attributes and children", () => {
  const made = element("p", { class: "a b", hidden: true, title: undefined, lang: false }, "x", 1, undefined, [
    element("b", {}, "y"),
    "z",
  ]);
  expect(made.html).toBe('<p class="a b" hidden>x1<b>y</b>z</p>');
  expect(element("meta", { charset: "utf-8" }).html).toBe('<meta charset="utf-8">');
});

test("hostile text is text, in content and in attributes", () => {
  const { html } = element("p", { title: hostile }, hostile);
  expect(html.match(/[<>]/g)).toEqual(["<", ">", "<", ">"]);
  expect(html).not.toMatch(/<img|<script/);
});

describe("embedded JSON", () => {
  test("comes out as it went in, and ends no script", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        const { html } = embeddedJson("data", { value, text, hostile });
        const [, json] = /^<script type="application\/json" id="data">([^<]*)<\/script>$/.exec(html)!;
        expect(JSON.parse(json!)).toEqual(JSON.parse(JSON.stringify({ value, text, hostile })));
      }),
    );
  });
});

test("raw content that would end its element is refused", () => {
  expect(rawElement("style", {}, "a>b{}").html).toBe("<style>a>b{}</style>");
  expect(() => rawElement("script", {}, hostile)).toThrow(/ends its own script element/);
});

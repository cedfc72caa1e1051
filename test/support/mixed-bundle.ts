/**
 * The demand model of another schema: strings, a date, nulls, absent features, lists of numbers and of texts, and names
 * that are no identifiers. The answers of its golden rows are those of the demand model.
 */

import { DemandCopy } from "./demand-bundle.js";

/** @param name - The model's name, and its folder's. */
export function makeMixedBundle(name = "demand"): DemandCopy {
  const changed = new DemandCopy(name);
  const renamed = { feature_search_interest: "search interest", feature_price: "Preise", feature_promo: "option" };
  changed.edit("schema.json", (schema) => {
    const interest = schema.properties.feature_search_interest;
    schema.properties = {
      "search interest": interest,
      Preise: { type: ["array", "null"], items: { type: "number" }, maxItems: 30 },
      option: { type: "string" },
      day: { type: ["string", "null"], format: "date" },
      許可: { type: "boolean" },
      tags: { type: "array", items: { type: "string" }, maxItems: 4 },
    };
    schema.required = ["search interest", "option", "day"];
  });
  changed.edit("preprocessing.json", (graph) => {
    graph.inputs = [
      { name: "search interest", type: "number" },
      { name: "Preise", type: "numbers" },
      { name: "option", type: "string" },
    ];
    const params = { statistics: ["last"], window: 7, min_items: 1, ddof: 0 };
    const encoder = { categories: [["no", "yes"]], handle_unknown: "error" };
    for (const node of graph.nodes)
      node.inputs = node.inputs.map(
        (name: string) => ({ ...renamed, feature_price: "w", feature_promo: "p" })[name] ?? name,
      );
    graph.nodes.unshift(
      { id: "w", op: "row_window", inputs: ["Preise"], params },
      { id: "p", op: "ordinal_encoder", inputs: ["option"], params: encoder },
    );
  });
  changed.edit("baseline.json", ({ features }) => {
    features["search interest"] = features.feature_search_interest;
    for (const name of Object.keys(renamed)) delete features[name];
  });
  changed.editGolden((golden, index) => {
    const { feature_search_interest: interest, feature_price: price, feature_promo: promo } = golden.row;
    if (golden.error !== undefined || (promo !== 0 && promo !== 1)) return undefined;
    const earlier = Array.from({ length: index % 9 }, (_, at) => at + 0.5);
    golden.row = {
      "search interest": interest ?? null,
      option: promo === 1 ? "yes" : "no",
      day: index % 3 ? null : "2026-02-28",
    };
    if (typeof price === "number") golden.row.Preise = [...earlier, price];
    else if (index % 2) golden.row.Preise = null;
    if (index % 4 === 0) golden.row.許可 = index % 8 === 0;
    if (index % 3 === 0) golden.row.tags = index % 2 ? [] : ["", "é🦆"];
    return golden;
  });
  changed.edit("manifest.json", (manifest) => {
    manifest.name = name;
    manifest.proto = {
      fields: { gone: 1, "search interest": 7, Preise: 3, option: 20_000, day: 2, 許可: 5000, tags: 6 },
    };
  });
  changed.rehash();
  return changed;
}

// The form of one model: a field for each feature, by the row's JSON Schema.

/** Makes an element; children are texts or elements, so that no text of a bundle becomes markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const typeOf = ({ type }) => (Array.isArray(type) ? type[0] : type);
const isNullable = ({ type }) => Array.isArray(type);

/** A feature's limits in words. */
function limitsInWords(schema) {
  const { enum: values, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength } = schema;
  const { minItems, maxItems, pattern, format, items } = schema;
  if (values) return `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`;
  const type = typeOf(schema);
  const between = (least, most, unit = "") => {
    if (least !== undefined && least === most) return `${least}${unit}`;
    return [least !== undefined && `at least ${least}${unit}`, most !== undefined && `at most ${most}${unit}`]
      .filter(Boolean)
      .join(", ");
  };
  const limits = [
    minimum !== undefined && maximum !== undefined ? `from ${minimum} to ${maximum}` : between(minimum, maximum),
    exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    exclusiveMaximum !== undefined && `below ${exclusiveMaximum}`,
    between(minLength, maxLength, " characters"),
    between(minItems, maxItems, " items"),
    format,
    pattern !== undefined && `as /${pattern}/`,
  ].filter(Boolean);
  const what = { integer: "a whole number", number: "a number", boolean: "true or false", string: "a text" };
  const word = type === "array" ? `a list of ${items.type} values` : what[type];
  return [limits.length > 0 && type === "number" ? "a number" : word, ...limits].join(", ");
}

function emptyInWords(schema, required) {
  if (!required) return "may be left out";
  return isNullable(schema) ? "empty: null, a missing value" : "";
}

/** A field for each feature of a row. */
// biome-ignore lint/correctness/noUnusedVariables: page.js stands behind this file in one script.
class RowForm {
  #schema;
  #fields = new Map();

  constructor(place, schema) {
    this.#schema = schema;
    place.replaceChildren(
      ...Object.entries(schema.properties).map(([name, feature], index) => this.#add(name, feature, index)),
    );
  }

  #isRequired(name) {
    return this.#schema.required?.includes(name) ?? false;
  }

  #add(name, feature, index) {
    const [id, hint, wrong] = [`field-${index}`, `hint-${index}`, `wrong-${index}`];
    const required = this.#isRequired(name);
    const attributes = {
      id,
      "aria-describedby": `${hint} ${wrong}`,
      "aria-required": String(required && !isNullable(feature)),
    };
    const input = makeInput(feature, required, attributes);
    const words = [limitsInWords(feature), feature["x-unit"], emptyInWords(feature, required)].filter(Boolean);
    const said = element("small", { id: wrong, class: "wrong" });
    this.#fields.set(name, { feature, input, said });
    const label = element("label", { for: id }, name);
    return element(
      "div",
      { class: "field" },
      label,
      input,
      element("small", { id: hint, class: "hint" }, words.join("; ")),
      said,
    );
  }

  fill(row) {
    for (const [name, { feature, input }] of this.#fields) {
      const value = row[name];
      input.value = value === undefined || value === null ? "" : writeValue(feature, value);
    }
    this.showIssues([]);
  }

  /** What the fields say; a value that isn't of its feature's type goes as it is: the server says what is wrong. */
  read() {
    const row = {};
    for (const [name, { feature, input }] of this.#fields) {
      const value = readValue(feature, input.value);
      if (value !== undefined) row[name] = value;
      else if (isNullable(feature) && this.#isRequired(name)) row[name] = null;
      else if (typeOf(feature) === "string" && !feature.enum && this.#isRequired(name)) row[name] = "";
    }
    return row;
  }

  showIssues(issues) {
    for (const [name, { input, said }] of this.#fields) {
      const issue = issues.find((one) => one.feature === name);
      input.toggleAttribute("aria-invalid", false);
      if (issue) input.setAttribute("aria-invalid", "true");
      said.textContent = issue ? `expected ${issue.expected}, got ${issue.got}` : "";
    }
  }
}

function makeInput(feature, required, attributes) {
  const choices = feature.enum ?? (typeOf(feature) === "boolean" ? [true, false] : undefined);
  if (choices) {
    const mayMiss = !required || isNullable(feature);
    const options = choices
      .filter((value) => value !== null)
      .map((value) => element("option", { value: JSON.stringify(value) }, String(value)));
    return element("select", attributes, ...(mayMiss ? [element("option", { value: "" }, "(none)")] : []), ...options);
  }
  const inputmode = { number: "decimal", integer: "numeric" }[typeOf(feature)];
  const kind = feature.format === "date" ? "date" : "text";
  return element("input", { ...attributes, type: kind, inputmode, autocomplete: "off", spellcheck: "false" });
}

function writeValue(feature, value) {
  if (feature.enum || typeOf(feature) === "boolean" || typeOf(feature) === "array") return JSON.stringify(value);
  return String(value);
}

/** Undefined where the field is empty. */
function readValue(feature, text) {
  if (text.trim() === "") return undefined;
  const type = typeOf(feature);
  if (feature.enum || type === "boolean") return JSON.parse(text);
  if (type === "array") return readList(feature.items.type, text);
  if (type === "string") return text;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

/** `[1, 2]`, or `1, 2`. */
function readList(type, text) {
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch {
    // Not JSON: items between commas.
  }
  return text.split(",").map((item) => (type === "string" ? item.trim() : (readValue({ type }, item.trim()) ?? null)));
}

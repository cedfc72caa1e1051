// The page: reads openapi.json beside it, shows what it says, and asks for predictions.

const byId = (id) => document.getElementById(id);
const base = location.href.replace(/[?#].*$/, "").replace(/\/docs$/, "");
const largeForm = 100;

let api;
let form;
let shown;

const resolve = (part) =>
  part?.$ref
    ? part.$ref
        .slice(2)
        .split("/")
        .reduce((at, key) => at[key], api)
    : part;

function mode() {
  return document.querySelector("input[name=mode]:checked").value;
}

function setMode(value) {
  document.querySelector(`input[name=mode][value=${value}]`).checked = true;
  byId("fields").hidden = value !== "form";
  byId("text").hidden = value !== "json";
}

function body() {
  return mode() === "json" ? byId("body").value : JSON.stringify(form.read());
}

/** A shell takes everything between single quotes as it is. */
function showCommand() {
  const text = body().replaceAll("'", "'\\''");
  byId("curl").textContent = `curl -s ${base}${shown.address} -H 'content-type: application/json' -d '${text}'`;
}

/** Models that are served: of each its name, the address of its predictions, its row and an example. */
function modelsOf() {
  return Object.entries(api.paths).flatMap(([address, { post }]) => {
    const name = post?.["x-plumb-model"];
    if (name === undefined || post["x-plumb-address"] !== "/models/{model}/predict") return [];
    const row = api.components.schemas[`${name}.row`];
    return [{ name, address, row, example: api.components.examples[`${name}.predict-json.row`]?.value ?? {} }];
  });
}

function showModel(model) {
  shown = model;
  const { name, row, example } = model;
  byId("model").value = name;
  byId("about").textContent = [row.title, row.description].filter(Boolean).join(": ");
  form = new RowForm(byId("fields"), row);
  form.fill(example);
  byId("body").value = JSON.stringify(example, null, 2);
  setMode(Object.keys(row.properties).length > largeForm ? "json" : "form");
  byId("result").replaceChildren();
  byId("features").replaceChildren(
    ...Object.entries(row.properties).map(([feature, schema]) => {
      const required = row.required?.includes(feature) ?? false;
      const is = [limitsInWords(schema), isNullable(schema) && "or null", !required && "may be left out"].filter(
        Boolean,
      );
      const categories = schema["x-known-categories"];
      const what = [
        schema.description,
        categories && `Seen in training: ${categories.join(", ")}.`,
        schema["x-pii"] && "Personal data.",
      ].filter(Boolean);
      return tableRow(element("code", {}, feature), is.join(", "), schema["x-unit"] ?? "", what.join(" "));
    }),
  );
  showCommand();
}

const tableRow = (...cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));

async function send() {
  const [sent, address] = [body(), shown.address];
  const began = performance.now();
  byId("result").replaceChildren(element("p", { class: "soft" }, "Waiting for the answer ..."));
  try {
    const reply = await fetch(address.slice(1), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: sent,
    });
    const text = await reply.text();
    showAnswer(reply, text, performance.now() - began);
  } catch (error) {
    byId("result").replaceChildren(element("p", { class: "problem" }, `No answer: ${error.message}`));
  }
}

function showAnswer(reply, text, tookMs) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = {};
  }
  const { error, prediction, predictions, fallback } = answer;
  const words = [];
  if (error) {
    words.push(element("p", { class: "problem" }, `${error.code}: ${error.message}`));
    const issues = error.issues.map(({ row, feature, expected, got }) =>
      element("li", {}, `row ${row}, ${feature}: expected ${expected}, got ${got}`),
    );
    if (issues.length > 1) words.push(element("ul", {}, ...issues));
  } else if (prediction !== undefined || predictions !== undefined) {
    const value = prediction === undefined ? predictions : prediction;
    const shownValue = typeof value === "string" ? value : JSON.stringify(value);
    words.push(element("p", { class: "answer" }, "Prediction: ", element("b", {}, shownValue.slice(0, 500))));
    if (fallback) words.push(element("p", { class: "other plain" }, `The fallback answered: ${fallback.reason}.`));
  }
  form.showIssues(mode() === "form" ? (error?.issues ?? []) : []);
  const status = `${reply.status} ${reply.statusText}`.trim();
  byId("result").replaceChildren(
    element(
      "p",
      { class: "states" },
      element("span", { class: `pill ${reply.ok ? "ready" : "failed"}` }, status),
      element("span", { class: "soft" }, `${tookMs.toFixed(1)} ms`),
    ),
    ...words,
    element(
      "pre",
      { tabindex: "0", "aria-label": "answer" },
      error || answer.model ? JSON.stringify(answer, null, 2) : text,
    ),
  );
}

function showAddresses() {
  const sections = api.tags.map(({ name: tag }) => {
    const rows = Object.entries(api.paths).flatMap(([address, verbs]) =>
      Object.entries(verbs)
        .filter(([, operation]) => operation.tags[0] === tag && operation["x-plumb-model"] === undefined)
        .map(([verb, operation]) => describeOperation(verb.toUpperCase(), address, operation)),
    );
    return [element("h3", {}, tag), ...rows];
  });
  byId("addresses").replaceChildren(...sections.flat());
}

function describeOperation(verb, address, { summary, parameters, requestBody, responses }) {
  const parts = [];
  if (parameters.length > 0) {
    const rows = parameters
      .map(resolve)
      .map(({ name, in: where, description }) => tableRow(element("code", {}, name), where, description));
    parts.push(table(["parameter", "in", "what"], rows));
  }
  for (const [type, { schema, examples }] of Object.entries(requestBody?.content ?? {})) {
    parts.push(element("p", {}, "Body: ", element("code", {}, type)));
    const example = resolve(Object.values(examples ?? {})[0])?.value;
    if (example) parts.push(element("pre", { tabindex: "0" }, JSON.stringify(example, null, 2)));
    parts.push(schemaDetails(schema));
  }
  const replies = Object.entries(responses).map(([status, reply]) => tableRow(status, resolve(reply).description));
  parts.push(table(["status", "what"], replies));
  const [content] = Object.values(responses["200"].content);
  parts.push(schemaDetails(content.schema, "schema of the reply"));
  return element(
    "details",
    { class: "card" },
    element(
      "summary",
      {},
      element("span", { class: "verb" }, verb),
      element("code", {}, address),
      element("span", { class: "soft" }, summary),
    ),
    ...parts,
  );
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)));
  const made = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "scroll" }, made);
}

/** Written when it is opened. */
function schemaDetails(schema, title = "schema of the body") {
  const text = element("pre", { tabindex: "0" });
  const details = element("details", {}, element("summary", {}, title), text);
  details.ontoggle = () => {
    text.textContent = JSON.stringify(resolve(schema), null, 2);
  };
  return details;
}

function showErrors() {
  byId("errors").replaceChildren(
    ...api.components.schemas.ErrorCode.oneOf.map((code) =>
      tableRow(
        element("code", {}, code.const),
        String(code["x-status"]),
        code["x-retry"] ? "yes" : "no",
        code.description,
      ),
    ),
  );
}

function start(models) {
  byId("model").replaceChildren(...models.map(({ name }) => element("option", {}, name)));
  const named = (name) => models.find((model) => model.name === name);
  const byDefault = api.paths["/predict"].post.requestBody.content["application/json"].schema.$ref;
  const chosen = () => named(decodeURIComponent(location.hash.slice(1)));
  showModel(chosen() ?? models.find(({ name }) => byDefault?.endsWith(`/${name}.predict-json.request`)) ?? models[0]);
  addEventListener("hashchange", () => chosen() && showModel(chosen()));
  byId("model").onchange = ({ target }) => {
    history.replaceState(null, "", `#${target.value}`);
    showModel(named(target.value));
  };
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.onchange = changeMode;
  byId("ask").onsubmit = (event) => {
    event.preventDefault();
    void send();
  };
  byId("ask").oninput = showCommand;
  byId("reset").onclick = () => {
    form.fill(shown.example);
    byId("body").value = JSON.stringify(shown.example, null, 2);
    showCommand();
  };
  byId("copy").hidden = !navigator.clipboard;
  byId("copy").onclick = () => navigator.clipboard.writeText(byId("curl").textContent);
}

/** Takes over what was entered, where the other mode can show it. */
function changeMode({ target: { value } }) {
  if (value === "json") byId("body").value = JSON.stringify(form.read(), null, 2);
  else {
    try {
      form.fill(JSON.parse(byId("body").value));
    } catch {
      // The form keeps what it had.
    }
  }
  setMode(value);
  showCommand();
}

async function load() {
  try {
    const reply = await fetch("openapi.json");
    if (!reply.ok) throw new Error(`openapi.json: ${reply.status} ${reply.statusText}`);
    api = await reply.json();
  } catch (error) {
    byId("trouble").textContent = `The description of this server could not be read: ${error.message}`;
    byId("trouble").hidden = false;
    return;
  }
  byId("version").textContent = api.info.version;
  showAddresses();
  showErrors();
  byId("content").hidden = false;
  const models = modelsOf();
  if (models.length > 0) start(models);
  else {
    for (const id of ["ask-title", "features-title"]) {
      byId(id).nextElementSibling.replaceChildren(element("p", {}, "No model is ready yet."));
    }
  }
}

void load();

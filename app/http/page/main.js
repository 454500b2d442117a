// The page: which view is shown, what the service's state is, and the field for the API key.

import { h } from "./dom.js";
import { modelView } from "./model.js";
import { overview } from "./overview.js";
import { key, listModels, readiness, ServiceError } from "./service.js";

const main = document.getElementById("main");
const keyField = document.getElementById("key");
let shown = 0;

/** Shows what the address names: #/ all models, #/NAME one of them. */
async function show() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const mine = ++shown;
  main.ariaBusy = "true";
  const name = decodeURIComponent(location.hash.slice(2));
  let view;
  try {
    const [models, health] = await Promise.all([listModels(), showState()]);
    const model = models.find((each) => each.name === name);
    if (name && !model) throw new ServiceError(404, `No model '${name}' is served.`);
    view = model ? await modelView(model) : overview(models, health);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    view = errorView(error);
  }
  if (mine !== shown) return;
  main.ariaBusy = "false";
  document.title = name ? `${name} · nalu-serve` : "nalu-serve";
  main.replaceChildren(view);
  scrollTo(0, 0);
  (view.querySelector("[autofocus]") ?? (mine > 1 ? main : null))?.focus({ preventScroll: true });
}

function errorView(error) {
  if (error.status === 401) return keyForm(error);
  return h(
    "section",
    { class: "narrow", "data-status": error.status },
    h("h1", {}, "That did not work"),
    h("p", { class: "error", role: "alert" }, error.message),
    h("p", {}, h("a", { href: "#/" }, "All models")),
  );
}

function keyForm(error) {
  const input = h("input", {
    id: "key-input",
    type: "password",
    autocomplete: "off",
    required: true,
    autofocus: true,
    spellcheck: "false",
  });
  const wrong = key.get() && h("p", { class: "error", role: "alert" }, error.message);
  const submit = (event) => {
    event.preventDefault();
    key.set(input.value.trim());
    showKey();
    show();
  };
  return h(
    "section",
    { class: "narrow", "data-status": 401 },
    h("h1", {}, "API key"),
    h("p", {}, "This service answers requests with a key. It stays in this tab, and is gone when you close it."),
    wrong,
    h(
      "form",
      { class: "key-form", onsubmit: submit },
      h("label", { for: "key-input" }, "Key"),
      input,
      h("button", { class: "primary" }, "Use this key"),
    ),
  );
}

function showKey() {
  const forget = () => {
    key.set("");
    showKey();
    show();
  };
  keyField.replaceChildren(
    ...(key.get() ? ["key set", h("button", { class: "link", onclick: forget }, "Forget key")] : []),
  );
}

/** The state of the service, beside its name. */
async function showState() {
  const health = await readiness().catch(() => ({ ready: false, reason: "The service does not respond." }));
  const models = health.models ?? [];
  const served = new Set(models.flatMap(({ name, state }) => (state === "ready" ? [name] : []))).size;
  const damaged = models.filter(({ state }) => state !== "ready").length;
  const words = health.ready ? `${served} model${served === 1 ? "" : "s"}` : (health.status ?? "not ready");
  const fault = damaged ? `, ${damaged} damaged` : "";
  const state = document.getElementById("state");
  state.className = `state ${health.ready && health.status === undefined && !damaged ? "good" : "bad"}`;
  state.textContent = health.status === "degraded" ? `degraded: ${health.reason}` : words + fault;
  return health;
}

addEventListener("hashchange", show);
addEventListener("visibilitychange", () => document.hidden || showState());
showKey();
show();

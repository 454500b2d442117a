// The call of what is on the screen, to copy.

import { CODE } from "./code.js";
import { h } from "./dom.js";
import { kindOf } from "./manifest.js";
import { key } from "./service.js";

/** The section, and a function that takes what is on the screen. */
export function callSection(model) {
  const code = h("code");
  const copied = h("span", { class: "muted", role: "status" });
  const panel = h("div", { role: "tabpanel", id: "call", tabindex: "0", class: "scroll" }, h("pre", {}, code));
  const languages = CODE[kindOf(model)];
  let screen;
  let chosen;

  const write = () => {
    if (screen) code.textContent = languages[chosen](model, screen);
    copied.textContent = "";
  };
  const list = tabs(Object.keys(languages), panel, (language) => {
    chosen = language;
    write();
  });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      copied.textContent = "Selected: copy it with the keyboard";
    }
  };
  const element = h(
    "section",
    { class: "calls" },
    h(
      "div",
      { class: "section-head" },
      h("h2", {}, "Call it from code"),
      key.get() && h("p", {}, "The key is read from the environment: NALU_KEY."),
    ),
    h("div", { class: "tabs" }, list, copied, h("button", { onclick: copy }, "Copy")),
    panel,
  );
  return {
    element,
    update: (next) => {
      screen = next;
      write();
    },
  };
}

/** Tabs with their panel, as WAI-ARIA has them: one is reached with Tab, the others with arrows. */
function tabs(titles, panel, onChoose) {
  const choose = (index) => {
    buttons.forEach((button, place) => {
      button.ariaSelected = String(place === index);
      button.tabIndex = place === index ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", buttons[index].id);
    onChoose(titles[index]);
  };
  const move = (event, index) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (index + step + titles.length) % titles.length;
    choose(next);
    buttons[next].focus();
  };
  const buttons = titles.map((title, index) =>
    h(
      "button",
      {
        role: "tab",
        id: `tab-${index}`,
        "aria-controls": panel.id,
        onclick: () => choose(index),
        onkeydown: (event) => move(event, index),
      },
      title,
    ),
  );
  choose(0);
  return h("div", { role: "tablist", "aria-label": "Language" }, buttons);
}

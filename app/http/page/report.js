// The link to a model's report, which is a page of its own.

import { h } from "./dom.js";
import { fetchFile, key, root } from "./service.js";

const FILE = "report.html";

/** A link to the report; null where the model has none. */
export function reportLink(model) {
  if (!model.files[FILE]) return null;
  const path = `models/${encodeURIComponent(model.name)}/report?version=${model.version}`;
  const message = h("span", { role: "status" });
  const open = async (event) => {
    if (!key.get()) return;
    event.preventDefault(); // a link sends no key, so the file is fetched with it and saved
    message.textContent = await save(path, `${model.name}-${model.version}-${FILE}`);
  };
  return h(
    "span",
    {},
    h("a", { href: root + path, target: "_blank", rel: "noopener", onclick: open }, "Report"),
    message,
  );
}

/** Saves a file of the service; returns why it could not. */
async function save(path, name) {
  try {
    const address = URL.createObjectURL(await fetchFile(path));
    h("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    return "";
  } catch (error) {
    return ` ${error.message}`;
  }
}

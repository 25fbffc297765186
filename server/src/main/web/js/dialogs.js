// Windows above the page.

import { h, iconButton } from "./dom.js";
import { t } from "./words.js";

/** Shows a dialog with a title, and takes it away when it is closed. */
export function showDialog(title, name, ...content) {
  const heading = h("h2", { id: `${name}-title` }, title);
  const dialog = h("dialog", {
    class: `dialog ${name}`, "aria-labelledby": heading.id, onclose: () => dialog.remove(),
    // A click beside it closes it.
    onclick: (event) => event.target === dialog && dialog.close(),
  }, h("div", { class: "dialog-box" }, h("div", { class: "dialog-head" }, heading, iconButton("close", t("close"), () => dialog.close())), ...content));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks for an API key; resolves to it, or to null. */
export function askKey(refused) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", autocomplete: "off", required: true, id: "key", "aria-describedby": "key-note" });
    const form = h("form", {
      onsubmit: (event) => {
        event.preventDefault();
        resolve(input.value.trim() || null);
        dialog.close();
      },
    }, h("p", { id: "key-note" }, refused ? t("keyRefused") : t("keyWanted")), h("label", { for: "key" }, t("key")), input,
    h("div", { class: "buttons" }, h("button", { class: "main-button" }, t("useKey"))));
    const dialog = showDialog(t("keyTitle"), "key-dialog", form);
    dialog.addEventListener("close", () => resolve(null)); // has no effect after an answer
    input.focus();
  });
}

export function showShortcuts(shortcuts) {
  if (document.querySelector(".shortcuts")) return;
  showDialog(t("shortcuts"), "shortcuts",
    h("dl", {}, shortcuts.map(({ keys, label }) => h("div", {}, h("dt", {}, keys.map((key) => h("kbd", {}, key))), h("dd", {}, label)))));
}

// A message while it is edited. What is typed is kept until it is sent or given up, over a reload too.

import { h } from "./dom.js";
import { autosize } from "./autosize.js";
import { preference, setPreference } from "./preferences.js";
import { t } from "./words.js";

export class Editor {
  static hasDraft(message) {
    return preference(draftName(message)) !== undefined;
  }

  constructor(app, message, close) {
    this.app = app;
    this.message = message;
    this.close = close;
    this.text = h("textarea", {
      "aria-label": t("editMessage"), value: preference(draftName(message), message.content),
      oninput: () => { autosize(this.text); setPreference(draftName(message), this.text.value); },
      onkeydown: (event) => this.#pressed(event),
    });
    const question = message.role === "user";
    this.element = h("form", { class: "editor", onsubmit: (event) => { event.preventDefault(); this.#submit(); } }, this.text,
      h("div", { class: "editor-buttons" },
        h("span", { class: "quiet" }, question ? t("editHintQuestion") : t("editHintAnswer")),
        h("button", { type: "button", class: "text-button", onclick: () => this.#giveUp() }, t("cancel")),
        h("button", { class: "main-button" }, question ? t("sendEdited") : t("keepEdited"))));
  }

  focus() {
    // The element is shown first, so that it can be measured.
    requestAnimationFrame(() => {
      autosize(this.text);
      this.text.focus();
    });
  }

  #pressed(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#giveUp();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (this.message.role === "user" && !event.shiftKey))) {
      event.preventDefault();
      this.#submit();
    }
  }

  #submit() {
    const text = this.text.value;
    if (text === this.message.content) return this.#giveUp();
    setPreference(draftName(this.message), undefined);
    this.close();
    if (!this.app.edit(this.message, text)) setPreference(draftName(this.message), text);
  }

  #giveUp() {
    setPreference(draftName(this.message), undefined);
    this.close();
  }
}

function draftName(message) {
  return `edit.${message.id}`;
}

// Where a question is written. What is typed is kept with each key, for each conversation.

import { h, iconButton } from "./dom.js";
import { autosize } from "./autosize.js";
import { preference, setPreference } from "./preferences.js";
import { t } from "./words.js";

/** On a screen that is touched, Enter begins a line: its keyboard has no Shift+Enter. */
const TOUCH = matchMedia("(pointer: coarse)");

export class Composer {
  constructor(app) {
    this.app = app;
    this.text = h("textarea", {
      rows: 1, placeholder: t("ask"), "aria-label": t("ask"), "aria-describedby": "composer-hint",
      oninput: () => this.#typed(), onkeydown: (event) => this.#pressed(event),
    });
    this.button = iconButton("send", t("send"), () => this.#send(), { class: "send-button" });
    this.stopButton = iconButton("stop", t("stop"), () => app.stop(), { class: "send-button stop" });
    this.hint = h("p", { class: "hint", id: "composer-hint" }, TOUCH.matches ? t("hintTouch") : t("hint"));
    this.element = h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.#send(); } },
      h("div", { class: "composer-box" }, this.text, this.button, this.stopButton), this.hint);
    app.on("open", () => this.open());
    app.on("path", () => this.#show());
  }

  focus() {
    this.text.focus();
  }

  /** Puts a text before the user. */
  suggest(text) {
    this.text.value = text;
    this.#typed();
    this.focus();
  }

  /** Shows what was typed and not sent in the conversation. */
  open() {
    this.draft = this.#draftName();
    this.text.value = preference(this.draft, "");
    this.#show();
    autosize(this.text);
    if (!TOUCH.matches) this.focus();
  }

  #typed() {
    setPreference(this.draft, this.text.value || undefined);
    autosize(this.text);
    this.#show();
  }

  #pressed(event) {
    // An input method takes Enter to choose a word; 229 is what Safari says of the key that ends it.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !TOUCH.matches) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp" && this.text.value === "") {
      event.preventDefault();
      this.app.dispatchEvent(new Event("edit-last"));
    }
  }

  #send() {
    const text = this.text.value;
    if (!this.app.send(text)) return;
    setPreference(this.draft, undefined);
    this.draft = this.#draftName();
    this.text.value = "";
    autosize(this.text);
    this.#show();
  }

  #show() {
    const running = Boolean(this.app.running);
    const moves = [this.button, this.stopButton].includes(document.activeElement);
    this.button.hidden = running;
    this.stopButton.hidden = !running;
    this.button.disabled = this.text.value.trim() === "";
    if (moves) this.focus();
  }

  #draftName() {
    const { current } = this.app;
    return current.messages.size ? `draft.${current.id}` : "draft.new";
  }
}

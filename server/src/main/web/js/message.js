// One message: its text, what can be done with it, and how it came about.

import { h, iconButton } from "./dom.js";
import { codeBlock } from "./code.js";
import { copyText } from "./clipboard.js";
import { Editor } from "./editor.js";
import { tokensPerSecond } from "./generation.js";
import { markdownBlocks } from "./markdown.js";
import { TokenView } from "./tokens.js";
import { number, t } from "./words.js";

const HAN = /\p{Script=Han}/u;

export class MessageView {
  constructor(app, message) {
    this.app = app;
    this.message = message;
    this.formatted = false;
    this.blocks = []; // [{ source, nodes }] of what is shown
    this.body = h("div", { class: "body" }, message.content);
    this.failure = h("p", { class: "failure", role: "alert", hidden: true });
    this.footer = h("div", { class: "actions" });
    this.element = h("li", { class: `message ${message.role}`, "data-id": message.id },
      h("h2", { class: "visually-hidden" }, message.role === "user" ? t("you") : (message.model ?? t("model"))),
      this.body, this.failure, this.footer);
    this.#showActions();
    if (Editor.hasDraft(message)) this.edit();
  }

  /** Shows the text as what it means; before, it is shown as it was written. */
  format() {
    this.formatted = true;
    if (this.editor) return;
    this.body.replaceChildren();
    this.update();
  }

  update() {
    if (!this.formatted || this.editor) return;
    const { message } = this;
    if (HAN.test(message.content)) this.body.lang = "zh-CN";
    this.element.setAttribute("aria-busy", this.#isWritten());
    if (this.tokens) this.tokens.update();
    else if (message.role === "user") this.body.textContent = message.content;
    else if (message.content === "") this.#showWaiting();
    else if (message.json) this.#showJson();
    else this.#showMarkdown();
    this.failure.hidden = message.state !== "failed";
    this.failure.textContent = message.state === "failed" ? failureText(message.error) : "";
    this.#showActions();
  }

  edit() {
    if (this.editor || this.app.running) return;
    this.tokens = null;
    this.editor = new Editor(this.app, this.message, () => {
      this.editor = null;
      this.element.classList.remove("edited");
      this.blocks = [];
      this.format();
      this.footer.querySelector('[data-action="edit"]')?.focus();
    });
    this.element.classList.add("edited");
    this.body.replaceChildren(this.editor.element);
    this.footer.replaceChildren();
    this.editor.focus();
  }

  /** Shows the tokens with their probabilities in place of the text, or the text again. */
  toggleTokens() {
    this.tokens = this.tokens ? null : new TokenView(this.app, this.message);
    this.blocks = [];
    this.body.replaceChildren(...(this.tokens ? [this.tokens.element] : []));
    this.update();
    this.footer.querySelector('[data-action="chart"]')?.focus();
  }

  /** Replaces the blocks that differ from what is shown: while an answer is written, the last one. */
  #showMarkdown() {
    const blocks = markdownBlocks(this.message.content);
    let same = 0;
    while (same < blocks.length && this.blocks[same]?.source === blocks[same].source) same++;
    if (this.blocks.length === 0) this.body.replaceChildren();
    for (const { nodes } of this.blocks.splice(same)) nodes.forEach((node) => node.remove());
    for (const { source, render } of blocks.slice(same)) {
      const nodes = [...render().childNodes];
      this.body.append(...nodes);
      this.blocks.push({ source, nodes });
    }
  }

  #showJson() {
    let text = this.message.content;
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // It is not complete yet, or was stopped: it is shown as it is.
    }
    this.body.replaceChildren(codeBlock(text, "json"));
  }

  #showWaiting() {
    const { message } = this;
    if (!this.#isWritten()) {
      this.body.replaceChildren(message.state === "failed" ? "" : h("p", { class: "quiet" }, t("emptyAnswer")));
      return;
    }
    if (this.body.querySelector(".pulse")) return;
    const seconds = h("span");
    this.body.replaceChildren(h("p", { class: "quiet waiting" }, h("span", { class: "pulse" }), t("reading"), seconds));
    const tick = () => {
      if (!seconds.isConnected) return clearInterval(timer);
      const passed = Math.floor((Date.now() - message.began) / 1000);
      if (passed >= 2) seconds.textContent = ` ${t("seconds", passed)}`;
    };
    const timer = setInterval(tick, 500);
  }

  #isWritten() {
    return this.message.state === "writing" && this.app.running?.generation.message === this.message;
  }

  #showActions() {
    const { app, message } = this;
    if (this.#isWritten() && this.facts?.isConnected) return this.#showFacts();
    const focused = this.footer.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    const button = (name, label, action, attributes) =>
      iconButton(name, label, action, { "data-action": name, ...attributes });
    this.facts = h("span", { class: "facts" });
    const disabled = Boolean(app.running); // one answer at a time in a conversation
    this.footer.replaceChildren(...(this.#isWritten() ? [this.facts] : [
      ...this.#branches(button, disabled),
      button("copy", t("copy"), (event) => copyText(message.content, event.currentTarget)),
      button("edit", t("edit"), () => this.edit(), { disabled }),
      ...(message.role === "assistant" && message.parent ? [button("redo", t("regenerate"), () => app.regenerate(message), { disabled })] : []),
      ...(this.canGoOn() ? [button("play", t("goOn"), () => app.continueAnswer(message), { disabled })] : []),
      ...(message.tokens ? [button("chart", t("probabilities"), () => this.toggleTokens(), { "aria-pressed": String(Boolean(this.tokens)) })] : []),
      this.facts]));
    if (message.state === "failed") this.failure.append(" ", h("button", { type: "button", class: "text-button", disabled, onclick: () => app.regenerate(message) }, t("retry")));
    if (focused) this.footer.querySelector(`[data-action="${focused}"]`)?.focus();
    this.#showFacts();
  }

  /** Whether the answer has ended before the model ended it. */
  canGoOn() {
    const { role, state, finish, json, content } = this.message;
    const early = state === "stopped" || state === "failed" || state === "writing" || finish === "length";
    return role === "assistant" && early && !json && content !== "";
  }

  #branches(button, disabled) {
    const siblings = this.app.current.siblings(this.message) ?? [];
    if (siblings.length < 2) return [];
    const place = siblings.indexOf(this.message);
    return [h("span", { class: "branches", role: "group", "aria-label": t("versions") },
      button("left", t("earlierVersion"), () => this.app.switchBranch(this.message, -1), { disabled: disabled || place === 0 }),
      h("span", {}, `${place + 1}/${siblings.length}`),
      button("right", t("laterVersion"), () => this.app.switchBranch(this.message, 1), { disabled: disabled || place === siblings.length - 1 }))];
  }

  /** Tokens, their speed, the wait for the first one, and why the answer ended. */
  #showFacts() {
    const { message } = this;
    if (message.role !== "assistant") return;
    const facts = [];
    const { usage } = message;
    const tokens = usage && usage.completion + (message.before ?? 0);
    if (usage) facts.push(tokens === 1 ? t("oneToken") : t("tokens", number(tokens)));
    else if (this.#isWritten() && message.pieces) facts.push(t("pieces", number(message.pieces)));
    const speed = tokensPerSecond(message);
    if (speed) facts.push(t("perSecond", number(speed, speed < 100 ? 1 : 0)));
    if (message.first !== undefined) facts.push(t("firstAfter", number(message.first / 1000, 2)));
    if (message.dropped) facts.push(t("dropped", number(message.dropped)));
    if (message.edited) facts.push(t("editedByYou"));
    if (message.state === "stopped") facts.push(t("stopped"));
    if (message.state === "writing" && !this.#isWritten()) facts.push(t("notFinished"));
    if (message.finish === "length") facts.push(t("cutByLength"));
    this.facts.textContent = facts.join(" · ");
  }
}

function failureText(error) {
  if (error === "unreachable") return t("unreachable");
  if (error === "connection") return t("brokenOff");
  return error;
}

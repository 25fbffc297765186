// An answer as its tokens: how probable each was, what could have stood in its place, and how it would have gone on.

import { h } from "./dom.js";
import { number, t } from "./words.js";

export class TokenView {
  constructor(app, message) {
    this.app = app;
    this.message = message;
    this.shown = 0;
    this.pinned = false; // whether the alternatives stay, with a button for each
    this.tip = h("div", { class: "token-tip", id: `tip-${message.id}`, role: "group", "aria-label": t("alternatives"), popover: "manual", onkeydown: (event) => this.#pressedInTip(event) });
    this.list = h("div", {
      class: "tokens", role: "listbox", "aria-label": t("tokenList"), "aria-orientation": "horizontal",
      onpointerover: (event) => this.#point(event.target), onpointerleave: () => this.#leave(),
      onfocusin: (event) => this.#point(event.target), onfocusout: () => this.#leave(),
      onclick: (event) => this.#pin(event.target), onkeydown: (event) => this.#pressed(event),
    });
    this.element = h("div", { onfocusout: (event) => this.element.contains(event.relatedTarget) || this.#hide() },
      h("p", { class: "quiet" }, t("tokenHint")), this.list, this.tip);
  }

  /** Adds the tokens that have come. */
  update() {
    const tokens = this.message.tokens.slice(this.shown);
    const texts = tokenTexts(tokens);
    tokens.forEach((token, i) => {
      const index = this.shown + i;
      this.list.append(h("span", {
        class: `token p${Math.min(9, Math.floor(Math.exp(token.logprob) * 10))}`, role: "option", "data-index": index,
        tabindex: index === 0 ? "0" : "-1", "aria-selected": "false", "aria-label": `${texts[i]} ${percent(token.logprob)}`,
      }, texts[i].replaceAll("\n", "↵\n")));
    });
    this.shown += tokens.length;
  }

  /** Shows the alternatives of the token that the pointer or the focus is at. */
  #point(target) {
    const element = target.closest?.(".token");
    if (!element || this.pinned) return;
    this.list.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    element.setAttribute("aria-selected", "true");
    this.#showTip(element);
  }

  /** Keeps the alternatives of a token shown, so that one can be taken. */
  #pin(target) {
    const element = target.closest(".token");
    if (!element) return this.#hide();
    this.#hide();
    this.#point(element);
    this.#select(element);
    this.pinned = true;
    this.#showTip(element);
    this.tip.querySelector("button:enabled")?.focus();
  }

  #showTip(element) {
    const index = Number(element.dataset.index);
    const token = this.message.tokens[index];
    const alternatives = (token.top ?? []).some((each) => same(each, token)) ? token.top : [token, ...(token.top ?? [])];
    this.tip.replaceChildren(h("table", {}, h("tbody", {}, alternatives.map((each) =>
      h("tr", { class: same(each, token) && "chosen" }, h("th", { scope: "row" }, this.#word(index, each, same(each, token))),
        h("td", {}, h("meter", { min: 0, max: 1, value: Math.exp(each.logprob), "aria-label": t("probability") })),
        h("td", {}, percent(each.logprob)))))));
    if (!this.tip.matches(":popover-open")) this.tip.showPopover();
    const place = element.getBoundingClientRect();
    const below = place.bottom + this.tip.offsetHeight + 8 < innerHeight;
    this.tip.style.left = `${Math.max(8, Math.min(place.left, innerWidth - this.tip.offsetWidth - 8))}px`;
    this.tip.style.top = `${below ? place.bottom + 4 : place.top - this.tip.offsetHeight - 4}px`;
  }

  #word(index, alternative, chosen) {
    const text = visible(tokenTexts([alternative])[0]);
    if (!this.pinned || chosen) return text;
    const from = this.#textUntil(index, alternative);
    return h("button", {
      type: "button", title: t("goOnWith"), disabled: from === null || Boolean(this.app.running),
      onclick: () => this.app.branch(this.message, from, [...this.message.tokens.slice(0, index), { ...this.message.tokens[index], ...alternative }]),
    }, text);
  }

  /** The answer up to a token, and an alternative to it; null where that is no text, or nothing can follow. */
  #textUntil(index, alternative) {
    const bytes = [...this.message.tokens.slice(0, index), alternative].map(bytesOf);
    if (this.message.json || bytes.at(-1).length === 0) return null;
    try {
      const text = decoder.decode(Uint8Array.from(bytes.flat()));
      const before = decoder.decode(Uint8Array.from(bytes.slice(0, -1).flat()));
      return this.message.content.startsWith(before) ? text : null;
    } catch {
      return null; // a part of a character
    }
  }

  #leave() {
    if (!this.pinned) this.#hide();
  }

  #hide() {
    this.pinned = false;
    if (this.tip.matches(":popover-open")) this.tip.hidePopover();
  }

  /** Arrow keys go from token to token; one of them is in the order of the Tab key. */
  #pressed(event) {
    const at = event.target.closest(".token");
    const next = { ArrowRight: at?.nextSibling, ArrowLeft: at?.previousSibling, Home: this.list.firstChild, End: this.list.lastChild }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#pin(at);
    } else if (next && !event.altKey) {
      event.preventDefault();
      this.#select(next);
      next.focus();
    }
  }

  #select(token) {
    this.list.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    token.tabIndex = 0;
  }

  #pressedInTip(event) {
    const buttons = [...this.tip.querySelectorAll("button:enabled")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#hide();
      this.list.querySelector('[tabindex="0"]').focus();
    } else if (step) {
      event.preventDefault();
      buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length].focus();
    }
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

function bytesOf({ token, bytes }) {
  return bytes ?? [...encoder.encode(token)];
}

/** The texts of tokens; a token with part of a character shows its bytes. */
function tokenTexts(tokens) {
  return tokens.map(({ token, bytes }) => {
    if (!bytes) return token;
    try {
      return decoder.decode(Uint8Array.from(bytes));
    } catch {
      return bytes.map((byte) => `‹${byte.toString(16).padStart(2, "0")}›`).join("");
    }
  });
}

function same(one, other) {
  return one.token === other.token && one.logprob === other.logprob;
}

function visible(text) {
  return text === "" ? t("endOfText") : text.replaceAll("\n", "↵").replaceAll(" ", "␣");
}

function percent(logprob) {
  const probability = Math.exp(logprob) * 100;
  return `${number(probability, probability < 1 ? 3 : 1)} %`;
}

// The list of conversations, and the search through them.

import { h, icon, iconButton } from "./dom.js";
import { storageFailure } from "./notices.js";
import { t } from "./words.js";

const SEARCH_AFTER = 150; // milliseconds without a key

export class Sidebar {
  /** tools are buttons that stand at the bottom. */
  constructor(app, { tools, close }) {
    this.app = app;
    this.found = null; // what a search has found, by conversation; null without a search
    this.searching = new AbortController();
    this.search = h("input", { type: "search", placeholder: t("search"), "aria-label": t("search"), oninput: () => this.#typed() });
    this.list = h("ul", { class: "conversations" });
    this.nothing = h("p", { class: "quiet", role: "status" });
    this.element = h("nav", { class: "sidebar", "aria-label": t("conversations") },
      h("div", { class: "sidebar-top" },
        h("button", { type: "button", class: "new-button", onclick: () => { app.newConversation(); close(); } }, icon("add"), t("newConversation")),
        h("div", { class: "search" }, icon("search"), this.search)),
      this.list, this.nothing, h("div", { class: "sidebar-tools" }, tools));
    app.on("list", () => this.show());
    app.on("open", () => this.show());
    this.show();
  }

  focusSearch() {
    this.search.focus();
    this.search.select();
  }

  show() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.closest("li").dataset.id : null;
    const records = this.app.records.filter(({ id }) => !this.found || this.found.has(id));
    this.list.replaceChildren(...records.map((record) => this.#item(record)));
    this.nothing.textContent = records.length ? "" : this.found ? t("nothingFound") : t("noConversations");
    if (focused) this.list.querySelector(`[data-id="${focused}"] a`)?.focus();
  }

  rename(id) {
    const item = this.list.querySelector(`[data-id="${id}"]`);
    if (!item) return;
    const title = this.app.records.find((record) => record.id === id).title;
    let done = false;
    const finish = (keep) => {
      if (done) return;
      done = true;
      if (keep && input.value.trim()) this.app.rename(id, input.value.trim());
      this.show();
      this.list.querySelector(`[data-id="${id}"] a`)?.focus();
    };
    const input = h("input", {
      "aria-label": t("title"), value: title, maxlength: 200, onblur: () => finish(true),
      onkeydown: (event) => {
        if (event.isComposing) return;
        if (event.key === "Enter") finish(true);
        if (event.key === "Escape") finish(false);
        event.stopPropagation();
      },
    });
    item.replaceChildren(input);
    input.select();
  }

  #item(record) {
    const shown = record.id === this.app.current.id;
    const message = this.found?.get(record.id);
    const link = h("a", {
      href: message ? `#${record.id}/${message.id}` : `#${record.id}`, "aria-current": shown && "page", title: record.title,
      ondblclick: (event) => { event.preventDefault(); this.rename(record.id); },
      onkeydown: (event) => {
        if (event.key === "F2") { event.preventDefault(); this.rename(record.id); }
        if (event.key === "Delete") this.app.remove(record.id);
      },
    }, h("span", { class: "title" }, record.title || t("untitled")));
    if (message) link.append(this.#snippet(message.content));
    if (this.app.generations.has(record.id)) link.append(h("span", { class: "pulse", title: t("answering") }));
    return h("li", { "data-id": record.id }, link,
      iconButton("edit", t("renameNamed", record.title), () => this.rename(record.id)),
      iconButton("remove", t("removeNamed", record.title), () => this.app.remove(record.id)));
  }

  /** The place of a message that has what is searched. */
  #snippet(content) {
    const wanted = this.search.value.trim();
    const at = content.toLowerCase().indexOf(wanted.toLowerCase());
    const begin = Math.max(0, at - 12);
    return h("span", { class: "snippet" }, `${begin > 0 ? "…" : ""}${content.slice(begin, at)}`,
      h("mark", {}, content.slice(at, at + wanted.length)), content.slice(at + wanted.length, at + wanted.length + 60));
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#find(this.search.value.trim()), SEARCH_AFTER);
  }

  async #find(text) {
    this.searching.abort();
    this.searching = new AbortController();
    const { signal } = this.searching;
    let found = null;
    if (text) {
      try {
        found = await this.app.store.search(text, signal);
      } catch (error) {
        storageFailure(error);
        found = new Map();
      }
      for (const { id, title } of this.app.records) {
        if (!found.has(id) && title.toLowerCase().includes(text.toLowerCase())) found.set(id, null);
      }
    }
    if (signal.aborted) return;
    this.found = found;
    this.show();
  }
}

// The messages of the conversation that is shown.

import { h, iconButton } from "./dom.js";
import { MessageView } from "./message.js";
import { t } from "./words.js";

/** This near to the end, in pixels, the thread follows an answer that grows. */
const NEAR = 80;

/** So many of the last messages are shown as Markdown at once; those before them when the browser has time. */
const AT_ONCE = 12;

const EXAMPLES = ["床前明月光的下一句是什么？", "世界上第二高的山峰是哪座？", "Explain how a river shapes its valley.", "用 Java 写一个快速排序，并说明它的复杂度。"];

const whenIdle = window.requestIdleCallback?.bind(window) ?? ((callback) => setTimeout(() => callback({ timeRemaining: () => 10 }), 50));

export class Thread {
  /** suggest(text) puts an example before the user. */
  constructor(app, suggest) {
    this.app = app;
    this.suggest = suggest;
    this.views = [];
    this.changed = new Set(); // messages to be shown anew with the next frame
    this.list = h("ol", { class: "messages", "aria-label": t("messages") });
    this.welcome = this.#welcome();
    this.scroller = h("div", { class: "thread", tabindex: "-1", onscroll: () => this.#scrolled() }, this.welcome, this.list);
    this.toEnd = iconButton("down", t("toEnd"), () => this.scrollToEnd(), { class: "icon-button to-end", hidden: true });
    this.element = h("div", { class: "thread-place" }, this.scroller, this.toEnd);
    app.on("open", () => this.open());
    app.on("path", () => this.show());
    app.on("message", (event) => this.#changed(event.detail));
  }

  open() {
    for (const view of this.views) view.element.remove();
    this.views = [];
    this.show();
    this.scrollToEnd();
  }

  /** Shows the path; the views of messages that were shown stay. */
  show() {
    const path = this.app.current.path();
    const follow = this.#atEnd();
    let same = 0;
    while (same < path.length && this.views[same]?.message === path[same]) same++;
    for (const view of this.views.splice(same)) view.element.remove();
    for (const message of path.slice(same)) this.views.push(new MessageView(this.app, message));
    this.list.append(...this.views.slice(same).map((view) => view.element));
    this.welcome.hidden = path.length > 0;
    this.views.slice(0, same).forEach((view) => view.update());
    this.views.slice(same).slice(-AT_ONCE).forEach((view) => view.format());
    this.#formatRest();
    if (follow) this.scrollToEnd();
  }

  /** The view of a message, or undefined. */
  viewOf(message) {
    return this.views.find((view) => view.message === message);
  }

  get last() {
    return this.views.at(-1);
  }

  reveal(id) {
    const view = this.views.find(({ message }) => message.id === id);
    if (!view) return;
    view.element.scrollIntoView({ block: "center" });
    view.element.classList.add("found");
    setTimeout(() => view.element.classList.remove("found"), 2000);
  }

  scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Shows a message with the next frame, and later where showing it takes long. */
  #changed(message) {
    this.changed.add(message);
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      const began = performance.now();
      const follow = this.#atEnd();
      for (const each of this.changed) this.viewOf(each)?.update();
      this.changed.clear();
      if (follow) this.scrollToEnd();
      // No more than a quarter of the time goes into showing an answer while it is written.
      const took = performance.now() - began;
      setTimeout(() => {
        this.planned = false;
        if (this.changed.size) this.#changed(message);
      }, took > 4 ? 3 * took : 0);
    });
  }

  #formatRest() {
    whenIdle((deadline) => {
      const rest = this.views.filter((view) => !view.formatted);
      while (rest.length && deadline.timeRemaining() > 2) rest.pop().format();
      if (rest.length) this.#formatRest();
    });
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #scrolled() {
    this.toEnd.hidden = this.#atEnd();
  }

  #welcome() {
    return h("div", { class: "welcome" }, h("h2", {}, t("greeting")), h("p", { class: "quiet" }, t("greetingMore")),
      h("ul", {}, EXAMPLES.map((example) => h("li", {}, h("button", { type: "button", onclick: () => this.suggest(example) }, example)))));
  }
}

// The line above the messages: title, model, how much of its context the conversation fills.

import { h, iconButton } from "./dom.js";
import { download, exportText, inOrder } from "./transfer.js";
import { number, t } from "./words.js";

export class Header {
  constructor(app, { toggleSidebar, rename, openPanel }) {
    this.app = app;
    this.title = h("h1", {});
    this.rename = iconButton("edit", t("rename"), () => rename(app.current.id));
    this.export = iconButton("save", t("exportThis"), () => this.#export());
    this.models = h("select", { "aria-label": t("model"), onchange: () => app.configure({ model: this.models.value }) });
    this.meter = h("meter", { min: 0, low: 0, "aria-label": t("context") });
    this.used = h("span");
    this.context = h("span", { class: "context", title: t("context") }, this.meter, this.used);
    this.retry = h("button", { type: "button", class: "text-button", onclick: () => app.loadModels() }, t("retry"));
    this.fault = h("span", { class: "model-fault", role: "alert" });
    this.element = h("header", { class: "header" },
      iconButton("menu", t("toggleSidebar"), toggleSidebar, { "aria-controls": "sidebar" }),
      h("div", { class: "header-title" }, this.title, this.rename), this.fault, this.context, this.models, this.export,
      iconButton("settings", t("settings"), openPanel));
    for (const event of ["open", "path", "list", "configured"]) app.on(event, () => this.#show());
    app.on("models", () => this.#showModels());
    this.#showModels();
  }

  #showModels() {
    this.models.replaceChildren(...this.app.models.map(({ id }) => h("option", { value: id }, id)));
    this.models.disabled = this.app.models.length < 2;
    this.models.hidden = this.app.models.length === 0;
    const { modelsError } = this.app;
    this.fault.replaceChildren(...(modelsError ? [modelsError === "unreachable" ? t("unreachable") : modelsError, this.retry] : []));
    this.#show();
  }

  #show() {
    const { current, model } = this.app;
    const path = current.path();
    const title = current.record.title || t("newConversation");
    this.title.textContent = title;
    this.title.title = title;
    document.title = current.record.title ? `${title} · Baichuan` : "Baichuan";
    this.rename.hidden = this.export.hidden = path.length === 0;
    if (model) this.models.value = model.id;
    const usage = path.findLast((message) => message.usage)?.usage;
    const length = model?.max_model_len;
    this.context.hidden = !usage;
    if (!usage) return;
    const tokens = usage.prompt + usage.completion;
    this.used.textContent = length ? `${number(tokens)} / ${number(length)}` : t("tokens", number(tokens));
    this.meter.hidden = !length;
    if (!length) return;
    this.meter.max = length;
    this.meter.high = 0.85 * length;
    this.meter.optimum = 0;
    this.meter.value = tokens;
  }

  #export() {
    const { record } = this.app.current;
    const name = record.title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "conversation";
    download(`${name}.json`, exportText([{ ...record, messages: inOrder(this.app.current) }]));
  }
}

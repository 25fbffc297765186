// What the page says beside the conversation: to a screen reader, for some seconds, or until it is closed.

import { h, iconButton } from "./dom.js";
import { t } from "./words.js";

const SECONDS_OF_A_TOAST = 8;

const spoken = h("div", { class: "visually-hidden", "aria-live": "polite" });
const toasts = h("div", { class: "toasts", role: "status" });
const banners = h("div", { class: "banners" });

/** The places of notices. */
export function noticeElements() {
  return [spoken, banners, toasts];
}

/** Says something to a screen reader. */
export function announce(text) {
  spoken.textContent = text;
}

/** Shows a text for some seconds, with something that can be done meanwhile. */
export function toast(text, label, action) {
  const element = h("div", { class: "toast" }, h("span", {}, text));
  const close = () => element.remove();
  if (action) {
    element.append(h("button", { type: "button", class: "text-button", onclick: () => { close(); action(); } }, label));
  }
  toasts.replaceChildren(element);
  setTimeout(close, SECONDS_OF_A_TOAST * 1000);
}

/** Shows a text until it is closed. The same text is shown once. */
export function banner(text) {
  if ([...banners.children].some((element) => element.firstChild.textContent === text)) return;
  const element = h("div", { class: "banner", role: "alert" }, h("span", {}, text));
  element.append(iconButton("close", t("close"), () => element.remove()));
  banners.append(element);
}

/** Tells that something could not be kept in the browser. */
export function storageFailure(error) {
  banner(error?.name === "QuotaExceededError" ? t("storageFull") : t("storageFailed", error?.message ?? error));
}

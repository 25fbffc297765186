import { icon } from "./dom.js";
import { announce } from "./notices.js";
import { t } from "./words.js";

/** Copies a text; a button that is given shows for a moment that it was done. */
export async function copyText(text, button) {
  if (!(await copied(text))) return announce(t("copyFailed"));
  announce(t("copied"));
  if (!button) return;
  const before = [...button.childNodes];
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(...before), 1500);
}

async function copied(text) {
  // A page that came by plain HTTP from another machine has no navigator.clipboard.
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  const focused = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}

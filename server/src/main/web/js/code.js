// Blocks of code: coloured by highlight.js, whose tree of scopes becomes elements.

import hljs from "highlight.js";
import { h, iconButton, scrollable } from "./dom.js";
import { t } from "./words.js";
import { copyText } from "./clipboard.js";

/** Longer code is shown without colours, so that a page stays quick. */
const MOST_COLOURED = 50_000;

export function codeBlock(text, language) {
  const code = h("code", {}, colouredCode(text.replace(/\n$/, ""), language));
  return h("figure", { class: "code" },
    h("figcaption", {}, h("span", {}, language), iconButton("copy", t("copyCode"), (event) => copyText(text, event.currentTarget))),
    scrollable(h("pre", {}, code)));
}

/** The text as one node, or as coloured nodes where the language is known. */
function colouredCode(text, language) {
  if (!hljs.getLanguage(language) || text.length > MOST_COLOURED) return text;
  return scoped(hljs.highlight(text, { language, ignoreIllegals: true })._emitter.root);
}

function scoped(node) {
  if (typeof node === "string") return node;
  const children = node.children.map(scoped);
  if (!node.scope || node.scope.startsWith("language:")) {
    const fragment = document.createDocumentFragment();
    fragment.append(...children);
    return fragment;
  }
  // "title.function" has the classes of both.
  return h("span", { class: node.scope.split(".").map((scope) => `hl-${scope}`).join(" ") }, ...children);
}

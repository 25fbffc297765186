// Markdown becomes elements, one by one from the parser's tokens. Only the tags and attributes named here can arise;
// HTML in a text stays text, and an image is shown as a link: fetching it would tell its server what was said.

import markdownit from "markdown-it";
import { h, icon, scrollable } from "./dom.js";
import { codeBlock } from "./code.js";
import { mathRules, mathElement } from "./math.js";
import { cjkEmphasis } from "./cjk.js";

const TAGS = new Set([
  "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr", "table", "thead", "tbody", "tr", "th",
  "td", "em", "strong", "s", "a", "br",
]);
const LINK = /^(https?:|mailto:)/i;

const parser = markdownit({ html: false, linkify: true, breaks: true }).use(mathRules).use(cjkEmphasis);
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
parser.validateLink = (url) => LINK.test(url.trim());

/** The blocks of a text, each as its source and a function that makes its elements. */
export function markdownBlocks(text) {
  const lines = text.split("\n");
  const blocks = [];
  let begin = 0;
  const tokens = parser.parse(text, {});
  for (let i = 0, depth = 0; i < tokens.length; i++) {
    depth += tokens[i].nesting;
    if (depth > 0) continue;
    const group = tokens.slice(begin, i + 1);
    const [from, to] = group[0].map ?? [0, lines.length];
    blocks.push({ source: `${group[0].type}\n${lines.slice(from, to).join("\n")}`, render: () => elements(group) });
    begin = i + 1;
  }
  return blocks;
}

function elements(tokens) {
  const top = document.createDocumentFragment();
  const open = [top];
  for (const token of tokens) {
    const parent = open.at(-1);
    if (token.nesting < 0) {
      if (!token.hidden) open.pop();
    } else if (token.type === "inline") {
      parent.append(elements(token.children));
    } else if (token.hidden) {
      // A paragraph in a tight list shows its text alone.
    } else if (token.nesting > 0) {
      const element = tagged(token);
      parent.append(token.tag === "table" ? scrollable(h("div", { class: "table" }, element)) : element);
      open.push(element);
    } else {
      parent.append(leaf(token));
    }
  }
  return top;
}

function tagged(token) {
  if (!TAGS.has(token.tag)) throw new Error(`Markdown made a ${token.tag}, which the page does not show`);
  // Below the headings of the page and of the message.
  const heading = /^h([1-6])$/.exec(token.tag);
  const element = h(heading ? `h${Math.min(6, Number(heading[1]) + 2)}` : token.tag);
  if (token.tag === "a") link(element, token.attrGet("href"));
  if (token.tag === "ol" && token.attrGet("start")) element.start = Number(token.attrGet("start"));
  if (token.tag === "th" || token.tag === "td") {
    const align = /text-align:(left|center|right)/.exec(token.attrGet("style") ?? "");
    if (align) element.classList.add(`align-${align[1]}`);
  }
  return element;
}

function link(element, url) {
  if (!LINK.test(url)) return;
  element.href = url;
  element.target = "_blank";
  element.rel = "noopener noreferrer";
  element.title = url; // where it leads, whatever its text says
}

function leaf(token) {
  switch (token.type) {
    case "text":
      return token.content;
    case "softbreak":
    case "hardbreak":
      return h("br");
    case "hr":
      return h("hr");
    case "code_inline":
      return h("code", {}, token.content);
    case "fence":
      return codeBlock(token.content, token.info.trim().split(/\s+/, 1)[0]);
    case "code_block":
      return codeBlock(token.content, "");
    case "math_inline":
      return mathElement(token.content, false);
    case "math_block":
      return mathElement(token.content, true);
    case "image": {
      const element = h("a", { class: "image" }, icon("image"), " ", token.content || token.attrGet("src"));
      link(element, token.attrGet("src"));
      return element;
    }
    default:
      return token.content; // html_block and html_inline do not arise; a new kind of token would show its source
  }
}

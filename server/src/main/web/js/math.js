// Formulas: KaTeX reads TeX and answers a tree of MathML, which becomes elements here. MathML needs no fonts and no
// styles, and screen readers read it.

import katex from "katex";
import { h, scrollable } from "./dom.js";
import { styledLetters } from "./letters.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const APPLY = "\u2061"; // what stands between an operator's name and its argument
const THIN = 1 / 6; // em
const TAGS = new Set([
  "math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "mtext", "mspace", "ms", "mfrac", "msqrt", "mroot",
  "mstyle", "merror", "mpadded", "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover", "munderover",
  "mtable", "mtr", "mtd",
]);
const ATTRIBUTES = new Set([
  "accent", "columnalign", "depth", "display", "displaystyle", "encoding", "fence", "height", "linethickness", "lspace",
  "mathbackground", "mathcolor", "mathsize", "maxsize", "minsize", "notation", "rspace", "scriptlevel", "separator",
  "stretchy", "symmetric", "voffset", "width", "accentunder", "movablelimits", "largeop",
]);
const OPTIONS = { output: "mathml", throwOnError: true, strict: "ignore", trust: false, maxSize: 20, maxExpand: 1000 };

/** Adds $...$, $$...$$, \(...\) and \[...\] to a Markdown parser. */
export function mathRules(parser) {
  parser.inline.ruler.before("escape", "math_inline", inlineMath);
  parser.block.ruler.before("fence", "math_block", blockMath, { alt: ["paragraph", "blockquote", "list"] });
}

/** The element of a formula; one that TeX would refuse is shown as it was written, with the reason. */
export function mathElement(tex, display) {
  try {
    const tree = katex.__renderToDomTree(tex, { ...OPTIONS, displayMode: display });
    const math = mathml(tree.children[0]);
    return display ? scrollable(h("span", { class: "math" }, math)) : math;
  } catch (error) {
    return h("code", { class: "math-error", title: error.message }, tex);
  }
}

/** The nodes of KaTeX's tree: elements, texts, spaces, and fragments, which have children alone. */
function mathml(node) {
  if (node.text !== undefined) return document.createTextNode(node.text);
  if (node.width !== undefined) return space(node);
  if (node.type === undefined) {
    const fragment = document.createDocumentFragment();
    fragment.append(...node.children.map(mathml));
    return fragment;
  }
  if (!TAGS.has(node.type)) throw new Error(`${node.type} is no element that the page shows`);
  const element = document.createElementNS(MATHML, node.type);
  for (const [name, value] of Object.entries(node.attributes)) {
    if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
  }
  const variant = node.attributes.mathvariant;
  if (variant === "normal") element.setAttribute("mathvariant", "normal");
  element.append(...node.children.map(mathml));
  if (variant && variant !== "normal") element.textContent = styledLetters(element.textContent, variant);
  [...element.children].filter((child) => child.textContent === APPLY).forEach(spaceOperator);
  if (node.type === "mtable") alignColumns(element, node.attributes);
  return element;
}

function space({ character, width }) {
  return character ? document.createTextNode(character) : mspace(width);
}

/** Sets an operator such as log off from what it stands beside, as TeX does; MathML has it touch. */
function spaceOperator(apply) {
  const operator = apply.previousElementSibling;
  if (!operator) return;
  const touches = (element) => element && element.localName !== "mo" && element.localName !== "mspace";
  if (touches(operator.previousElementSibling)) operator.before(mspace(THIN));
  if (touches(apply.nextElementSibling)) apply.after(mspace(THIN));
}

function mspace(width) {
  const element = document.createElementNS(MATHML, "mspace");
  element.setAttribute("width", `${width}em`);
  return element;
}

/** Browsers align a cell by its style, and no longer by the table's columnalign. */
function alignColumns(table, { columnalign = "", columnspacing = "" }) {
  const alignments = columnalign.split(" ");
  if (columnspacing === "0em") table.classList.add("aligned");
  for (const row of table.children) {
    [...row.children].forEach((cell, i) => {
      const alignment = alignments[Math.min(i, alignments.length - 1)];
      if (alignment === "left" || alignment === "right") cell.classList.add(`align-${alignment}`);
    });
  }
}

function inlineMath(state, silent) {
  for (const [open, close] of [["$$", "$$"], ["$", "$"], ["\\(", "\\)"], ["\\[", "\\]"]]) {
    if (!state.src.startsWith(open, state.pos)) continue;
    const begin = state.pos + open.length;
    const end = closing(state.src, close, begin);
    if (end < 0 || end + close.length > state.posMax) continue;
    const tex = state.src.slice(begin, end);
    // "$5 and $6" are prices: Pandoc's rule of what a dollar sign may stand beside. A backtick begins code.
    if (open === "$" && (/^\s|\s$|`/.test(tex) || /\d/.test(state.src[end + 1] ?? ""))) continue;
    if (!tex.trim()) continue;
    if (!silent) state.push(open === "$$" || open === "\\[" ? "math_block" : "math_inline", "math", 0).content = tex;
    state.pos = end + close.length;
    return true;
  }
  return false;
}

/** Where the closing mark stands that no backslash takes away, or -1. */
function closing(text, mark, from) {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}

function blockMath(state, startLine, endLine, silent) {
  const line = (number) => state.src.slice(state.bMarks[number] + state.tShift[number], state.eMarks[number]);
  const first = line(startLine);
  const close = first.startsWith("$$") ? "$$" : first.startsWith("\\[") ? "\\]" : null;
  if (close === null) return false;
  const rows = [];
  for (let number = startLine; number < endLine; number++) {
    const row = (number === startLine ? first.slice(2) : line(number)).trimEnd();
    // A formula that ends before the end of its line is part of a paragraph.
    if (row.includes(close) && row.indexOf(close) !== row.length - close.length) return false;
    if (row.endsWith(close)) {
      if (silent) return true;
      rows.push(row.slice(0, -close.length));
      const token = state.push("math_block", "math", 0);
      token.content = rows.join("\n");
      token.map = [startLine, number + 1];
      state.line = number + 1;
      return true;
    }
    rows.push(row);
  }
  return false;
}

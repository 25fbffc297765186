// Elements are made by calls: no text is ever parsed as HTML, so nothing that a model writes can become markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. Functions named on... listen to an event, true is an attribute without a value, and false,
 * null and undefined leave an attribute or a child out.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : value);
}

/** Icons of 16 by 16 pixels, drawn by a line; each is the d of an SVG path. */
const ICONS = {
  add: "M8 3v10M3 8h10",
  attach: "M8 10V2.5M5 5.5l3-3 3 3M3 10v3h10v-3",
  chart: "M3 13V8M8 13V3M13 13V6",
  check: "M3 8.5l3.5 3.5L13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M6 6V3h7v7h-3M3 6h7v7H3z",
  down: "M8 3v10M4 9l4 4 4-4",
  edit: "M3 13l.7-3L11 2.7l2.3 2.3L6 12.3zM9.7 4l2.3 2.3",
  help: "M6 6a2 2 0 1 1 2.8 1.8c-.6.3-.8.7-.8 1.4M8 11.7v.3M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13z",
  image: "M2.5 3.5h11v9h-11zM2.5 10.5l3-3 3 3 2-2 3 2.5",
  language: "M2 4h8M6 2.5V4M3.5 4c.5 2.5 3 4.5 5 5.5M8.5 4C8 7 5.5 9 2.5 9.8M8 14l3-7 3 7M9 12h4",
  left: "M10 3L5 8l5 5",
  menu: "M2.5 4h11M2.5 8h11M2.5 12h11",
  play: "M5 3.5l7 4.5-7 4.5z",
  redo: "M13 8a5 5 0 1 1-1.6-3.7L13 6M13 2.5V6H9.5",
  remove: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.5 8.5h6l.5-8.5M6.8 7v4M9.2 7v4",
  right: "M6 3l5 5-5 5",
  save: "M8 2.5V10M5 7l3 3 3-3M3 10v3h10v-3",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3L13.5 13.5",
  send: "M8 13V3M4 7l4-4 4 4",
  settings: "M2.5 5h5M11.5 5h2M9.5 3v4M2.5 11h2M8.5 11h5M6.5 9v4",
  stop: "M4.5 4.5h7v7h-7z",
  theme: "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12M8 2v12M6.8 2.3v11.4M5.6 2.6v10.8M4.4 3.4v9.2M3.2 4.5v7",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon; its label is read out and shown when the pointer rests on it. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** An id that no other has, also where the page has no secure context and so no crypto.randomUUID. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const overflow = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

/** Lets an element take the focus while it is wider than its place, so that a keyboard can scroll it. */
export function scrollable(element) {
  overflow.observe(element);
  return element;
}

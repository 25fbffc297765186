/** Makes a text area as high as its text; the style sheet says where that ends. */
export function autosize(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

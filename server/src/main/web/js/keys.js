// Keys that work everywhere on the page.

import { showShortcuts } from "./dialogs.js";
import { t } from "./words.js";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const CTRL = MAC ? "⌘" : "Ctrl";
const ALT = MAC ? "⌥" : "Alt";

/** Listens to keys until a signal; actions has a function for each name below. */
export function listenToKeys(actions, signal) {
  const bindings = [
    { keys: ["Enter"], label: t("keySend") },
    { keys: ["Shift", "Enter"], label: t("keyLine") },
    { keys: ["Esc"], label: t("keyStop"), when: (event) => event.key === "Escape" && !document.querySelector("dialog[open]"), run: actions.stop },
    { keys: ["↑"], label: t("keyEditLast") },
    { keys: [ALT, "R"], label: t("regenerate"), when: alt("KeyR"), run: actions.regenerate },
    { keys: [ALT, "C"], label: t("goOn"), when: alt("KeyC"), run: actions.goOn },
    { keys: [ALT, "["], label: t("earlierVersion"), when: alt("BracketLeft"), run: () => actions.branch(-1) },
    { keys: [ALT, "]"], label: t("laterVersion"), when: alt("BracketRight"), run: () => actions.branch(1) },
    { keys: [ALT, "P"], label: t("probabilities"), when: alt("KeyP"), run: actions.probabilities },
    { keys: [ALT, "N"], label: t("newConversation"), when: alt("KeyN"), run: actions.create },
    { keys: [ALT, "↑"], label: t("previousConversation"), when: alt("ArrowUp"), run: () => actions.step(-1) },
    { keys: [ALT, "↓"], label: t("nextConversation"), when: alt("ArrowDown"), run: () => actions.step(1) },
    { keys: [CTRL, "K"], label: t("search"), when: ctrl("KeyK"), run: actions.search },
    { keys: [CTRL, "/"], label: t("keyFocus"), when: ctrl("Slash"), run: actions.focus },
    { keys: [CTRL, ","], label: t("settings"), when: ctrl("Comma"), run: actions.settings },
    { keys: ["F2"], label: t("rename"), when: (event) => event.key === "F2", run: actions.rename },
    { keys: ["?"], label: t("shortcuts"), when: (event) => event.key === "?" && !inField(event.target), run: () => showShortcuts(bindings) },
  ];
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    const binding = bindings.find(({ when }) => when?.(event));
    if (!binding) return;
    event.preventDefault();
    binding.run();
  }, { signal });
  return () => showShortcuts(bindings);
}

function alt(code) {
  return (event) => event.altKey && !event.ctrlKey && !event.metaKey && event.code === code;
}

function ctrl(code) {
  return (event) => (MAC ? event.metaKey : event.ctrlKey) && !event.altKey && !event.shiftKey && event.code === code;
}

function inField(element) {
  return element.matches("input, textarea, select");
}

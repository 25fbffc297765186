// The page in the user's language.

import { preference, setPreference } from "./preferences.js";
import { english } from "./english.js";
import { chinese } from "./chinese.js";

let words;
let numbers;

/** Takes the language that was chosen, else the browser's: Chinese where that is its first, otherwise English. */
export function takeLanguage() {
  const language = preference("language", navigator.language?.startsWith("zh") ? "zh-CN" : "en");
  document.documentElement.lang = language;
  words = language === "zh-CN" ? chinese : english;
  numbers = new Map();
}

export function switchLanguage() {
  setPreference("language", document.documentElement.lang === "en" ? "zh-CN" : "en");
  takeLanguage();
}

/** A text of the page; {0}, {1} are replaced by values. */
export function t(name, ...values) {
  const text = words[name];
  if (text === undefined) throw new Error(`no word ${name}`);
  return text.replace(/\{(\d)\}/g, (_, i) => values[i]);
}

/** A number as the language writes it, with so many digits after the point. */
export function number(value, digits = 0) {
  if (!numbers.has(digits)) {
    numbers.set(digits, new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return numbers.get(digits).format(value);
}

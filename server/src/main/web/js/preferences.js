// Small values that are kept beside the conversations: choices of the user, and what was typed and not sent. They are
// in localStorage, whose writes are done when the call returns: a draft is safe with each key that is pressed.

const PREFIX = "baichuan4j.";

let failed = () => {};

/** Calls back with the error when a value cannot be kept. */
export function onPreferenceFailure(callback) {
  failed = callback;
}

/** A value that was kept, or what is given for one that was not. */
export function preference(name, otherwise) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch (error) {
    failed(error);
    return otherwise;
  }
}

/** Keeps a value; undefined forgets it. */
export function setPreference(name, value) {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch (error) {
    failed(error);
  }
}

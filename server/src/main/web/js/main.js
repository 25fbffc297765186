// The page: begins here.

import { Api } from "./api.js";
import { App } from "./app.js";
import { Composer } from "./composer.js";
import { askKey } from "./dialogs.js";
import { h, iconButton } from "./dom.js";
import { Header } from "./header.js";
import { listenToKeys } from "./keys.js";
import { banner, noticeElements, storageFailure, toast } from "./notices.js";
import { showPanel } from "./panel.js";
import { onPreferenceFailure, preference, setPreference } from "./preferences.js";
import { Sidebar } from "./sidebar.js";
import { Store } from "./store.js";
import { Thread } from "./thread.js";
import { download, exportText, importText } from "./transfer.js";
import { switchLanguage, t, takeLanguage } from "./words.js";

const THEMES = ["auto", "light", "dark"];
const NARROW = matchMedia("(max-width: 48rem)");

onPreferenceFailure(storageFailure);
takeLanguage();

let store = null;
try {
  store = await Store.open();
} catch (error) {
  storageFailure(error);
}
const app = new App(store, new Api(askKey));

/** Makes the views, once and after a change of the language. */
function show() {
  app.reset();
  const events = new AbortController();
  const composer = new Composer(app);
  const thread = new Thread(app, (text) => composer.suggest(text));
  const file = h("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => importFile(file) });
  const language = () => {
    events.abort();
    switchLanguage();
    show();
  };
  const sidebar = new Sidebar(app, {
    close: closeOverlay,
    tools: [
      iconButton("attach", t("import"), () => file.click()), iconButton("save", t("exportAll"), exportAll), themeButton(),
      iconButton("language", t("otherLanguage"), language), iconButton("help", t("shortcuts"), () => help()), file,
    ],
  });
  sidebar.element.id = "sidebar";
  const header = new Header(app, { toggleSidebar, rename: (id) => { openSidebar(); sidebar.rename(id); }, openPanel: () => showPanel(app) });
  const main = h("main", { class: "main" }, header.element, thread.element, composer.element);
  const help = listenToKeys(actions(sidebar, thread, composer), events.signal);
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#", onclick: (event) => { event.preventDefault(); composer.focus(); } }, t("skip")),
    sidebar.element, h("div", { class: "backdrop", onclick: closeOverlay }), main, ...noticeElements());
  thread.open();
  composer.open();
  app.on("open", closeOverlay);
  app.on("open", writeAddress);
  app.on("path", writeAddress);
  app.on("schema-fault", () => showPanel(app, true));
  app.on("edit-last", () => thread.views.findLast(({ message }) => message.role === "user")?.edit());
  window.addEventListener("hashchange", () => readAddress(thread), { signal: events.signal });
  return thread;
}

function actions(sidebar, thread, composer) {
  const lastAnswer = () => thread.views.findLast(({ message }) => message.role === "assistant");
  return {
    stop: () => (document.body.dataset.sidebar === "over" ? closeOverlay() : app.stop()),
    regenerate: () => lastAnswer() && app.regenerate(lastAnswer().message),
    goOn: () => lastAnswer()?.canGoOn() && app.continueAnswer(lastAnswer().message),
    branch: (places) => {
      const branched = thread.views.findLast(({ message }) => app.current.siblings(message).length > 1);
      if (branched) app.switchBranch(branched.message, places);
    },
    probabilities: () => lastAnswer()?.message.tokens && lastAnswer().toggleTokens(),
    create: () => app.newConversation(),
    step: (places) => {
      const place = app.records.findIndex(({ id }) => id === app.current.id) + places;
      if (app.records[place]) app.open(app.records[place].id);
    },
    search: () => { openSidebar(); sidebar.focusSearch(); },
    focus: () => composer.focus(),
    settings: () => showPanel(app),
    rename: () => { openSidebar(); sidebar.rename(app.current.id); },
  };
}

// ---- the address names the conversation, so that a reload and the browser's Back find it

function writeAddress() {
  const address = app.current.messages.size ? `#${app.current.id}` : "#";
  if (location.hash.split("/")[0] !== (address === "#" ? "" : address)) history.pushState(null, "", address);
}

async function readAddress(thread) {
  const [id, message] = location.hash.slice(1).split("/");
  if (!id) {
    if (app.current.messages.size) app.newConversation();
  } else if (!(await app.open(id))) {
    toast(t("notThere"));
    app.newConversation();
  } else if (app.current.messages.has(message)) {
    app.showMessage(app.current.messages.get(message));
    thread.reveal(message);
    history.replaceState(null, "", `#${id}`);
  }
}

// ---- files

async function exportAll() {
  download(`baichuan-${new Date().toISOString().slice(0, 10)}.json`, exportText(await app.everything()));
}

async function importFile(input) {
  const [file] = input.files;
  try {
    const conversations = importText(await file.text());
    await app.addAll(conversations);
    toast(t("imported", conversations.length));
  } catch (error) {
    banner(t("importFailed", file.name, error.message));
  }
  input.value = "";
}

// ---- how it looks

function themeButton() {
  const button = iconButton("theme", "", () => {
    const next = THEMES[(THEMES.indexOf(preference("theme", "auto")) + 1) % THEMES.length];
    setPreference("theme", next);
    document.documentElement.dataset.theme = next;
    label();
  });
  const label = () => {
    button.title = t(`theme_${preference("theme", "auto")}`);
    button.setAttribute("aria-label", button.title);
  };
  label();
  return button;
}

/** The sidebar stands beside the messages, or over them on a narrow screen. */
function toggleSidebar() {
  if (NARROW.matches) {
    if (document.body.dataset.sidebar === "over") closeOverlay();
    else openSidebar();
  } else {
    document.body.dataset.sidebar = document.body.dataset.sidebar === "closed" ? "" : "closed";
    setPreference("sidebar", document.body.dataset.sidebar);
  }
}

function openSidebar() {
  window.addEventListener("pagehide", () => app.generations.forEach(({ generation }) => generation.saveNow()));
document.body.dataset.sidebar = NARROW.matches ? "over" : "";
  document.querySelector("main").inert = NARROW.matches;
}

function closeOverlay() {
  if (document.body.dataset.sidebar !== "over") return;
  document.body.dataset.sidebar = "";
  document.querySelector("main").inert = false;
}

window.addEventListener("pagehide", () => app.generations.forEach(({ generation }) => generation.saveNow()));
document.body.dataset.sidebar = NARROW.matches ? "" : preference("sidebar", "");
const thread = show();
await app.start();
await readAddress(thread);

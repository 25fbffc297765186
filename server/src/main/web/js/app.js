// What the page knows and does. The views show it and call it; it tells them what changed by events:
//   list     the conversations, or one's title
//   open     another conversation is shown
//   path     messages of the shown conversation came, or others are shown
//   message  one of its messages changed (detail)
//   models   the models of the server are known

import { Conversation, titleOf } from "./conversation.js";
import { Generation } from "./generation.js";
import { announce, storageFailure, toast } from "./notices.js";
import { preference, setPreference } from "./preferences.js";
import { requestBody, schemaFault } from "./settings.js";
import { inOrder } from "./transfer.js";
import { t } from "./words.js";

export class App extends EventTarget {
  #views = new AbortController();

  constructor(store, api) {
    super();
    this.store = store;
    this.api = api;
    this.records = []; // of all conversations, the latest first
    this.models = [];
    this.generations = new Map(); // those that run, by their conversation's id
    this.unsaved = new Map(); // conversations that the browser could not keep, by their id
    this.current = this.#fresh();
    store?.listen((id) => this.#changedElsewhere(id));
  }

  /** Calls back on an event, until reset. */
  on(type, callback) {
    this.addEventListener(type, callback, { signal: this.#views.signal });
  }

  /** Forgets those who wanted to be called back. */
  reset() {
    this.#views.abort();
    this.#views = new AbortController();
  }

  async start() {
    await this.#stored(async () => (this.records = await this.store.list()));
    this.#tell("list");
    await this.loadModels();
  }

  async loadModels() {
    try {
      this.models = await this.api.models();
      this.modelsError = null;
    } catch (error) {
      this.modelsError = error.message;
    }
    this.#tell("models");
  }

  /** The model that the shown conversation is answered by: { id, max_model_len }, or undefined while none is known. */
  get model() {
    return this.models.find(({ id }) => id === this.current.record.settings.model) ?? this.models[0];
  }

  get running() {
    return this.generations.get(this.current.id);
  }

  // ---- conversations

  newConversation() {
    this.current = this.#fresh();
    this.#tell("open");
  }

  /** Shows a conversation; one that is not there is answered with false. */
  async open(id) {
    if (id === this.current.id) return true;
    const conversation = await this.#conversation(id);
    if (!conversation) return false;
    this.current = conversation;
    this.#tell("open");
    return true;
  }

  rename(id, title) {
    return this.#changeRecord(id, { title, named: true });
  }

  /** Removes a conversation, and offers for some seconds to bring it back. */
  async remove(id) {
    const running = this.generations.get(id);
    running?.generation.stop();
    await running?.done;
    const conversation = await this.#conversation(id);
    if (!conversation) return;
    const { record, messages } = conversation;
    await this.#stored(() => this.store.remove(id));
    this.unsaved.delete(id);
    this.records = this.records.filter((each) => each.id !== id);
    if (this.current.id === id) this.newConversation();
    this.#tell("list");
    toast(t("removed", record.title), t("undo"), () => this.addAll([{ record, messages: [...messages.values()] }]));
  }

  /** Adds conversations, or messages to those that are there. */
  async addAll(conversations) {
    await this.#stored(async () => {
      for (const { record, messages } of conversations) await this.store.save(record, messages);
    });
    await this.#reload();
  }

  /** All conversations, as a file has them. */
  async everything() {
    const all = [];
    for (const record of this.records) {
      const conversation = await this.#conversation(record.id);
      if (conversation) all.push({ ...conversation.record, messages: inOrder(conversation) });
    }
    return all;
  }

  /** Changes the system text or settings of the shown conversation; undefined takes a setting away. */
  configure({ system, ...settings }) {
    const record = this.current.record;
    if (system !== undefined) record.system = system;
    for (const [name, value] of Object.entries(settings)) {
      if (value === undefined) delete record.settings[name];
      else record.settings[name] = value;
    }
    if (this.#isStored(record.id)) this.#stored(() => this.store.saveRecord(record));
    else setPreference("new", { system: record.system, settings: record.settings });
    this.dispatchEvent(new Event("configured"));
  }

  // ---- messages

  /** Sends a question after what is shown, and answers whether it was taken. */
  send(text) {
    const conversation = this.current;
    if (this.running || text.trim() === "" || !this.#ready()) return false;
    const question = conversation.add(conversation.path().at(-1), "user", text);
    if (!conversation.record.title) conversation.record.title = titleOf(text);
    this.#answer(conversation, question);
    return true;
  }

  /** Writes another answer beside this one. */
  regenerate(answer) {
    if (this.running || !this.#ready()) return;
    this.#answer(this.current, this.current.messages.get(answer.parent));
  }

  /** Adds the message with another text beside it; a question is answered. */
  edit(message, text) {
    const conversation = this.current;
    if (this.running || text.trim() === "" || (message.role === "user" && !this.#ready())) return false;
    const parent = conversation.messages.get(message.parent);
    const edited = conversation.add(parent, message.role, text, message.role === "user" ? {} : { state: "done", edited: true });
    if (message.role === "user") this.#answer(conversation, edited);
    else this.#saveAndShow(conversation, [edited]);
    return true;
  }

  /** Shows the alternative that is so many places after this message. */
  switchBranch(message, places) {
    if (this.running) return;
    const siblings = this.current.siblings(message);
    const other = siblings[siblings.indexOf(message) + places];
    if (other) this.showMessage(other);
  }

  showMessage(message) {
    this.current.show(message);
    this.#saveAndShow(this.current, []);
  }

  stop() {
    this.running?.generation.stop();
  }

  /** Goes on with an answer that has ended early. */
  continueAnswer(answer) {
    if (this.running || !this.#ready()) return;
    this.#write(this.current, answer, [answer]);
  }

  /** Writes another answer that begins with a text, of some tokens. */
  branch(answer, text, tokens) {
    if (this.running || !this.#ready()) return;
    const conversation = this.current;
    const parent = conversation.messages.get(answer.parent);
    this.#write(conversation, conversation.add(parent, "assistant", text, { tokens, state: "writing" }), []);
  }

  #answer(conversation, question) {
    this.#write(conversation, conversation.add(question, "assistant", "", { state: "writing" }), [question]);
  }

  /** Has an answer written, from where it is; changed messages are saved with it. */
  #write(conversation, answer, changed) {
    const body = requestBody(conversation.record, conversation.pathTo(answer), this.model?.id);
    const generation = new Generation(answer, {
      changed: () => this.current === conversation && this.#tell("message", answer),
      save: () => this.#save(conversation, [answer]),
    });
    const run = { conversation, generation };
    this.generations.set(conversation.id, run);
    this.#saveAndShow(conversation, [...changed, answer]);
    announce(t("answering"));
    run.done = generation.run(this.api, body).then(() => {
      this.generations.delete(conversation.id);
      if (this.current === conversation) this.#tell("path");
      this.#tell("list");
      // How long a model's context is can be known only now that the server has loaded it.
      if (!this.model?.max_model_len) this.loadModels();
      announce(answer.state === "failed" ? t("answerFailed") : `${t("answered")} ${answer.content.slice(0, 500)}`);
    });
  }

  /** Whether a question can be sent. What is missing is told. */
  #ready() {
    const { format, schema = "" } = this.current.record.settings;
    if (format !== "json_schema" || schemaFault(schema) === null) return true;
    this.dispatchEvent(new Event("schema-fault"));
    return false;
  }

  #saveAndShow(conversation, messages) {
    const record = conversation.record;
    if (!this.#isStored(record.id)) setPreference("new", undefined);
    this.records = [record, ...this.records.filter((each) => each.id !== record.id)].sort((a, b) => b.updated - a.updated);
    this.#save(conversation, messages);
    if (this.current === conversation) this.#tell("path");
    this.#tell("list");
  }

  /** Keeps messages of a conversation; all of them where an earlier time has failed. */
  async #save(conversation, messages) {
    const all = this.unsaved.has(conversation.id) ? [...conversation.messages.values()] : messages;
    this.unsaved.set(conversation.id, conversation);
    const kept = await this.#stored(() => this.store.save(conversation.record, all));
    if (kept) this.unsaved.delete(conversation.id);
  }

  /** The conversation with an id, or undefined. */
  async #conversation(id) {
    const here = this.current.id === id ? this.current : (this.generations.get(id)?.conversation ?? this.unsaved.get(id));
    if (here) return here;
    let found;
    await this.#stored(async () => {
      const record = await this.store.record(id);
      if (record) found = new Conversation(record, await this.store.messages(id));
    });
    return found;
  }

  /** A conversation that has no message yet; its settings are kept until it has one. */
  #fresh() {
    const defaults = preference("defaults", { system: "", settings: {} });
    const { system, settings } = preference("new", defaults);
    return Conversation.create(system, settings);
  }

  #isStored(id) {
    return this.records.some((record) => record.id === id);
  }

  #changeRecord(id, change) {
    const record = this.current.id === id ? this.current.record : this.records.find((each) => each.id === id);
    Object.assign(record, change);
    this.records = this.records.map((each) => (each.id === id ? record : each));
    this.#tell("list");
    return this.#isStored(id) ? this.#stored(() => this.store.saveRecord(record)) : undefined;
  }

  async #changedElsewhere(id) {
    if (id === this.current.id && !this.running) {
      const record = await this.store.record(id);
      if (record) this.current = new Conversation(record, await this.store.messages(id));
      else this.current = this.#fresh();
      this.#tell(record ? "path" : "open");
    }
    await this.#reload();
  }

  async #reload() {
    await this.#stored(async () => {
      const stored = await this.store.list();
      // What is at hand here is newer than what was stored.
      const known = new Map([...this.generations.values()].map(({ conversation }) => [conversation.id, conversation.record]));
      known.set(this.current.id, this.current.record);
      this.records = stored.map((record) => known.get(record.id) ?? record);
    });
    this.#tell("list");
  }

  /** Does something with the store, and answers whether it was done. A failure is told. */
  async #stored(action) {
    try {
      if (!this.store) throw new Error(t("noStore"));
      await action();
      return true;
    } catch (error) {
      storageFailure(error);
      return false;
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

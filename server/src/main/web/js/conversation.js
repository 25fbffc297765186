// A conversation is a tree of messages: a question that is edited, or an answer that is written again, becomes a
// sibling of the earlier one. What is shown is one path through it.
//
// record   { id, title, named, created, updated, system, settings, active }
// message  { id, conversation, parent, role, content, created, ... }, whose parent is null for a first one

import { newId } from "./dom.js";

export class Conversation {
  constructor(record, messages = []) {
    this.record = record;
    this.messages = new Map();
    this.children = new Map(); // of a message, or of null: the messages after it, the oldest first
    for (const message of [...messages].sort((a, b) => a.created - b.created)) this.#insert(message);
  }

  /** A conversation without messages. active has, for a message or "" for the begin, which follower is shown. */
  static create(system = "", settings = {}) {
    const now = Date.now();
    return new Conversation({
      id: newId(), title: "", named: false, created: now, updated: now, system, settings: { ...settings }, active: {},
    });
  }

  get id() {
    return this.record.id;
  }

  /** The messages that are shown, the first one first. */
  path() {
    const path = [];
    let message = this.#follower(null);
    while (message) {
      path.push(message);
      message = this.#follower(message.id);
    }
    return path;
  }

  /** The messages from the first one to this one. */
  pathTo(message) {
    const path = [];
    for (let at = message; at; at = this.messages.get(at.parent)) path.unshift(at);
    return path;
  }

  /** This message and its alternatives. */
  siblings(message) {
    return this.children.get(message.parent);
  }

  /** Adds a message and shows it. */
  add(parent, role, content, more = {}) {
    const siblings = this.children.get(parent?.id ?? null) ?? [];
    const created = Math.max(Date.now(), ...siblings.map((sibling) => sibling.created + 1));
    const message = { id: newId(), conversation: this.id, parent: parent?.id ?? null, role, content, created, ...more };
    this.#insert(message);
    this.show(message);
    this.record.updated = Date.now();
    return message;
  }

  /** Makes a message part of what is shown. */
  show(message) {
    for (const step of this.pathTo(message)) this.record.active[step.parent ?? ""] = step.id;
  }

  #follower(id) {
    const children = this.children.get(id) ?? [];
    return this.messages.get(this.record.active[id ?? ""]) ?? children.at(-1);
  }

  #insert(message) {
    this.messages.set(message.id, message);
    if (!this.children.has(message.parent)) this.children.set(message.parent, []);
    this.children.get(message.parent).push(message);
  }
}

/** A title for a conversation that the user has not named: the begin of its first line. */
export function titleOf(text) {
  const line = text.trim().split("\n", 1)[0].replace(/\s+/g, " ");
  const characters = [...line];
  return characters.length <= 40 ? line : `${characters.slice(0, 39).join("")}…`;
}

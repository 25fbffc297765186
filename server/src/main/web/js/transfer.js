// Conversations as a JSON file.

import { Conversation, titleOf } from "./conversation.js";
import { settingsFault } from "./settings.js";

const FORMAT = "baichuan4j conversations";
const VERSION = 1;

const ROLES = ["user", "assistant"];
const STATES = ["done", "stopped", "failed", "writing"];

/** The text of a file with conversations, each a record with its messages. */
export function exportText(conversations) {
  return JSON.stringify({ format: FORMAT, version: VERSION, exported: new Date().toISOString(), conversations }, null, 1);
}

/**
 * Reads what exportText writes, or a list of messages as the API has them. Answers [{ record, messages }] and throws
 * an Error that says what is wrong and where.
 */
export function importText(text) {
  const file = JSON.parse(text);
  if (Array.isArray(file)) return [fromMessages(file)];
  expect(file?.format === FORMAT, "format", file?.format, `"${FORMAT}"`);
  expect(file.version === VERSION, "version", file.version, VERSION);
  expect(Array.isArray(file.conversations), "conversations", file.conversations, "a list");
  return file.conversations.map((conversation, i) => checked(conversation, `conversations[${i}]`));
}

function fromMessages(list) {
  const conversation = Conversation.create();
  let last = null;
  list.forEach(({ role, content }, i) => {
    expect(typeof content === "string", `[${i}].content`, content, "a text");
    if (role === "system" && i === 0) {
      conversation.record.system = content;
      return;
    }
    expect(ROLES.includes(role), `[${i}].role`, role, ROLES.join(", "));
    last = conversation.add(last, role, content, role === "assistant" ? { state: "done" } : {});
  });
  expect(last !== null, "the list", "no message", "one or more");
  conversation.record.title = titleOf(conversation.path()[0].content);
  return { record: conversation.record, messages: [...conversation.messages.values()] };
}

function checked({ messages, ...from }, at) {
  const text = (name) => field(from, name, "string", at);
  const record = {
    id: text("id"), title: text("title"), named: field(from, "named", "boolean", at),
    created: field(from, "created", "number", at), updated: field(from, "updated", "number", at),
    system: text("system"), settings: field(from, "settings", "object", at), active: field(from, "active", "object", at),
  };
  const fault = settingsFault(record.settings);
  expect(fault === null, `${at}.settings.${fault}`, record.settings[fault], "what the page writes there");
  expect(Array.isArray(messages), `${at}.messages`, messages, "a list");
  const known = new Set();
  const list = messages.map((message, i) => {
    const here = `${at}.messages[${i}]`;
    field(message, "id", "string", here);
    field(message, "content", "string", here);
    field(message, "created", "number", here);
    expect(ROLES.includes(message.role), `${here}.role`, message.role, ROLES.join(", "));
    expect(message.state === undefined || STATES.includes(message.state), `${here}.state`, message.state, STATES.join(", "));
    // Parents stand before their children, so no message can be its own ancestor.
    expect(message.parent === null || known.has(message.parent), `${here}.parent`, message.parent, "an earlier message");
    checkTokens(message.tokens, `${here}.tokens`);
    known.add(message.id);
    return { ...message, conversation: record.id };
  });
  return { record, messages: list };
}

function checkTokens(tokens, at) {
  if (tokens === undefined) return;
  expect(Array.isArray(tokens), at, tokens, "a list");
  tokens.forEach((token, i) => {
    field(token, "token", "string", `${at}[${i}]`);
    field(token, "logprob", "number", `${at}[${i}]`);
    expect(!token.bytes || Array.isArray(token.bytes), `${at}[${i}].bytes`, token.bytes, "a list");
    checkTokens(token.top, `${at}[${i}].top`);
  });
}

function field(object, name, type, at) {
  const value = object?.[name];
  expect(typeof value === type && value !== null, `${at}.${name}`, value, `a value of type ${type}`);
  return value;
}

function expect(condition, subject, value, expected) {
  if (!condition) throw new Error(`${subject} has value ${JSON.stringify(value)?.slice(0, 80)}, expected ${expected}`);
}

/** The messages of a conversation, each after its parent. */
export function inOrder(conversation) {
  const ordered = [...(conversation.children.get(null) ?? [])];
  for (let i = 0; i < ordered.length; i++) ordered.push(...(conversation.children.get(ordered[i].id) ?? []));
  return ordered;
}

/** Lets the user save a text as a file. */
export function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

import { equal } from "./test.js";
import { Conversation, titleOf } from "../../main/web/js/conversation.js";
import { requestBody, schemaFault, settingsFault } from "../../main/web/js/settings.js";

const contents = (conversation) => conversation.path().map(({ content }) => content);

export const conversationTests = {
  "an edited question becomes a branch and the old one is kept"() {
    const conversation = Conversation.create();
    const first = conversation.add(undefined, "user", "a");
    conversation.add(first, "assistant", "b");
    const edited = conversation.add(undefined, "user", "c");
    equal(contents(conversation), ["c"]);
    equal(conversation.siblings(edited).map(({ content }) => content), ["a", "c"]);
    conversation.show(first);
    equal(contents(conversation), ["a", "b"]);
  },

  "a branch that is shown again shows what was shown after it"() {
    const conversation = Conversation.create();
    const question = conversation.add(undefined, "user", "q");
    const one = conversation.add(question, "assistant", "1");
    conversation.add(one, "user", "1.1");
    const chosen = conversation.add(one, "user", "1.2");
    conversation.add(one, "user", "1.3");
    conversation.show(chosen);
    const two = conversation.add(question, "assistant", "2");
    equal(contents(conversation), ["q", "2"]);
    conversation.show(one);
    equal(contents(conversation), ["q", "1", "1.2"]);
    equal(conversation.pathTo(two).map(({ content }) => content), ["q", "2"]);
  },

  "a conversation read from its records shows the same path"() {
    const conversation = Conversation.create("system", { seed: 1 });
    const question = conversation.add(undefined, "user", "q");
    const first = conversation.add(question, "assistant", "1");
    conversation.add(question, "assistant", "2");
    conversation.show(first);
    const read = new Conversation(structuredClone(conversation.record), structuredClone([...conversation.messages.values()].reverse()));
    equal(contents(read), ["q", "1"]);
  },

  "where nothing was chosen the newest alternative is shown"() {
    const record = { id: "c", active: {} };
    const message = (id, parent, created) => ({ id, conversation: "c", parent, role: "user", content: id, created });
    equal(contents(new Conversation(record, [message("b", null, 2), message("a", null, 1), message("c", "b", 3)])), ["b", "c"]);
  },

  "a title is the first line, of 40 characters at most"() {
    equal(titleOf("  床前明月光\n下一句"), "床前明月光");
    equal([...titleOf("𠀀".repeat(50))].length, 40);
    equal(titleOf("x".repeat(40)), "x".repeat(40));
  },

  "a request has what is set and leaves the rest to the server"() {
    const conversation = Conversation.create("  ", {});
    const question = conversation.add(undefined, "user", "q");
    equal(requestBody(conversation.record, [question], "m"), {
      model: "m", messages: [{ role: "user", content: "q" }], stream: true, stream_options: { include_usage: true },
    });
    const settings = { temperature: 0, seed: 7, stop: ["\n"], alternatives: 0, format: "json_schema", schema: '{"type":"object"}', model: "x" };
    const failed = conversation.add(question, "assistant", "", { state: "failed" });
    const body = requestBody({ system: "be brief", settings }, conversation.pathTo(failed), "m");
    equal(body.messages, [{ role: "system", content: "be brief" }, { role: "user", content: "q" }]);
    equal([body.temperature, body.seed, body.stop, body.logprobs, body.top_logprobs], [0, 7, ["\n"], true, 0]);
    equal(body.response_format.json_schema.schema, { type: "object" });
    equal(body.model, "m");
  },

  "a schema has to be a JSON object"() {
    equal(schemaFault('{"type":"object"}'), null);
    equal(schemaFault("[]"), "object");
    equal(schemaFault("true"), "object");
    equal(typeof schemaFault("{"), "string");
  },

  "settings of a wrong kind are named"() {
    equal(settingsFault({ temperature: 1, stop: ["a"], format: "text" }), null);
    equal(settingsFault({ temperature: "1" }), "temperature");
    equal(settingsFault({ stop: "a" }), "stop");
    equal(settingsFault({ tempature: 1 }), "tempature");
  },
};

import { equal, refused } from "./test.js";
import { Conversation } from "../../main/web/js/conversation.js";
import { exportText, importText, inOrder } from "../../main/web/js/transfer.js";

function exported(change = () => {}) {
  const conversation = Conversation.create("system", { seed: 1 });
  const question = conversation.add(undefined, "user", "你好");
  conversation.add(question, "assistant", "a", { state: "done", tokens: [{ token: "a", bytes: [97], logprob: -1, top: [] }] });
  conversation.add(question, "assistant", "b", { state: "stopped" });
  const file = JSON.parse(exportText([{ ...conversation.record, messages: inOrder(conversation) }]));
  change(file.conversations[0], file);
  return { conversation, text: JSON.stringify(file) };
}

export const transferTests = {
  "what is exported is imported the same"() {
    const { conversation, text } = exported();
    const [{ record, messages }] = importText(text);
    equal(record, conversation.record);
    equal(messages, [...conversation.messages.values()]);
  },

  "messages as the API has them become a conversation"() {
    const [{ record, messages }] = importText('[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"assistant","content":"a"}]');
    equal([record.system, record.title], ["s", "q"]);
    equal(new Conversation(record, messages).path().map(({ role, content }) => [role, content]), [["user", "q"], ["assistant", "a"]]);
  },

  "a file that is none is refused with the place"() {
    refused(() => importText("{"), "JSON");
    refused(() => importText("{}"), "format");
    refused(() => importText("null"), "format");
    refused(() => importText(exported((_, file) => (file.version = 2)).text), "version has value 2, expected 1");
    refused(() => importText(exported((one) => (one.title = 3)).text), "conversations[0].title has value 3");
    refused(() => importText(exported((one) => (one.settings = { temperature: "hot" })).text), "conversations[0].settings.temperature");
    refused(() => importText(exported((one) => (one.messages[1].role = "tool")).text), "conversations[0].messages[1].role has value \"tool\"");
    refused(() => importText(exported((one) => (one.messages[0].parent = one.messages[1].id)).text), "conversations[0].messages[0].parent");
    refused(() => importText(exported((one) => (one.messages[1].tokens = [{ token: 1 }])).text), "conversations[0].messages[1].tokens[0].token");
    refused(() => importText("[]"), "no message");
    refused(() => importText('[{"role":"user","content":[]}]'), "[0].content");
  },
};

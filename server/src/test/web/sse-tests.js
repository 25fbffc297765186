import { equal } from "./test.js";
import { eventData } from "../../main/web/js/sse.js";

async function events(text, pieceBytes) {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += pieceBytes) controller.enqueue(bytes.slice(at, at + pieceBytes));
      controller.close();
    },
  });
  const all = [];
  for await (const data of eventData(body)) all.push(data);
  return all;
}

export const sseTests = {
  async "events are the same however their bytes arrive"() {
    const lines = [": 注释", "data: 床前明月光", "", "event: error", "data:{\"a\":1}", "data", "id: 3", "", "data: a", "data:  b", "", "data: [DONE]", "", ""];
    const expected = ["床前明月光", '{"a":1}', "a\n b", "[DONE]"];
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = lines.join(end);
      for (let piece = 1; piece < 20; piece++) equal(await events(text, piece), expected);
    }
  },

  async "an event that is not complete is none"() {
    equal(await events("data: a\n\ndata: b\n", 3), ["a"]);
  },
};

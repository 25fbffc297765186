// One answer while it is written.

/** So long after a piece has come it is saved, with what came meanwhile; in milliseconds. */
const SAVE_AFTER = 1000;

export class Generation {
  /**
   * Writes into a message. changed() is called after each piece of it, save() from time to time and at the end.
   */
  constructor(message, { changed, save }) {
    this.message = message;
    this.changed = changed;
    this.save = save;
    this.controller = new AbortController();
  }

  /** Reads the answer to its end. What goes wrong is told in the message. */
  async run(api, body) {
    const message = this.message;
    const began = performance.now();
    Object.assign(message, {
      state: "writing", model: body.model, began: Date.now(), json: "response_format" in body, pieces: 0,
      // Of an answer that is continued: the tokens that it has, while the numbers below are of the rest.
      before: message.usage ? (message.before ?? 0) + message.usage.completion : message.before,
      usage: undefined, first: undefined, last: undefined, finish: undefined, error: undefined, edited: undefined,
    });
    try {
      for await (const chunk of api.chat(body, this.controller.signal)) {
        this.#take(chunk, performance.now() - began);
        this.changed();
        this.timer ??= setTimeout(() => this.saveNow(), SAVE_AFTER);
      }
      message.state = "done";
    } catch (error) {
      if (this.controller.signal.aborted) {
        message.state = "stopped";
      } else {
        message.state = "failed";
        message.error = error.message;
      }
    }
    this.changed();
    this.saveNow();
  }

  saveNow() {
    clearTimeout(this.timer);
    this.timer = null;
    this.save();
  }

  stop() {
    this.controller.abort();
  }

  #take(chunk, milliseconds) {
    const message = this.message;
    if (chunk.usage) message.usage = { prompt: chunk.usage.prompt_tokens, completion: chunk.usage.completion_tokens };
    if (chunk.dropped_rounds) message.dropped = chunk.dropped_rounds;
    const choice = chunk.choices?.[0];
    if (!choice) return;
    const text = choice.delta?.content ?? "";
    const tokens = choice.logprobs?.content ?? [];
    if (text || tokens.length) {
      message.first ??= milliseconds;
      message.last = milliseconds;
      message.pieces++;
      message.content += text;
    }
    if (tokens.length) (message.tokens ??= []).push(...tokens.map(compact));
    if (choice.finish_reason) message.finish = choice.finish_reason;
  }
}

function compact({ token, bytes, logprob, top_logprobs }) {
  return { token, bytes, logprob, top: (top_logprobs ?? []).map(({ token, bytes, logprob }) => ({ token, bytes, logprob })) };
}

/** Tokens a second between the first and the last one, or undefined where that is not known. */
export function tokensPerSecond({ usage, first, last }) {
  const tokens = usage?.completion;
  return tokens > 1 && last > first ? ((tokens - 1) * 1000) / (last - first) : undefined;
}

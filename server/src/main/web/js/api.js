// What the page asks of the server that it came from: OpenAI's API.

import { eventData } from "./sse.js";

const KEY = "baichuan4j.key";

/** What a server has refused, or a failure on the way; message is for the user. */
class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export class Api {
  /** askKey is called when the server wants a key; it resolves to one, or to null where the user gives none. */
  constructor(askKey) {
    this.askKey = askKey;
    this.asking = null;
  }

  /** The models of the server: [{ id, max_model_len }]. */
  async models() {
    return (await (await this.#request("v1/models")).json()).data;
  }

  /** Yields the chunks of an answer. An answer that breaks off is an error. */
  async *chat(body, signal) {
    const response = await this.#request("v1/chat/completions", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
    });
    try {
      for await (const data of eventData(response.body)) {
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new ApiError(chunk.error.message);
        yield chunk;
      }
    } catch (error) {
      throw error instanceof TypeError ? new ApiError("connection") : error;
    }
    throw new ApiError("connection");
  }

  async #request(path, options = {}) {
    for (;;) {
      const key = sessionStorage.getItem(KEY);
      const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
      let response;
      try {
        response = await fetch(path, { ...options, headers });
      } catch (error) {
        throw error.name === "AbortError" ? error : new ApiError("unreachable");
      }
      if (response.ok) return response;
      if (response.status !== 401 || !(await this.#newKey(key))) throw await refusal(response);
    }
  }

  /** Asks once for a key, however many requests were refused with the old one; answers whether there is another. */
  async #newKey(refused) {
    if (sessionStorage.getItem(KEY) === refused) {
      this.asking ??= this.askKey(refused !== null).finally(() => (this.asking = null));
      const key = await this.asking;
      if (key) sessionStorage.setItem(KEY, key);
    }
    return sessionStorage.getItem(KEY) !== refused;
  }
}

async function refusal(response) {
  const text = await response.text();
  try {
    return new ApiError(JSON.parse(text).error.message, response.status);
  } catch {
    return new ApiError(`${response.status} ${response.statusText} ${text.slice(0, 200)}`.trim(), response.status);
  }
}

// Conversations in the browser's IndexedDB. Each message is a record of its own, so that two tabs which add to the
// same conversation keep both, and an answer that is being written costs one small write.

const DATABASE = "baichuan4j";

export class Store {
  constructor(database) {
    this.database = database;
    // Tells other tabs what changed: { conversation: id }.
    this.channel = new BroadcastChannel(DATABASE);
  }

  static async open() {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("conversations", { keyPath: "id" });
      request.result.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
    };
    return new Store(await promise(request));
  }

  /** Calls back with the id of a conversation that another tab has changed. */
  listen(callback) {
    this.channel.onmessage = (event) => callback(event.data.conversation);
  }

  /** The records of all conversations, the one with the latest message first. */
  async list() {
    const records = await promise(this.#read("conversations").getAll());
    return records.sort((a, b) => b.updated - a.updated);
  }

  /** The record of a conversation, or undefined. */
  record(id) {
    return promise(this.#read("conversations").get(id));
  }

  messages(id) {
    return promise(this.#read("messages").index("conversation").getAll(id));
  }

  saveRecord(record) {
    return this.#write(record.id, (conversations) => conversations.put(record));
  }

  /** Saves messages of a conversation, and its record with them. */
  save(record, messages) {
    return this.#write(record.id, (conversations, stored) => {
      conversations.put(record);
      for (const message of messages) stored.put(message);
    });
  }

  remove(id) {
    return this.#write(id, (conversations, stored) => {
      conversations.delete(id);
      const cursor = stored.index("conversation").openKeyCursor(id);
      cursor.onsuccess = () => {
        if (!cursor.result) return;
        stored.delete(cursor.result.primaryKey);
        cursor.result.continue();
      };
    });
  }

  /** Finds a text in messages: a map from conversations to the newest message that has it. */
  async search(text, signal) {
    const wanted = text.toLowerCase();
    const found = new Map();
    const request = this.#read("messages").openCursor();
    return new Promise((resolve, reject) => {
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor || signal.aborted) return resolve(found);
        const message = cursor.value;
        const earlier = found.get(message.conversation);
        if ((!earlier || earlier.created < message.created) && message.content.toLowerCase().includes(wanted)) {
          found.set(message.conversation, message);
        }
        cursor.continue();
      };
    });
  }

  #read(store) {
    return this.database.transaction(store).objectStore(store);
  }

  #write(conversation, change) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(["conversations", "messages"], "readwrite");
      transaction.oncomplete = () => {
        this.channel.postMessage({ conversation });
        resolve();
      };
      transaction.onabort = () => reject(transaction.error);
      change(transaction.objectStore("conversations"), transaction.objectStore("messages"));
    });
  }
}

function promise(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

package dev.baichuan4j;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A loaded Baichuan model.
 *
 * <pre>{@code
 * try (Baichuan model = Baichuan.load(Path.of("Baichuan2-7B-Chat"))) {
 *   System.out.println(model.chat("世界上第二高的山峰是哪座").text());
 * }
 * }</pre>
 *
 * Thread-safe: requests of any number of threads are batched, and each gets the text it would get
 * alone. Close it to free the weights; whatever is called afterwards, but for {@link #close}, is an
 * {@link IllegalStateException}. One that is dropped without closing is freed when the garbage
 * collector finds it, with a warning in the log; a generation that waits or runs keeps its model.
 *
 * <p>Whatever asks for a text returns a {@link Generation} at once: {@link Generation#text()} waits
 * for the whole text, iterating over it gives the text as it is written. A null argument is a
 * {@link NullPointerException} that names it.
 */
public interface Baichuan extends AutoCloseable {
  /**
   * Loads a checkpoint folder as published, or a GGUF or {@code .bc4j} file, with every setting at
   * its default; see {@link BaichuanLoader#load} for what it throws.
   */
  static Baichuan load(Path path) {
    return loader(path).load();
  }

  /** Returns settings for a load of a checkpoint folder, a GGUF or a {@code .bc4j} file. */
  static BaichuanLoader loader(Path path) {
    return Library.entryPoints().loader(Objects.requireNonNull(path, "path"));
  }

  /**
   * Returns settings for a model of the given shape with random weights and without a tokenizer:
   * for benchmarks.
   *
   * @throws InvalidRequestException when a size is out of its range, or the heads do not divide the
   *     hidden size
   */
  static BaichuanLoader randomLoader(ModelShape shape) {
    return Library.entryPoints().randomLoader(Objects.requireNonNull(shape, "shape"));
  }

  /**
   * Answers a message with the {@link #defaultOptions()}.
   *
   * @throws InvalidRequestException when the checkpoint has neither chat roles nor a chat template
   * @throws ContextOverflowException when the message leaves no room for a token
   * @throws QueueFullException when too many requests wait
   * @throws IllegalStateException when the model is closed
   */
  Generation chat(String message);

  /**
   * Continues a conversation with the {@link #defaultOptions()}; see {@link #chat(List,
   * GenerationOptions)}.
   */
  Generation chat(List<ChatMessage> messages);

  /**
   * Continues a conversation. Where it is too long for the context, its oldest rounds are left out,
   * or what else {@link GenerationOptions#promptOverflow()} says; {@link
   * GenerationResult#droppedRounds()} tells how many.
   *
   * @param messages oldest first, at least one; only the first may be the system's
   * @param options what the answer is asked for
   * @throws InvalidRequestException when the checkpoint has neither chat roles nor a chat template,
   *     a message is out of its place or refused by the template, or an id of the bias is not in
   *     the vocabulary
   * @throws ModelFormatException when the chat template cannot be run, with its line
   * @throws ContextOverflowException when what must not be left out does not fit into the context
   *     beside {@link GenerationOptions#maxNewTokens()}, or beside one token where that is not set
   * @throws QueueFullException when too many requests wait
   * @throws IllegalStateException when the model is closed
   */
  Generation chat(List<ChatMessage> messages, GenerationOptions options);

  /**
   * Continues a text, of which nothing is ever left out.
   *
   * @throws InvalidRequestException when the text is empty, or an id of the bias is not in the
   *     vocabulary
   * @throws ContextOverflowException when it leaves no room for {@link
   *     GenerationOptions#maxNewTokens()}, or for one token where that is not set
   * @throws QueueFullException when too many requests wait
   * @throws IllegalStateException when the model is closed or has no tokenizer
   */
  Generation complete(String prompt, GenerationOptions options);

  /**
   * Continues ids. A model without a tokenizer gives ids whose text is empty.
   *
   * @param prompt at least one id; copied
   * @throws InvalidRequestException when there is none, or one or an id of the bias is not in the
   *     vocabulary
   * @throws ContextOverflowException when they leave no room for {@link
   *     GenerationOptions#maxNewTokens()}, or for one token where that is not set
   * @throws QueueFullException when too many requests wait
   * @throws IllegalStateException when the model is closed
   */
  Generation complete(int[] prompt, GenerationOptions options);

  /**
   * Returns a conversation that keeps its history.
   *
   * @throws IllegalStateException when the model is closed
   */
  ChatSession newSession();

  /**
   * Returns a conversation that begins with a system text.
   *
   * @throws IllegalStateException when the model is closed
   */
  ChatSession newSession(String system);

  /**
   * Returns the conversation that {@link ChatSession#save} has written. What the model had computed
   * of it comes into the cache, as far as there is room, and need not be read again; texts are the
   * same, bit for bit, whether it is or not. Other requests go on meanwhile. Where the pages were
   * computed otherwise, with other {@link BaichuanLoader#weights} or another cache type, on another
   * kind of device or by another version of this library, they are left out, which the log says.
   *
   * @param file it must not be shortened meanwhile: it is mapped
   * @throws SessionFormatException when there is no such file, it cannot be read, or it is damaged,
   *     of a newer version, of another model or no session
   * @throws OperationInterruptedException when this thread is interrupted
   * @throws IllegalStateException when the model is closed
   */
  ChatSession restore(Path file);

  /**
   * Returns what turns texts into vectors, each of length 1 and the mean of hidden states.
   *
   * @throws IllegalStateException when the model is closed
   */
  Embeddings embeddings();

  /**
   * Returns what tells how likely given texts are: classification and reranking.
   *
   * @throws IllegalStateException when the model is closed
   */
  Scoring scoring();

  /**
   * Counts the tokens of a text as {@link #complete(String, GenerationOptions)} would feed them.
   *
   * @throws IllegalStateException when the model is closed or has no tokenizer
   */
  int countTokens(String text);

  /**
   * Counts the tokens of a conversation with the {@link #defaultOptions()}; see {@link
   * #countTokens(List, GenerationOptions)}.
   */
  int countTokens(List<ChatMessage> messages);

  /**
   * Counts the tokens of the prompt that {@link #chat(List, GenerationOptions)} would make of a
   * conversation: the {@link Usage#promptTokens()} of its result, without running the model.
   *
   * @param messages oldest first, at least one; only the first may be the system's
   * @param options of the answer, by which old rounds may be left out
   * @throws InvalidRequestException as the chat would
   * @throws ContextOverflowException as the chat would
   * @throws IllegalStateException when the model is closed
   */
  int countTokens(List<ChatMessage> messages, GenerationOptions options);

  /**
   * Computes the logits that follow ids.
   *
   * @param ids at least one
   * @param all of every position, else of the last only
   * @param chunk most tokens fed at once; 0 for the default
   * @param consumer gets each row in order, on this thread, before this returns. Other requests go
   *     on while it runs, and it may call the model itself
   * @throws InvalidRequestException when there is no id, one is not in the vocabulary, or the chunk
   *     is negative
   * @throws ContextOverflowException when there are more ids than the context has positions
   * @throws OperationInterruptedException when this thread is interrupted before the last row is
   *     computed
   * @throws IllegalStateException when the model is closed, also by the consumer, before the last
   *     row is computed
   */
  void logits(int[] ids, boolean all, int chunk, LogitsConsumer consumer);

  /**
   * Computes the logits that follow ids with an adapter; see {@link #logits(int[], boolean, int,
   * LogitsConsumer)}.
   *
   * @param adapter name of a loaded adapter
   * @throws InvalidRequestException also when no adapter of that name is loaded
   */
  void logits(int[] ids, boolean all, int chunk, String adapter, LogitsConsumer consumer);

  /**
   * Loads a low-rank adapter (LoRA) beside the weights, while requests go on: what it adds is
   * computed for the tokens of requests that choose it by name, with {@link
   * GenerationOptions#adapter()}, {@link Scoring#withAdapter} or {@link Embeddings#withAdapter}.
   * Requests of any number of adapters and of none run together, and each has the bits that it has
   * alone. Matrices are held in the type that their file has.
   *
   * @param name by which requests choose it, of 1 to 256 characters
   * @param folder as peft writes it: {@code adapter_config.json}, and {@code
   *     adapter_model.safetensors} or {@code adapter_model.bin}
   * @throws ModelFormatException when a file is missing or broken, asks for what is not done here,
   *     or is of another model
   * @throws InvalidRequestException when the name is in use, the model cannot have this adapter
   *     beside its weights, or it does not fit into {@link BaichuanLoader#adapterBytes}
   * @throws OutOfDeviceMemoryException when the device has not the memory for adapters
   * @throws OperationInterruptedException when this thread is interrupted; nothing is loaded then
   * @throws IllegalStateException when the model is closed
   */
  AdapterInfo loadAdapter(String name, Path folder);

  /**
   * Drops an adapter. No request can choose it from then on; those that have, which wait or run, go
   * on with it, and its memory comes free when the last of them has ended. The name is free at
   * once: another adapter that gets it shares nothing with this one.
   *
   * @throws InvalidRequestException when no adapter of that name is loaded
   * @throws IllegalStateException when the model is closed
   */
  void dropAdapter(String name);

  /**
   * Returns the adapters that requests may choose, ordered by name.
   *
   * @throws IllegalStateException when the model is closed
   */
  List<AdapterInfo> adapters();

  /**
   * Returns whether the model has a tokenizer. A random one and a checkpoint without {@code
   * tokenizer.model} or {@code tokenizer.json} have none, and take and give ids.
   *
   * @throws IllegalStateException when the model is closed
   */
  boolean hasTokenizer();

  /**
   * Returns the tokenizer of the checkpoint.
   *
   * @throws IllegalStateException when the model is closed, or has none
   */
  Tokenizer tokenizer();

  /**
   * Returns the options that the checkpoint's publisher advises in generation_config.json; greedy
   * where there is no such file.
   *
   * @throws IllegalStateException when the model is closed
   */
  GenerationOptions defaultOptions();

  /**
   * Returns what the model is and what it takes.
   *
   * @throws IllegalStateException when the model is closed
   */
  ModelInfo info();

  /**
   * Returns what the model has done since it was loaded and does at the moment. It waits for
   * nothing, and may be called as often as one likes.
   *
   * @throws IllegalStateException when the model is closed
   */
  EngineMetrics metrics();

  /**
   * Has a listener told of the end of each request, also of those that run.
   *
   * @throws IllegalStateException when the model is closed
   */
  void addRequestListener(RequestListener listener);

  /**
   * Has a listener told no more; has no effect where it was not added.
   *
   * @throws IllegalStateException when the model is closed
   */
  void removeRequestListener(RequestListener listener);

  /**
   * Ends every generation with an {@link IllegalStateException} and frees the weights. Waits for
   * the step in progress; an interrupt does not end that wait, and the flag is set afterwards. May
   * be called from any thread, and again.
   */
  @Override
  void close();
}

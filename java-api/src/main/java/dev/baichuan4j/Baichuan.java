package dev.baichuan4j;

import dev.baichuan4j.chat.ChatPrompt;
import dev.baichuan4j.chat.ChatTemplate;
import dev.baichuan4j.checkpoint.ModelConfig;
import dev.baichuan4j.engine.Engine;
import dev.baichuan4j.engine.SessionCache;
import dev.baichuan4j.tokenizer.Tokenizer;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

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
public final class Baichuan implements AutoCloseable {
  /**
   * The garbage collector sees little of a model, whose memory is native, and may not look for
   * dropped ones for long; so each time that this many more are open, it is asked to.
   */
  private static final int COLLECT_EVERY = 8;

  private static final AtomicInteger OPEN = new AtomicInteger();

  private final Engine engine;
  private final Optional<Tokenizer> tokenizer;
  private final GenerationOptions defaultOptions;
  private final PromptFormat promptFormat;
  private final ModelInfo info;
  private final HeldResource held;

  /** Takes over the engine: closing the model closes it. */
  Baichuan(
      Engine engine,
      Optional<Tokenizer> tokenizer,
      GenerationOptions defaultOptions,
      PromptFormat promptFormat,
      ModelInfo info) {
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.defaultOptions = defaultOptions;
    this.promptFormat = promptFormat;
    this.info = info;
    this.held =
        new HeldResource(
            this,
            "a model",
            () -> {
              boolean open = !engine.isClosed();
              engine.close();
              OPEN.decrementAndGet();
              return open;
            });
    if (OPEN.incrementAndGet() % COLLECT_EVERY == 0) {
      System.gc();
    }
  }

  /**
   * Loads a checkpoint folder as published, with every setting at its default; see {@link
   * BaichuanLoader#load} for what it throws.
   */
  public static Baichuan load(Path path) {
    return loader(path).load();
  }

  /** Returns settings for a load of a checkpoint folder. */
  public static BaichuanLoader loader(Path path) {
    return new BaichuanLoader(Objects.requireNonNull(path, "path"), null);
  }

  /**
   * Returns settings for a model of the given shape with random weights and without a tokenizer:
   * for benchmarks.
   *
   * @throws InvalidRequestException when a size is out of its range, or the heads do not divide the
   *     hidden size
   */
  public static BaichuanLoader randomLoader(ModelShape shape) {
    return new BaichuanLoader(null, ModelConfig.of(Objects.requireNonNull(shape, "shape")));
  }

  /**
   * Answers a message with the {@link #defaultOptions()}.
   *
   * @throws InvalidRequestException when the checkpoint has no chat roles
   * @throws ContextOverflowException when the message leaves no room for a token
   * @throws QueueFullException when too many requests wait
   * @throws IllegalStateException when the model is closed
   */
  public Generation chat(String message) {
    return chat(List.of(ChatMessage.user(Objects.requireNonNull(message, "message"))));
  }

  /**
   * Continues a conversation with the {@link #defaultOptions()}; see {@link #chat(List,
   * GenerationOptions)}.
   */
  public Generation chat(List<ChatMessage> messages) {
    return chat(messages, defaultOptions);
  }

  /**
   * Continues a conversation. Where it is too long for the context, its oldest rounds are left out,
   * or what else {@link GenerationOptions#promptOverflow()} says; {@link
   * GenerationResult#droppedRounds()} tells how many.
   *
   * @param messages oldest first, at least one; only the first may be the system's
   * @param options what the answer is asked for
   * @throws InvalidRequestException when the checkpoint has no chat roles, a message is out of its
   *     place, or an id of the bias is not in the vocabulary
   * @throws ContextOverflowException when what must not be left out does not fit into the context
   *     beside {@link GenerationOptions#maxNewTokens()}, or beside one token where that is not set
   * @throws QueueFullException when too many requests wait
   * @throws IllegalStateException when the model is closed
   */
  public Generation chat(List<ChatMessage> messages, GenerationOptions options) {
    return chat(messages, options, null);
  }

  /** The same, going on from what a session left in the cache, or from nothing for null. */
  Generation chat(List<ChatMessage> messages, GenerationOptions options, SessionCache cache) {
    requireAll(messages, "messages");
    Objects.requireNonNull(options, "options");
    requireOpen();
    return start(chatPrompt(messages, options), options, cache);
  }

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
  public Generation complete(String prompt, GenerationOptions options) {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(options, "options");
    return complete(tokenizer().encode(prompt), options);
  }

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
  public Generation complete(int[] prompt, GenerationOptions options) {
    int[] ids = Objects.requireNonNull(prompt, "prompt").clone();
    Objects.requireNonNull(options, "options");
    requireOpen();
    checkIds(ids);
    int newTokens = options.maxNewTokens().orElse(1);
    if ((long) ids.length + newTokens > info.contextLength()) {
      throw new ContextOverflowException(ids.length, newTokens, info.contextLength());
    }
    return start(ChatPrompt.whole(ids), options, null);
  }

  private Generation start(ChatPrompt prompt, GenerationOptions options, SessionCache cache) {
    int room = info.contextLength() - prompt.ids().length;
    int newTokens = Math.max(1, Math.min(newTokens(options), room));
    TextRequest request = new TextRequest(this, prompt, newTokens, cache, options, tokenizer, info);
    engine.submit(request);
    return request.generation();
  }

  private int newTokens(GenerationOptions options) {
    return options.maxNewTokens().orElse(info.maxNewTokens());
  }

  private ChatPrompt chatPrompt(List<ChatMessage> messages, GenerationOptions options) {
    ModelInfo.ChatRoles roles =
        info.chatRoles()
            .orElseThrow(
                () ->
                    new InvalidRequestException(
                        "messages",
                        "checkpoint has no user_token_id and assistant_token_id in"
                            + " generation_config.json, expected a chat model; use complete for a"
                            + " base model"));
    int context = info.contextLength();
    ChatTemplate template =
        new ChatTemplate(
            promptFormat,
            tokenizer()::encode,
            roles.user(),
            roles.assistant(),
            info.endIds().get(0),
            context);
    int least = options.maxNewTokens().orElse(1);
    return switch (options.promptOverflow()) {
      case DROP_OLDEST_ROUNDS -> {
        int advised = Math.max(1, Math.min(info.maxNewTokens(), context / 2));
        yield template.dropOldestRounds(messages, options.maxNewTokens().orElse(advised), least);
      }
      case FAIL -> template.whole(messages, least);
      case PUBLISHER -> template.published(messages, Math.min(newTokens(options), context - 1));
    };
  }

  private void checkIds(int[] ids) {
    if (ids.length == 0) {
      throw new InvalidRequestException("prompt", "prompt has 0 tokens, expected at least 1");
    }
    int vocabulary = info.shape().vocabularySize();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new InvalidRequestException(
            "prompt",
            "prompt has id " + ids[i] + " at " + i + ", expected 0 to " + (vocabulary - 1));
      }
    }
  }

  /** Checks that there is a list and no null in it. */
  static void requireAll(List<ChatMessage> messages, String name) {
    Objects.requireNonNull(messages, name);
    for (int i = 0; i < messages.size(); i++) {
      if (messages.get(i) == null) {
        throw new NullPointerException(name + "[" + i + "]");
      }
    }
  }

  /**
   * Returns a conversation that keeps its history and its cache.
   *
   * @throws IllegalStateException when the model is closed
   */
  public ChatSession newSession() {
    requireOpen();
    return new ChatSession(this, List.of());
  }

  /**
   * Returns a conversation that begins with a system text.
   *
   * @throws IllegalStateException when the model is closed
   */
  public ChatSession newSession(String system) {
    Objects.requireNonNull(system, "system");
    requireOpen();
    return new ChatSession(this, List.of(ChatMessage.system(system)));
  }

  /** What a conversation holds of the key-value cache. */
  HeldResource hold(ChatSession session, SessionCache cache) {
    Engine engine = this.engine;
    return new HeldResource(session, "a session", () -> engine.release(cache));
  }

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
  public void logits(int[] ids, boolean all, int chunk, LogitsConsumer consumer) {
    Objects.requireNonNull(ids, "ids");
    Objects.requireNonNull(consumer, "consumer");
    if (chunk < 0) {
      throw new InvalidRequestException("chunk", chunk, "0 or more");
    }
    requireOpen();
    checkIds(ids);
    try {
      engine.score(ids, all, chunk, consumer);
    } finally {
      Reference.reachabilityFence(this); // it is not dropped as long as this goes on
    }
  }

  /**
   * Returns the tokenizer of the checkpoint.
   *
   * @throws IllegalStateException when the model is closed, or has none as a random one
   */
  public Tokenizer tokenizer() {
    requireOpen();
    return tokenizer.orElseThrow(() -> new IllegalStateException("model has no tokenizer"));
  }

  /**
   * Returns the options that the checkpoint's publisher advises in generation_config.json; greedy
   * where there is no such file.
   *
   * @throws IllegalStateException when the model is closed
   */
  public GenerationOptions defaultOptions() {
    requireOpen();
    return defaultOptions;
  }

  /**
   * Returns what the model is and what it takes.
   *
   * @throws IllegalStateException when the model is closed
   */
  public ModelInfo info() {
    requireOpen();
    return info;
  }

  private void requireOpen() {
    engine.requireOpen();
  }

  /**
   * Ends every generation with an {@link IllegalStateException} and frees the weights. Waits for
   * the step in progress; an interrupt does not end that wait, and the flag is set afterwards. May
   * be called from any thread, and again.
   */
  @Override
  public void close() {
    held.close();
  }
}

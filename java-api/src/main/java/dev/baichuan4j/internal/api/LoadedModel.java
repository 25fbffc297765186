package dev.baichuan4j.internal.api;

import dev.baichuan4j.AdapterInfo;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.LogitsConsumer;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.RequestListener;
import dev.baichuan4j.Scoring;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.chat.ChatPrompt;
import dev.baichuan4j.internal.chat.PromptBuilder;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.sampling.Tokens;
import dev.baichuan4j.internal.session.SavedSession;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A model whose requests one engine batches. */
final class LoadedModel implements Baichuan {
  /**
   * The garbage collector sees little of a model, whose memory is native, and may not look for
   * dropped ones for long; so each time that this many more are open, it is asked to.
   */
  private static final int COLLECT_EVERY = 8;

  private static final AtomicInteger OPEN = new AtomicInteger();

  private final Engine engine;
  private final Optional<Tokenizer> tokenizer;
  private final Tokens tokens;
  private final GenerationOptions defaultOptions;
  private final Prompts prompts;
  private final ModelInfo info;
  private final SessionStore sessions;
  private final Constraints constraints;
  private final HeldResource held;

  /** Takes over the engine: closing the model closes it. */
  LoadedModel(
      Engine engine,
      Optional<Tokenizer> tokenizer,
      GenerationOptions defaultOptions,
      Prompts prompts,
      ModelInfo info,
      SavedSession.Origin origin) {
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.tokens = new Tokens(info.shape().vocabularySize(), info.endIds(), tokenizer);
    this.defaultOptions = defaultOptions;
    this.prompts = prompts;
    this.info = info;
    this.sessions = new SessionStore(engine, origin, info);
    this.constraints = new Constraints(tokenizer, info);
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

  @Override
  public Generation chat(String message) {
    return chat(List.of(ChatMessage.user(Objects.requireNonNull(message, "message"))));
  }

  @Override
  public Generation chat(List<ChatMessage> messages) {
    return chat(messages, defaultOptions);
  }

  @Override
  public RunningGeneration chat(List<ChatMessage> messages, GenerationOptions options) {
    requireAll(messages, "messages");
    Objects.requireNonNull(options, "options");
    requireOpen();
    Combinations.check(options, true, tokenizer.isPresent());
    return start(chatPrompt(messages, options), options);
  }

  @Override
  public Generation complete(String prompt, GenerationOptions options) {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(options, "options");
    return complete(tokenizer().asWholeText(tokenizer().encode(prompt)), options);
  }

  @Override
  public Generation complete(int[] prompt, GenerationOptions options) {
    int[] ids = Objects.requireNonNull(prompt, "prompt").clone();
    Objects.requireNonNull(options, "options");
    requireOpen();
    Combinations.check(options, false, tokenizer.isPresent());
    checkIds(ids, "prompt");
    int newTokens = options.maxNewTokens().orElse(1);
    if ((long) ids.length + newTokens > info.contextLength()) {
      throw new ContextOverflowException(ids.length, newTokens, info.contextLength());
    }
    return start(ChatPrompt.whole(ids), options);
  }

  private RunningGeneration start(ChatPrompt prompt, GenerationOptions options) {
    int room = info.contextLength() - prompt.ids().length;
    int newTokens = Math.max(1, Math.min(newTokens(options), room));
    return new Submission(this, engine, tokenizer, tokens, constraints, prompt, newTokens, options)
        .start();
  }

  private int newTokens(GenerationOptions options) {
    return options.maxNewTokens().orElse(info.maxNewTokens());
  }

  ChatPrompt chatPrompt(List<ChatMessage> messages, GenerationOptions options) {
    PromptBuilder template = prompts.builder(info, this::tokenizer, options.templateVariables());
    int context = info.contextLength();
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

  void checkIds(int[] ids, String parameter) {
    if (ids.length == 0) {
      throw new InvalidRequestException(parameter, "0 tokens", "at least 1");
    }
    int vocabulary = info.shape().vocabularySize();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new InvalidRequestException(
            parameter, "id " + ids[i] + " at " + i, "0 to " + (vocabulary - 1));
      }
    }
  }

  /** Checks that there is a list and no null in it. */
  static void requireAll(List<?> values, String name) {
    Objects.requireNonNull(values, name);
    for (int i = 0; i < values.size(); i++) {
      if (values.get(i) == null) {
        throw new NullPointerException(name + "[" + i + "]");
      }
    }
  }

  @Override
  public ChatSession newSession() {
    requireOpen();
    return new Conversation(this, List.of());
  }

  @Override
  public ChatSession newSession(String system) {
    Objects.requireNonNull(system, "system");
    requireOpen();
    return new Conversation(this, List.of(ChatMessage.system(system)));
  }

  @Override
  public ChatSession restore(Path file) {
    Objects.requireNonNull(file, "file");
    requireOpen();
    try {
      return new Conversation(this, sessions.restore(file));
    } finally {
      Reference.reachabilityFence(this); // it is not dropped as long as this goes on
    }
  }

  /** Writes a conversation to a file, with what the cache has of it. */
  void save(List<ChatMessage> messages, Path file) {
    requireOpen();
    try {
      sessions.save(messages, beginning(messages), file);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** The ids that the next turn of a conversation begins with; none where there is no next turn. */
  private int[] beginning(List<ChatMessage> messages) {
    if (messages.isEmpty() || tokenizer.isEmpty() || !info.canChat()) {
      return new int[0];
    }
    try {
      return chatPrompt(messages, GenerationOptions.greedy()).ids();
    } catch (ContextOverflowException | InvalidRequestException | ModelFormatException e) {
      return new int[0]; // the next turn is refused, unless it is shortened
    }
  }

  @Override
  public Embeddings embeddings() {
    requireOpen();
    return new TextEmbeddings(this, engine);
  }

  @Override
  public Scoring scoring() {
    requireOpen();
    return new TextScoring(this, engine);
  }

  @Override
  public int countTokens(String text) {
    Objects.requireNonNull(text, "text");
    return tokenizer().encode(text).length;
  }

  @Override
  public int countTokens(List<ChatMessage> messages) {
    return countTokens(messages, defaultOptions);
  }

  @Override
  public int countTokens(List<ChatMessage> messages, GenerationOptions options) {
    requireAll(messages, "messages");
    Objects.requireNonNull(options, "options");
    requireOpen();
    return chatPrompt(messages, options).ids().length;
  }

  @Override
  public void logits(int[] ids, boolean all, int chunk, LogitsConsumer consumer) {
    logits(ids, all, chunk, Terms.USUAL, consumer);
  }

  @Override
  public void logits(int[] ids, boolean all, int chunk, String adapter, LogitsConsumer consumer) {
    logits(ids, all, chunk, Terms.USUAL.withAdapter(adapter), consumer);
  }

  private void logits(int[] ids, boolean all, int chunk, Terms terms, LogitsConsumer consumer) {
    Objects.requireNonNull(ids, "ids");
    Objects.requireNonNull(consumer, "consumer");
    if (chunk < 0) {
      throw new InvalidRequestException("chunk", chunk, "0 or more");
    }
    requireOpen();
    checkIds(ids, "ids");
    try {
      engine.score(ids, all, chunk, terms, consumer);
    } finally {
      Reference.reachabilityFence(this); // it is not dropped as long as this goes on
    }
  }

  @Override
  public AdapterInfo loadAdapter(String name, Path folder) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(folder, "folder");
    try {
      return engine.loadAdapter(name, folder);
    } finally {
      Reference.reachabilityFence(this); // it is not dropped as long as this goes on
    }
  }

  @Override
  public void dropAdapter(String name) {
    engine.dropAdapter(Objects.requireNonNull(name, "name"));
  }

  @Override
  public List<AdapterInfo> adapters() {
    return engine.adapters();
  }

  @Override
  public boolean hasTokenizer() {
    requireOpen();
    return tokenizer.isPresent();
  }

  @Override
  public Tokenizer tokenizer() {
    requireOpen();
    return tokenizer.orElseThrow(
        () ->
            new IllegalStateException(
                "model has no tokenizer: there is no tokenizer.model or tokenizer.json in its folder; give ids in"
                    + " place of text"));
  }

  @Override
  public GenerationOptions defaultOptions() {
    requireOpen();
    return defaultOptions;
  }

  @Override
  public ModelInfo info() {
    requireOpen();
    return info;
  }

  @Override
  public EngineMetrics metrics() {
    requireOpen();
    return engine.metrics();
  }

  @Override
  public void addRequestListener(RequestListener listener) {
    Objects.requireNonNull(listener, "listener");
    requireOpen();
    engine.addListener(listener);
  }

  @Override
  public void removeRequestListener(RequestListener listener) {
    Objects.requireNonNull(listener, "listener");
    requireOpen();
    engine.removeListener(listener);
  }

  private void requireOpen() {
    engine.requireOpen();
  }

  @Override
  public void close() {
    held.close();
  }
}

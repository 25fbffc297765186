package dev.baichuan4j;

import dev.baichuan4j.chat.ChatPrompt;
import dev.baichuan4j.checkpoint.GenerationConfig;
import dev.baichuan4j.checkpoint.ModelConfig;
import dev.baichuan4j.engine.Engine;
import dev.baichuan4j.engine.SessionCache;
import dev.baichuan4j.nn.KvPages;
import dev.baichuan4j.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * A loaded Baichuan model.
 *
 * <pre>{@code
 * try (Baichuan model = Baichuan.load(Path.of("Baichuan2-7B-Chat"))) {
 *   System.out.println(model.chat("世界上第二高的山峰是哪座"));
 * }
 * }</pre>
 *
 * Thread-safe: requests of any number of threads are batched, and each gets the text it would get
 * alone. Close it to free the weights; whatever is called afterwards is an {@link
 * IllegalStateException}.
 */
public final class Baichuan implements AutoCloseable {
  /** New tokens when neither the request nor the checkpoint says how many. */
  private static final int DEFAULT_NEW_TOKENS = 512;

  private final Engine engine;
  private final Optional<Tokenizer> tokenizer;
  private final Optional<GenerationConfig> generation;
  private final MemoryPlan memoryPlan;
  private final Quant weights;
  private final PromptFormat promptFormat;
  private final Sampling sampling;
  private final AtomicBoolean closed = new AtomicBoolean();

  Baichuan(
      Engine engine,
      Optional<Tokenizer> tokenizer,
      Optional<GenerationConfig> generation,
      MemoryPlan memoryPlan,
      Quant weights,
      PromptFormat promptFormat) {
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.generation = generation;
    this.memoryPlan = memoryPlan;
    this.weights = weights;
    this.promptFormat = promptFormat;
    this.sampling = generation.map(Sampling::of).orElse(Sampling.greedy());
  }

  /**
   * Loads a checkpoint folder as published, with every setting at its default; see {@link
   * BaichuanLoader#load}.
   */
  public static Baichuan load(Path path) {
    return loader(path).load();
  }

  /** Settings for a load. */
  public static BaichuanLoader loader(Path path) {
    return new BaichuanLoader(path);
  }

  /**
   * Settings for a model without a checkpoint, see {@link BaichuanLoader#random}: for benchmarks.
   */
  public static BaichuanLoader randomLoader() {
    return new BaichuanLoader(null);
  }

  /**
   * Answers a message with the checkpoint's own sampling.
   *
   * @throws InvalidRequestException when the checkpoint has no chat roles
   */
  public String chat(String message) {
    return chat(List.of(ChatMessage.user(message)), sampling).result().text();
  }

  /** Continues a conversation; the oldest rounds are left out where they do not fit. */
  public Generation chat(List<ChatMessage> messages, Sampling sampling) {
    return start(chatPrompt(messages, sampling), sampling, null);
  }

  Generation chat(List<ChatMessage> messages, Sampling sampling, SessionCache cache) {
    return start(chatPrompt(messages, sampling), sampling, cache);
  }

  /** Continues a text. */
  public Generation complete(String prompt, Sampling sampling) {
    return complete(tokenizer().encode(prompt), sampling);
  }

  /**
   * Continues ids. A model without a tokenizer gives ids whose text is empty.
   *
   * @throws InvalidRequestException when there is none, or one is not in the vocabulary
   * @throws ContextOverflowException when they leave no room for a token
   * @throws QueueFullException when too many requests wait
   */
  public Generation complete(int[] prompt, Sampling sampling) {
    return start(prompt, sampling, null);
  }

  private Generation start(int[] prompt, Sampling sampling, SessionCache cache) {
    checkIds(prompt);
    int room = Math.max(engine.limits().contextLength() - prompt.length, 1);
    int newTokens = Math.min(newTokens(sampling), room);
    TextRequest request =
        new TextRequest(prompt, newTokens, cache, sampling, tokenizer, config(), endIds());
    engine.submit(request);
    return request.generation();
  }

  private int newTokens(Sampling sampling) {
    return sampling
        .maxNewTokens()
        .orElse(
            generation
                .map(GenerationConfig::maxNewTokens)
                .filter(OptionalInt::isPresent)
                .map(OptionalInt::getAsInt)
                .orElse(DEFAULT_NEW_TOKENS));
  }

  private List<Integer> endIds() {
    List<Integer> ids = generation.map(GenerationConfig::eosTokenIds).orElse(List.of());
    return ids.isEmpty() ? List.of(config().eosId()) : ids;
  }

  private int[] chatPrompt(List<ChatMessage> messages, Sampling sampling) {
    int user = roleId(GenerationConfig::userTokenId);
    int assistant = roleId(GenerationConfig::assistantTokenId);
    int context = engine.limits().contextLength();
    int newTokens = Math.min(newTokens(sampling), context - 1);
    Function<String, int[]> encode = tokenizer()::encode;
    ChatPrompt prompt =
        switch (promptFormat) {
          case CURRENT -> ChatPrompt.current(messages, encode, user, assistant, context, newTokens);
          case OLDER ->
              ChatPrompt.older(
                  messages, encode, user, assistant, endIds().get(0), context, newTokens);
        };
    return prompt.ids();
  }

  private int roleId(Function<GenerationConfig, OptionalInt> key) {
    return generation
        .map(key)
        .orElse(OptionalInt.empty())
        .orElseThrow(
            () ->
                new InvalidRequestException(
                    "messages",
                    "checkpoint has no user_token_id and assistant_token_id in"
                        + " generation_config.json, expected a chat model; use complete for a base"
                        + " model"));
  }

  private void checkIds(int[] ids) {
    if (ids.length == 0) {
      throw new InvalidRequestException("prompt", "prompt has 0 tokens, expected at least 1");
    }
    int vocabulary = config().vocabularySize();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        throw new InvalidRequestException(
            "prompt",
            "prompt has id " + ids[i] + " at " + i + ", expected 0 to " + (vocabulary - 1));
      }
    }
  }

  /** A conversation that keeps its history and its cache. */
  public ChatSession newSession() {
    return new ChatSession(this, List.of());
  }

  /** A conversation that begins with a system text. */
  public ChatSession newSession(String system) {
    return new ChatSession(this, List.of(ChatMessage.system(system)));
  }

  void release(SessionCache cache) {
    engine.release(cache);
  }

  /**
   * Logits that follow ids.
   *
   * @param ids at least one
   * @param all of every position, else of the last only
   * @param chunk most tokens fed at once; 0 for the default
   * @param consumer gets each row in order, on another thread, before this returns
   * @throws ContextOverflowException when there are more ids than the context has positions
   */
  public void logits(int[] ids, boolean all, int chunk, Engine.RowConsumer consumer) {
    checkIds(ids);
    engine.score(ids, all, chunk, consumer);
  }

  /**
   * @throws IllegalStateException when the model has none, as a random one
   */
  public Tokenizer tokenizer() {
    return tokenizer.orElseThrow(() -> new IllegalStateException("model has no tokenizer"));
  }

  public ModelConfig config() {
    return engine.model().config();
  }

  /** What generation_config.json says, else greedy. */
  public Sampling sampling() {
    return sampling;
  }

  public Optional<GenerationConfig> generationConfig() {
    return generation;
  }

  /** Most tokens of a text. */
  public int contextLength() {
    return engine.limits().contextLength();
  }

  public MemoryPlan memoryPlan() {
    return memoryPlan;
  }

  public Quant weights() {
    return weights;
  }

  /** Threads that the model computes with. */
  public int threads() {
    return engine.model().ops().threads();
  }

  /** Bytes of weights that one decode step reads. */
  public long bytesPerToken() {
    return engine.model().bytesPerToken();
  }

  /** Bytes that the keys and values of one position take in the cache, all layers together. */
  public long cacheBytesPerPosition() {
    return KvPages.pageBytes(config(), engine.limits().cacheType()) / KvPages.PAGE_SIZE;
  }

  /** Relative error of each quantized matrix by name; empty for 16-bit weights. */
  public Map<String, Double> quantizationErrors() {
    return engine.model().quantizationErrors();
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      engine.close();
    }
  }
}

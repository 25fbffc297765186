package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.chat.ConversationFile;
import dev.baichuan4j.internal.math.LogSumExp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Negative log-likelihood of texts under a model, and how far its distributions are from those of a
 * reference. For one thread.
 */
public final class Perplexity {
  /**
   * A sum over tokens.
   *
   * @param nll negative log-likelihood in nats
   * @param tokens tokens that were scored
   * @param characters code points that they spell
   */
  public record Score(double nll, long tokens, long characters) {
    public double perToken() {
      return nll / tokens;
    }

    public double perCharacter() {
      return nll / characters;
    }

    public double perplexity() {
      return Math.exp(perToken());
    }

    Score plus(Score other) {
      return new Score(nll + other.nll, tokens + other.tokens, characters + other.characters);
    }
  }

  /** Most bytes of a window's rows, which are kept of the reference. */
  private static final long MAX_ROW_BYTES = 1L << 30;

  private final Baichuan model;
  private final ProgressListener progress;
  private final Baichuan reference; // or null
  private Divergence divergence; // once a window has been compared

  public Perplexity(Baichuan model, ProgressListener progress) {
    this(model, progress, null);
  }

  private Perplexity(Baichuan model, ProgressListener progress, Baichuan reference) {
    this.model = model;
    this.progress = progress;
    this.reference = reference;
  }

  /**
   * Returns one that compares with a reference too, whose logits of a window it keeps.
   *
   * @throws InvalidRequestException if the reference has another vocabulary
   */
  public Perplexity beside(Baichuan reference) {
    int size = model.info().shape().vocabularySize();
    int other = reference.info().shape().vocabularySize();
    if (size != other) {
      throw new InvalidRequestException(
          "reference", "a vocabulary of " + other, size + ", as the model has");
    }
    return new Perplexity(model, progress, reference);
  }

  /**
   * Returns how far the model was from the reference in what has been scored; empty without one.
   */
  public Optional<Divergence.Result> divergence() {
    return Optional.ofNullable(divergence).map(Divergence::result);
  }

  /**
   * Scores a text in windows that follow each other: each feeds {@code window} tokens and scores
   * the token after each of them, so that every token but the very first is scored once.
   *
   * @param window tokens of a window, 1 to the context length
   * @throws InvalidRequestException when the window is out of range or the text has fewer than two
   *     tokens
   */
  public Score text(Path file, int window) throws IOException {
    return text(file, window, 0);
  }

  /**
   * As above, but does not score the tokens that the first of each window predict.
   *
   * @param skip how many of them, 0 to one less than the window
   */
  public Score text(Path file, int window, int skip) throws IOException {
    if (skip < 0 || skip >= window) {
      throw new InvalidRequestException("skip", skip, "0 to one less than the window of " + window);
    }
    if (window < 1 || window > model.info().contextLength()) {
      throw new InvalidRequestException(
          "window",
          "window has value " + window + ", expected 1 to " + model.info().contextLength());
    }
    Tokenizer tokenizer = model.tokenizer();
    int[] ids = tokenizer.asWholeText(tokenizer.encode(Files.readString(file)));
    Score sum = new Score(0, 0, 0);
    for (int from = 0; from + 1 < ids.length; from += window) {
      progress.progress("windows", from / window, (ids.length + window - 1) / window);
      int[] part = Arrays.copyOfRange(ids, from, Math.min(from + window + 1, ids.length));
      if (part.length > skip + 1) { // not so for a last one that is short
        sum = sum.plus(window(part, skip));
      }
    }
    return require(sum, file);
  }

  /** Scores the ids of a window behind the first ones that are skipped and one more. */
  Score window(int[] ids, int skip) {
    boolean[] scored = new boolean[ids.length];
    Arrays.fill(scored, skip + 1, ids.length, true);
    return score(ids, scored);
  }

  /**
   * Scores conversations, one {@code {"messages": [{"role", "content"}]}} a line: the assistant's
   * tokens and the end marker after the last.
   *
   * @throws InvalidRequestException when the checkpoint has no chat roles
   * @throws ModelFormatException when a line is not such a conversation
   */
  public Score conversations(Path file) throws IOException {
    List<ConversationFile.Line> lines = ConversationFile.read(file);
    Score sum = new Score(0, 0, 0);
    for (int i = 0; i < lines.size(); i++) {
      progress.progress("conversations", i, lines.size());
      sum = sum.plus(conversation(lines.get(i).messages()));
    }
    return require(sum, file);
  }

  private static Score require(Score sum, Path file) {
    if (sum.tokens == 0) {
      throw new InvalidRequestException("file", file + " has no token to score, expected text");
    }
    return sum;
  }

  /**
   * Scores the assistant's tokens of a conversation, and the end marker after the last.
   *
   * @throws InvalidRequestException when the checkpoint has no chat roles
   */
  Score conversation(List<ChatMessage> messages) {
    Builder builder = new Builder();
    messages.forEach(builder::add);
    builder.add(model.info().endIds().get(0), true);
    return score(
        Arrays.copyOf(builder.ids, builder.size), Arrays.copyOf(builder.scored, builder.size));
  }

  private int role(boolean assistant) {
    ModelInfo.ChatRoles roles =
        model
            .info()
            .chatRoles()
            .orElseThrow(
                () ->
                    new InvalidRequestException(
                        "model", "checkpoint has no chat roles, expected a chat model"));
    return assistant ? roles.assistant() : roles.user();
  }

  private final class Builder {
    int[] ids = new int[256];
    boolean[] scored = new boolean[256];
    int size;

    void add(int id, boolean isScored) {
      if (size == ids.length) {
        ids = Arrays.copyOf(ids, 2 * size);
        scored = Arrays.copyOf(scored, 2 * size);
      }
      ids[size] = id;
      scored[size++] = isScored;
    }

    void add(ChatMessage message) {
      boolean assistant = message.role() == ChatMessage.Role.ASSISTANT;
      if (message.role() != ChatMessage.Role.SYSTEM) {
        add(role(assistant), false);
      }
      for (int id : model.tokenizer().encode(message.content())) {
        add(id, assistant);
      }
    }
  }

  private Score score(int[] ids, boolean[] scored) {
    double[] nll = new double[1];
    long[] tokens = new long[1];
    int[] fed = Arrays.copyOf(ids, ids.length - 1);
    if (reference != null) {
      keepReference(fed, scored);
    }
    model.logits(
        fed,
        true,
        0,
        (position, logits) -> {
          if (scored[position + 1]) {
            nll[0] += LogSumExp.of(logits) - logits[ids[position + 1]];
            tokens[0]++;
            if (reference != null) {
              divergence.compare(position, logits);
            }
          }
        });
    int[] target = new int[ids.length];
    int count = 0;
    for (int i = 0; i < ids.length; i++) {
      if (scored[i]) {
        target[count++] = ids[i];
      }
    }
    String text = model.tokenizer().decode(Arrays.copyOf(target, count), true);
    return new Score(nll[0], tokens[0], text.codePointCount(0, text.length()));
  }

  private void keepReference(int[] fed, boolean[] scored) {
    long rowBytes = 4L * reference.info().shape().vocabularySize();
    int rows = 0;
    for (int i = 1; i < scored.length; i++) {
      rows += scored[i] ? 1 : 0;
    }
    if (rows * rowBytes > MAX_ROW_BYTES) {
      throw new InvalidRequestException(
          "window",
          rows + " tokens, whose logits of the reference take " + rows * rowBytes + " bytes",
          "at most " + MAX_ROW_BYTES / rowBytes + " tokens at a time");
    }
    if (divergence == null) {
      divergence = new Divergence(model.info().contextLength());
    }
    reference.logits(
        fed,
        true,
        0,
        (position, logits) -> {
          if (scored[position + 1]) {
            divergence.keep(position, logits);
          }
        });
  }
}

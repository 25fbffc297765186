package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Perplexity of texts in windows, or of the assistant's tokens of conversations. */
final class PerplexityExam implements Exam {
  /** What is scored together. */
  private interface Part {
    Perplexity.Score score(Perplexity perplexity);

    Prompt prompt(Tokenizer tokenizer);
  }

  private record Window(int[] ids) implements Part {
    @Override
    public Perplexity.Score score(Perplexity perplexity) {
      return perplexity.window(ids, 0);
    }

    @Override
    public Prompt prompt(Tokenizer tokenizer) {
      int[] fed = Arrays.copyOf(ids, ids.length - 1);
      return new Prompt(tokenizer.decode(fed), fed, 0, 0);
    }
  }

  private record Talk(List<ChatMessage> messages) implements Part {
    @Override
    public Perplexity.Score score(Perplexity perplexity) {
      return perplexity.conversation(messages);
    }

    @Override
    public Prompt prompt(Tokenizer tokenizer) {
      String text =
          messages.stream()
              .map(message -> message.role() + ": " + message.content())
              .collect(Collectors.joining("\n"));
      return new Prompt(text, new int[0], 0, 0);
    }
  }

  private final Baichuan model;
  private final Perplexity perplexity;
  private final Map<Place, Part> parts = new LinkedHashMap<>();

  PerplexityExam(Task task, ExamSettings settings, Baichuan model) {
    this.model = model;
    this.perplexity = new Perplexity(model, (name, done, total) -> {});
    int length = model.info().contextLength();
    int window = settings.window() != null ? settings.window() : length;
    if (window > length) {
      throw new InvalidRequestException("window", window, "1 to " + length);
    }
    int limit = settings.limit() != null ? settings.limit() : Integer.MAX_VALUE;
    for (Subject subject : task.subjects()) {
      List<? extends Part> all =
          task.areConversations() ? conversations(subject) : windows(subject, window);
      for (int i = 0; i < Math.min(limit, all.size()); i++) {
        parts.put(new Place(subject.name(), i), all.get(i));
      }
    }
  }

  private List<Window> windows(Subject subject, int window) {
    Tokenizer tokenizer = model.tokenizer();
    int[] ids = tokenizer.asWholeText(tokenizer.encode(TextFile.read(subject.file())));
    List<Window> windows = new ArrayList<>();
    for (int from = 0; from + 1 < ids.length; from += window) {
      windows.add(
          new Window(Arrays.copyOfRange(ids, from, Math.min(from + window + 1, ids.length))));
    }
    if (windows.isEmpty()) {
      throw new InvalidRequestException(
          "task", subject.file() + " has no token to score, expected text");
    }
    return windows;
  }

  private static List<Talk> conversations(Subject subject) {
    return Conversations.read(subject.file()).stream()
        .map(line -> new Talk(line.messages()))
        .toList();
  }

  @Override
  public List<Place> places() {
    return List.copyOf(parts.keySet());
  }

  @Override
  public Prompt prompt(Place place) {
    return parts.get(place).prompt(model.tokenizer());
  }

  @Override
  public Supplier<Outcome> begin(Place place) {
    return () -> {
      Perplexity.Score score = parts.get(place).score(perplexity);
      return Outcome.part(place, score.nll(), score.tokens());
    };
  }

  @Override
  public int ahead() {
    return 1;
  }
}

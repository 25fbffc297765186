package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import java.util.ArrayList;
import java.util.List;

/** What a clever model would say; the first line whose cue the last message has is taken. */
final class Script {
  private record Line(String cue, List<String> words) {}

  private final List<Line> lines = new ArrayList<>();

  /** Adds what is said to a message with a cue; where a request binds the answer, one of these. */
  Script say(String cue, String... words) {
    lines.add(new Line(cue, List.of(words)));
    return this;
  }

  /** As {@link #say}, to the result of a tool. */
  Script afterResult(String result, String... words) {
    return say("\"content\": \"" + result + "\"", words);
  }

  /** Returns the words of a call. */
  static String call(String name, String arguments) {
    return "<tool_call>\n{\"name\": \"%s\", \"arguments\": %s}\n</tool_call>"
        .formatted(name, arguments);
  }

  /** Returns the tiny model with these words put into its mouth. */
  Baichuan read() {
    return Dictation.of(TinyModel.shared(), this::words);
  }

  List<String> words(List<ChatMessage> messages) {
    String last = messages.get(messages.size() - 1).content();
    return lines.stream()
        .filter(line -> last.contains(line.cue))
        .map(Line::words)
        .findFirst()
        .orElseThrow(() -> new AssertionError("nothing to say to " + messages));
  }
}

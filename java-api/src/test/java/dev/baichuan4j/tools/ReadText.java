package dev.baichuan4j.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a reader tells of a text: pieces that follow each other are put together. */
final class ReadText implements ToolCallReader.Sink {
  private final StringBuilder content = new StringBuilder();
  private final List<StringBuilder> events = new ArrayList<>();
  private StringBuilder last; // of the events
  private String lastKind = "";
  private final List<String> ids = new ArrayList<>();
  private final ToolCallReader reader;

  private ReadText(Set<String> names, CallSyntax syntax) {
    reader = new ToolCallReader(names, syntax);
  }

  /** Reads a text that comes in pieces. */
  static ReadText of(Set<String> names, Iterable<String> pieces) {
    return of(names, CallSyntax.HERMES, pieces);
  }

  /** Reads a text with calls of a syntax. */
  static ReadText of(Set<String> names, CallSyntax syntax, Iterable<String> pieces) {
    ReadText read = new ReadText(names, syntax);
    for (String piece : pieces) {
      read.reader.accept(piece, read);
    }
    read.reader.finish(read);
    return read;
  }

  @Override
  public void content(String text) {
    content.append(text);
    add("content ", text);
  }

  @Override
  public void call(int index, String id, String name) {
    ids.add(id);
    begin("call " + index + " " + name);
  }

  @Override
  public void arguments(int index, String fragment) {
    add("arguments " + index + " ", fragment);
  }

  private void add(String kind, String text) {
    if (text.isEmpty()) {
      throw new AssertionError("an empty piece of " + kind);
    }
    if (!kind.equals(lastKind)) {
      begin(kind);
    }
    last.append(text);
  }

  private void begin(String kind) {
    lastKind = kind;
    last = new StringBuilder(kind);
    events.add(last);
  }

  String content() {
    return content.toString();
  }

  List<String> events() {
    return events.stream().map(StringBuilder::toString).toList();
  }

  List<String> ids() {
    return ids;
  }

  List<ToolCall> calls() {
    return reader.calls();
  }

  boolean isIncomplete() {
    return reader.hasIncompleteCall();
  }
}

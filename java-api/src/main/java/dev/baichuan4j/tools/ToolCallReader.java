package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.json.JsonText;
import dev.baichuan4j.internal.json.JsonTree;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits a text, as it is streamed, into content and calls. What may become a call is withheld
 * until it is known whether it does; the arguments of a call are given out as they come. However a
 * text is cut into pieces, the same comes of it.
 *
 * <p>Text that was not bound by {@link Tools#options} is read as well: blank space may be anywhere
 * in a call, arguments may come before the name, and the mark of a call's end may be missing. What
 * is not a call of a declared tool is content, mark and all, so that nothing is lost but blank
 * space before, between and behind calls. Whether arguments are valid by the schema is not checked;
 * those of a bound text are.
 *
 * <p>A call that the sink was told of is complete when its JSON object is closed. Where the text
 * ends before, by a limit of tokens for instance, or where the arguments turn out to be no JSON, it
 * is not among {@link #calls()}, {@link #hasIncompleteCall()} says so, and the text behind is
 * content.
 *
 * <p>For one text and one thread at a time.
 */
public final class ToolCallReader {
  /** Most characters before the arguments of a call, and of blank space that is withheld. */
  private static final int MAX_WITHHELD = 1024;

  private static final String ALPHABET =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final int ID_LENGTH = 24;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The end of a call in a list, which may have an id. */
  private static final Pattern ELEMENT_END =
      Pattern.compile("\\s*+(?:,\\s*+\"id\"\\s*+:\\s*+\"[^\"\\\\]*+\"\\s*+)?+\\}");

  private static final Pattern OBJECT_END = Pattern.compile("\\s*+\\}");

  private static final Pattern OBJECT = Pattern.compile("\\s*+\\{\\s*+\"");

  /** Hears what a text consists of, in its order. */
  public interface Sink {
    /** Hears a piece of the content, which is not empty. */
    void content(String text);

    /**
     * Hears that a call begins.
     *
     * @param index 0 for the first call of the text, then 1 and so on
     * @param id {@code call_} and 24 letters and digits, which no other call has
     * @param name that of a declared tool
     */
    void call(int index, String id, String name);

    /**
     * Hears a piece of the arguments of the call that has begun last.
     *
     * @param index that of the call
     * @param fragment a piece of the text of a JSON object; not empty
     */
    void arguments(int index, String fragment);
  }

  private enum State {
    /** In content. */
    CONTENT,
    /** Behind the mark of a call, before its arguments. */
    HEADER,
    /** In what may be a call whose arguments come first, as far as its end. */
    WHOLE,
    /** In arguments. */
    ARGUMENTS,
    /** Behind arguments, before the brace that closes the call. */
    BRACE,
    /** Behind that brace, before the mark of the end. */
    CLOSE,
    FINISHED
  }

  private final Set<String> names; // none: everything is content
  private final CallSyntax syntax;
  private final List<ToolCall> calls = new ArrayList<>();
  private final StringBuilder text = new StringBuilder(); // that is not given out
  private State state = State.CONTENT;
  private boolean blank = true; // no content since the beginning, or since the last call
  private int open; // in text: the mark of the call that may begin
  private int lead; // characters of the mark in front of the JSON of the call
  private int searched; // in text: there is no mark of an end before

  private int begun; // calls that the sink was told of
  private String id;
  private String name;
  private final StringBuilder arguments = new StringBuilder();
  private int depth; // of the arguments
  private boolean inString;
  private boolean escaped;

  /**
   * @param names those of the declared tools; if there is none, everything is content
   * @param syntax how calls are written
   */
  ToolCallReader(Set<String> names, CallSyntax syntax) {
    this.names = names;
    this.syntax = syntax;
  }

  /**
   * Reads the next piece of the text.
   *
   * @throws IllegalStateException if the text has ended
   */
  public void accept(String text, Sink sink) {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(sink, "sink");
    requireOpen();
    this.text.append(text);
    if (names.isEmpty()) {
      give(this.text.length(), sink);
      return;
    }
    while (step(sink, false)) {
      // until more text is needed
    }
  }

  /**
   * Ends the text: what was withheld is given out.
   *
   * @throws IllegalStateException if it has ended before
   */
  public void finish(Sink sink) {
    Objects.requireNonNull(sink, "sink");
    requireOpen();
    while (step(sink, true)) {
      // until all is read
    }
    if (!(blank && begun > 0 && isBlank(text.length()))) {
      give(text.length(), sink);
    }
    state = State.FINISHED;
  }

  /** Returns the calls that are complete, in their order. */
  public List<ToolCall> calls() {
    return List.copyOf(calls);
  }

  /**
   * Returns whether a call that the sink was told of is not among {@link #calls()}: it is being
   * read, or the text was cut in the middle of it, or its arguments are no JSON.
   */
  public boolean hasIncompleteCall() {
    return begun > calls.size();
  }

  private void requireOpen() {
    if (state == State.FINISHED) {
      throw new IllegalStateException("reader has read the end of its text");
    }
  }

  /** Reads on; false if nothing more can be said of the text without what follows. */
  private boolean step(Sink sink, boolean last) {
    return switch (state) {
      case CONTENT -> content(sink);
      case HEADER -> header(sink, last);
      case WHOLE -> whole(sink, last);
      case ARGUMENTS -> arguments(sink);
      case BRACE -> brace();
      case CLOSE -> close(last);
      case FINISHED -> false;
    };
  }

  private boolean content(Sink sink) {
    int mark = text.indexOf(syntax.mark);
    int end = mark >= 0 ? mark : text.length() - openBegun();
    boolean kept = blank && isBlank(end) && end <= MAX_WITHHELD; // it is dropped if a call comes
    if (!kept) {
      give(end, sink);
    }
    if (mark < 0) {
      return false;
    }
    open = kept ? mark : 0;
    lead = syntax.lead.length();
    state = State.HEADER;
    return true;
  }

  /** How many characters at the end of the text are the beginning of a mark. */
  private int openBegun() {
    int most = Math.min(text.length(), syntax.mark.length() - 1);
    for (int length = most; length > 0; length--) {
      if (syntax.mark.startsWith(text.substring(text.length() - length))) {
        return length;
      }
    }
    return 0;
  }

  private boolean header(Sink sink, boolean last) {
    int from = open + lead;
    int to = Math.min(text.length(), from + MAX_WITHHELD);
    Matcher header = syntax.header().matcher(text).region(from, to);
    if (header.lookingAt()) {
      if (!names.contains(header.group(1))) {
        return noCall(sink);
      }
      begin(header.group(1), header.end() - 1, sink);
      depth = 0;
      inString = false;
      escaped = false;
      state = State.ARGUMENTS;
      return true;
    }
    if (header.hitEnd() && to == text.length() && to < from + MAX_WITHHELD) {
      return last && noCall(sink);
    }
    if (syntax.isTagged() && OBJECT.matcher(text).region(from, to).lookingAt()) {
      searched = from;
      state = State.WHOLE;
      return true;
    }
    return noCall(sink);
  }

  /** What was withheld is content, as far as the mark; behind it may be another one. */
  private boolean noCall(Sink sink) {
    state = State.CONTENT;
    give(open + Math.max(lead, 1), sink);
    return true;
  }

  private boolean whole(Sink sink, boolean last) {
    int mark = text.indexOf(syntax.close(), searched);
    if (mark < 0 && !last) {
      searched = Math.max(searched, text.length() - syntax.close().length() + 1);
      return false;
    }
    int from = open + lead;
    int to = mark >= 0 ? mark : text.length();
    Object call;
    try {
      call = JsonTree.parse(text.substring(from, to), "call");
    } catch (InvalidRequestException e) {
      return noCall(sink);
    }
    if (call instanceof Map<?, ?> members
        && members.size() == 2
        && members.get("name") instanceof String called
        && names.contains(called)
        && members.get("arguments") instanceof Map<?, ?> values) {
      begin(called, to, sink);
      arguments.append(JsonText.of(values));
      sink.arguments(begun - 1, arguments.toString());
      complete();
      return true;
    }
    return noCall(sink);
  }

  /** Tells the sink of a call, and drops the text before its arguments. */
  private void begin(String called, int argumentsFrom, Sink sink) {
    StringBuilder drawn = new StringBuilder("call_");
    for (int i = 0; i < ID_LENGTH; i++) {
      drawn.append(ALPHABET.charAt(RANDOM.nextInt(ALPHABET.length())));
    }
    id = drawn.toString();
    name = called;
    arguments.setLength(0);
    text.delete(0, argumentsFrom);
    sink.call(begun++, id, name);
  }

  private boolean arguments(Sink sink) {
    int end = 0;
    boolean closed = false;
    while (end < text.length() && !closed) {
      closed = closes(text.charAt(end++));
    }
    if (end > 0) {
      String fragment = text.substring(0, end);
      text.delete(0, end);
      arguments.append(fragment);
      sink.arguments(begun - 1, fragment);
    }
    if (closed) {
      boolean valid = CallText.isObject(arguments.toString());
      state = valid ? State.BRACE : State.CONTENT;
      blank = valid;
    }
    return closed;
  }

  /** Reads a character of the arguments; whether it is their last. */
  private boolean closes(char c) {
    if (inString) {
      inString = escaped || c != '"';
      escaped = !escaped && c == '\\';
      return false;
    }
    inString = c == '"';
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    return depth == 0;
  }

  private boolean brace() {
    Matcher end = (syntax.isList() ? ELEMENT_END : OBJECT_END).matcher(text);
    boolean ends = end.lookingAt();
    if (!ends && end.hitEnd() && text.length() <= MAX_WITHHELD) {
      return false;
    }
    if (ends && end.end() <= MAX_WITHHELD) {
      text.delete(0, end.end());
      complete();
    } else {
      state = State.CONTENT;
      blank = false;
    }
    return true;
  }

  private void complete() {
    calls.add(new ToolCall(id, name, arguments.toString()));
    blank = true;
    state = State.CLOSE;
  }

  private boolean close(boolean last) {
    int at = blankEnd();
    String close = syntax.close();
    if (syntax.isList() && at <= MAX_WITHHELD && at < text.length() && text.charAt(at) == ',') {
      text.delete(0, at + 1); // the next element
      open = 0;
      lead = 0;
      state = State.HEADER;
      return true;
    }
    int length = Math.min(close.length(), text.length() - at);
    boolean begins =
        !close.isEmpty() && at <= MAX_WITHHELD && close.startsWith(text.substring(at, at + length));
    if (begins && length < close.length() && !last) {
      return false;
    }
    if (begins) {
      text.delete(0, at + length);
    }
    state = State.CONTENT;
    return true;
  }

  private int blankEnd() {
    int at = 0;
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return at;
  }

  private boolean isBlank(int end) {
    return blankEnd() >= end;
  }

  /** Gives out the first characters as content. */
  private void give(int length, Sink sink) {
    if (length > 0) {
      String content = text.substring(0, length);
      text.delete(0, length);
      blank = false;
      sink.content(content);
    }
  }
}

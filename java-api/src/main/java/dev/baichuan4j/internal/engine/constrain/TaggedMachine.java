package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;

/**
 * Accepts the texts of a {@link TaggedText}. A state is a part of the text and a state of what
 * reads that part; the machine of a tag's inner text is made when a text comes there.
 */
final class TaggedMachine implements ByteMachine {
  private static final int START = 0; // before content that is bound, or the first tag instead
  private static final int CONTENT = 1;
  private static final int MARKS = 2;
  private static final int INSIDE = 3; // and the parts that follow, one a tag

  private static final int NOT_ASKED = -3;

  private final TaggedText text;
  private final TagMarks marks;
  private final Dfa trigger;
  private final ByteMachine content; // null if there is none
  private final boolean free;
  private final ByteMachine[] insides; // by tag; null until they are needed
  private final int start;

  private final int[][] numbers; // by part and state within it: the state and 1; 0 if it has none
  private int[] parts = new int[64]; // by state
  private int[] places = new int[64]; // by state: that within the part
  private Lexemes[] lexemes = new Lexemes[64]; // by state, those that were asked for
  private int[] onlyBytes = new int[64]; // by state, those that were asked for; NOT_ASKED
  private int count;

  TaggedMachine(TaggedText text) {
    this.text = text;
    marks = new TagMarks(text);
    trigger = Regex.literal(text.trigger()).dfa();
    insides = new ByteMachine[text.tags().size()];
    numbers = new int[INSIDE + insides.length][0];
    free = text.content() instanceof TaggedText.Free;
    if (text.content() instanceof TaggedText.Bound bound) {
      content = bound.language().machine();
      start = number(START, 0);
    } else if (text.content() instanceof TaggedText.Free any) {
      content = new RegexMachine(any.text());
      start = number(CONTENT, content.start());
    } else {
      content = null;
      start = number(MARKS, marks.first());
    }
  }

  private int number(int part, int place) {
    if (place == DEAD) {
      return DEAD;
    }
    int[] known = numbers[part];
    if (place >= known.length) {
      known = Arrays.copyOf(known, Math.max(place + 1, 2 * known.length));
      numbers[part] = known;
    }
    if (known[place] == 0) {
      if (count == parts.length) {
        parts = Arrays.copyOf(parts, 2 * count);
        places = Arrays.copyOf(places, 2 * count);
        lexemes = Arrays.copyOf(lexemes, 2 * count);
        onlyBytes = Arrays.copyOf(onlyBytes, 2 * count);
      }
      onlyBytes[count] = NOT_ASKED;
      parts[count] = part;
      places[count] = place;
      known[place] = ++count;
    }
    return known[place] - 1;
  }

  private ByteMachine inside(int tag) {
    if (insides[tag] == null) {
      insides[tag] = text.tags().get(tag).inside().machine();
    }
    return insides[tag];
  }

  @Override
  public int start() {
    return start;
  }

  @Override
  public int next(int state, int b) {
    int part = parts[state];
    int place = places[state];
    if (part == CONTENT) {
      return nextInContent(place, b);
    }
    if (part == MARKS) {
      return nextInMarks(place, b);
    }
    if (part == START) {
      int next = content.next(content.start(), b);
      return next == DEAD ? nextInMarks(marks.first(), b) : number(CONTENT, next);
    }
    ByteMachine inside = inside(part - INSIDE);
    int next = inside.next(place, b);
    if (next != DEAD) {
      return number(part, next);
    }
    return inside.accepting(place) ? nextInMarks(marks.end(part - INSIDE), b) : DEAD;
  }

  private int nextInContent(int place, int b) {
    int next = content.next(place, b);
    if (next != DEAD) {
      return number(CONTENT, next);
    }
    // Between characters, free text reads every other character than the last of the trigger.
    boolean triggers = free && b < 0x80 && content.accepting(place);
    return triggers ? number(MARKS, marks.behindTrigger()) : DEAD;
  }

  private int nextInMarks(int place, int b) {
    if (place == TagMarks.ROOT && !text.several()) {
      return DEAD;
    }
    int next = marks.next(place, b);
    int tag = next == DEAD ? -1 : marks.tag(next);
    return tag < 0 ? number(MARKS, next) : number(INSIDE + tag, inside(tag).start());
  }

  @Override
  public boolean accepting(int state) {
    return switch (parts[state]) {
      case START -> content.accepting(content.start());
      case CONTENT -> content.accepting(places[state]);
      case MARKS -> places[state] == TagMarks.ROOT;
      default -> false;
    };
  }

  @Override
  public Lexemes lexemes(int state) {
    if (lexemes[state] == null) {
      lexemes[state] = findLexemes(parts[state], places[state]);
    }
    return lexemes[state];
  }

  private Lexemes findLexemes(int part, int place) {
    return switch (part) {
      case START -> content.lexemes(content.start()).with(trigger, trigger.start());
      case CONTENT -> free ? content.lexemes(place).open() : content.lexemes(place);
      case MARKS -> Lexemes.NONE;
      default -> inside(part - INSIDE).lexemes(place).open();
    };
  }

  @Override
  public int afterLexeme(int state) {
    boolean bound = parts[state] == CONTENT && !free;
    int after = bound ? content.afterLexeme(places[state]) : UNKNOWN;
    return after == UNKNOWN ? UNKNOWN : number(CONTENT, after);
  }

  @Override
  public int onlyByte(int state) {
    if (onlyBytes[state] == NOT_ASKED) {
      onlyBytes[state] = findOnlyByte(parts[state], places[state]);
    }
    return onlyBytes[state];
  }

  private int findOnlyByte(int part, int place) {
    return switch (part) {
      case START -> SEVERAL_BYTES;
      case CONTENT -> free ? SEVERAL_BYTES : content.onlyByte(place);
      case MARKS -> place == TagMarks.ROOT && !text.several() ? NO_BYTE : marks.onlyByte(place);
      default -> onlyByteInside(part - INSIDE, place);
    };
  }

  private int onlyByteInside(int tag, int place) {
    int only = inside(tag).onlyByte(place);
    if (!inside(tag).accepting(place)) {
      return only;
    }
    return only == NO_BYTE ? marks.onlyByte(marks.end(tag)) : SEVERAL_BYTES;
  }

  @Override
  public int states() {
    int states = content == null ? count : count + content.states();
    for (ByteMachine inside : insides) {
      states += inside == null ? 0 : inside.states();
    }
    return states;
  }
}

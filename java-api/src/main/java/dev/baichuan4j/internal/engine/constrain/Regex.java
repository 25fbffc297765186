package dev.baichuan4j.internal.engine.constrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A regular language of texts in UTF-8, as an expression with union, intersection and complement.
 * Immutable. {@link #dfa()} makes an automaton of it; {@link #parse} and {@link #search} read the
 * usual notation.
 *
 * <p>Expressions are brought into one form as they are made, so that there are finitely many
 * derivatives: Brzozowski 1964, "Derivatives of Regular Expressions"; Owens, Reppy and Turon 2009,
 * "Regular-expression derivatives re-examined". Bounded repetition counts down.
 */
public final class Regex {
  /** No limit of {@link #repeat}. */
  public static final int UNBOUNDED = Integer.MAX_VALUE;

  /** The language without any text. */
  public static final Regex NOTHING = new Regex(Kind.NOTHING, null, 0, 0, false);

  /** The language of the empty text alone. */
  public static final Regex EMPTY = new Regex(Kind.STRINGS, Dawg.END, 0, 0, true);

  /** Any one character. */
  public static final Regex ANY_CHARACTER = characters(CodePoints.ALL);

  /** Any text. */
  public static final Regex ANY_TEXT = repeat(ANY_CHARACTER, 0, UNBOUNDED);

  enum Kind {
    NOTHING,
    STRINGS,
    CONCATENATION,
    UNION,
    INTERSECTION,
    COMPLEMENT,
    REPEAT
  }

  private final Kind kind;
  private final Dawg strings; // of STRINGS
  private final Regex[] parts;
  private final int min; // of REPEAT
  private final int max;
  private final boolean nullable;
  private final boolean plain;
  private final int hash;
  private int groups = -1; // once known: CharacterGroups whose characters are texts

  private Regex(Kind kind, Dawg strings, int min, int max, boolean nullable, Regex... parts) {
    this.kind = kind;
    this.strings = strings;
    this.parts = parts;
    this.min = min;
    this.max = max;
    this.nullable = nullable;
    boolean partsPlain = kind != Kind.INTERSECTION && kind != Kind.COMPLEMENT;
    int h =
        31 * (31 * (31 * kind.ordinal() + min) + max) + (strings == null ? 0 : strings.hashCode());
    for (Regex part : parts) {
      h = 31 * h + part.hash;
      partsPlain &= part.plain;
    }
    this.plain = partsPlain;
    this.hash = h * 0x9E3779B1;
  }

  /**
   * Returns the language of the texts that a pattern matches as a whole.
   *
   * @param pattern see {@link RegexParser}
   * @throws dev.baichuan4j.InvalidRequestException if it cannot be read, with the place
   */
  public static Regex parse(String pattern) {
    return RegexParser.parse(pattern, false);
  }

  /**
   * Returns the language of the texts in which a pattern matches somewhere, as JSON Schema takes
   * {@code pattern}; anchors bind it to the ends.
   *
   * @param pattern see {@link RegexParser}
   * @throws dev.baichuan4j.InvalidRequestException if it cannot be read, with the place
   */
  public static Regex search(String pattern) {
    return RegexParser.parse(pattern, true);
  }

  /** Returns the language of one text. */
  public static Regex literal(String text) {
    return strings(List.of(text));
  }

  /** Returns the language of some texts; compact however many they are. */
  public static Regex strings(Collection<String> texts) {
    if (texts.isEmpty()) {
      return NOTHING;
    }
    return strings(
        Dawg.ofStrings(texts.stream().map(t -> t.getBytes(StandardCharsets.UTF_8)).toList()));
  }

  /** Returns the language of the single characters of a set. */
  public static Regex characters(CodePoints set) {
    return set.isEmpty() ? NOTHING : strings(Dawg.ofCharacters(set));
  }

  private static Regex strings(Dawg dawg) {
    return dawg.accepting() && dawg.children().length == 0
        ? EMPTY
        : new Regex(Kind.STRINGS, dawg, 0, 0, dawg.accepting());
  }

  /** Returns the language of texts that consist of one of each, in this order. */
  public static Regex concat(Regex... parts) {
    Regex all = EMPTY;
    for (int i = parts.length - 1; i >= 0; i--) {
      all = concat(parts[i], all);
    }
    return all;
  }

  private static Regex concat(Regex head, Regex tail) {
    if (head == NOTHING || tail == NOTHING) {
      return NOTHING;
    }
    if (head == EMPTY) {
      return tail;
    }
    if (tail == EMPTY) {
      return head;
    }
    if (head.kind == Kind.CONCATENATION) {
      return concat(head.parts[0], concat(head.parts[1], tail));
    }
    return new Regex(Kind.CONCATENATION, null, 0, 0, head.nullable && tail.nullable, head, tail);
  }

  /** Returns the language of the texts that are in one of these. */
  public static Regex union(Regex... parts) {
    return union(Arrays.asList(parts));
  }

  /** Returns the language of the texts that are in one of these. */
  public static Regex union(List<Regex> parts) {
    Map<Regex, List<Regex>> tailsByHead = new LinkedHashMap<>();
    addAlternatives(parts, tailsByHead);
    List<Regex> alternatives = new ArrayList<>(tailsByHead.size());
    boolean anyText = false;
    for (Map.Entry<Regex, List<Regex>> entry : tailsByHead.entrySet()) {
      List<Regex> tails = entry.getValue();
      Regex tail = tails.size() == 1 ? tails.get(0) : union(tails);
      Regex alternative = concat(entry.getKey(), tail);
      anyText |= alternative.equals(ANY_TEXT);
      alternatives.add(alternative);
    }
    if (anyText) {
      // Every other text of characters is among them; a bare complement is more than text.
      alternatives.removeIf(a -> a.kind != Kind.COMPLEMENT && !a.equals(ANY_TEXT));
    }
    if (alternatives.size() <= 1) {
      return alternatives.isEmpty() ? NOTHING : alternatives.get(0);
    }
    alternatives.sort(Comparator.comparingInt(a -> a.hash));
    boolean nullable = alternatives.stream().anyMatch(a -> a.nullable);
    return new Regex(Kind.UNION, null, 0, 0, nullable, alternatives.toArray(Regex[]::new));
  }

  /** h t1 | h t2 is h (t1 | t2): what texts that run in step have in common is kept once. */
  private static void addAlternatives(List<Regex> parts, Map<Regex, List<Regex>> tailsByHead) {
    for (Regex part : parts) {
      if (part.kind == Kind.UNION) {
        addAlternatives(Arrays.asList(part.parts), tailsByHead);
      } else if (part != NOTHING) {
        boolean concatenated = part.kind == Kind.CONCATENATION;
        Regex head = concatenated ? part.parts[0] : part;
        Regex tail = concatenated ? part.parts[1] : EMPTY;
        List<Regex> tails = tailsByHead.computeIfAbsent(head, h -> new ArrayList<>(1));
        if (!tails.contains(tail)) {
          tails.add(tail);
        }
      }
    }
  }

  /** Returns the language of the texts that are in all of these. */
  public static Regex intersection(Regex... parts) {
    return intersection(Arrays.asList(parts));
  }

  /** Returns the language of the texts that are in all of these. */
  public static Regex intersection(List<Regex> parts) {
    List<Regex> all = new ArrayList<>();
    for (Regex part : parts) {
      for (Regex each :
          part.kind == Kind.INTERSECTION ? Arrays.asList(part.parts) : List.of(part)) {
        if (!all.contains(each)) {
          all.add(each);
        }
      }
    }
    List<Regex> texts = all.stream().filter(r -> r.kind != Kind.COMPLEMENT).toList();
    for (Regex each : all) {
      boolean excluded = each.kind == Kind.COMPLEMENT && all.contains(each.parts[0]);
      boolean excludesText =
          each.kind == Kind.COMPLEMENT && each.parts[0].equals(ANY_TEXT) && !texts.isEmpty();
      if (each == NOTHING || excluded || excludesText) {
        return NOTHING;
      }
    }
    all.removeIf(r -> r.kind == Kind.COMPLEMENT && r.parts[0] == NOTHING);
    if (texts.size() > 1) {
      all.removeIf(r -> r.equals(ANY_TEXT));
    }
    if (all.size() <= 1) {
      return all.isEmpty() ? ANY_TEXT : all.get(0);
    }
    Collections.sort(all, Comparator.comparingInt(r -> r.hash));
    boolean nullable = all.stream().allMatch(r -> r.nullable);
    return new Regex(Kind.INTERSECTION, null, 0, 0, nullable, all.toArray(Regex[]::new));
  }

  /** Returns the language of the texts that are not in this one. */
  public Regex complement() {
    return intersection(ANY_TEXT, not(this));
  }

  /** Returns the texts of this language that are not in another. */
  public Regex minus(Regex other) {
    return intersection(this, not(other));
  }

  /** All strings of bytes that are not in a language: more than texts. */
  private static Regex not(Regex regex) {
    return regex.kind == Kind.COMPLEMENT
        ? regex.parts[0]
        : new Regex(Kind.COMPLEMENT, null, 0, 0, !regex.nullable, regex);
  }

  /**
   * Returns the language of the texts that consist of a number of texts of another.
   *
   * @param min at least 0
   * @param max at least min, or {@link #UNBOUNDED}
   */
  public static Regex repeat(Regex regex, int min, int max) {
    if (max == 0 || regex == EMPTY) {
      return EMPTY;
    }
    if (regex == NOTHING) {
      return min == 0 ? EMPTY : NOTHING;
    }
    int least = regex.nullable ? 0 : min;
    if (max == 1 && (least == 1 || regex.nullable)) {
      return regex;
    }
    boolean star = regex.kind == Kind.REPEAT && regex.min == 0 && regex.max == UNBOUNDED;
    if (star) {
      return regex;
    }
    return new Regex(Kind.REPEAT, null, least, max, least == 0, regex);
  }

  /** Returns any number of texts of this language. */
  public Regex star() {
    return repeat(this, 0, UNBOUNDED);
  }

  /** Returns one or more texts of this language. */
  public Regex plus() {
    return repeat(this, 1, UNBOUNDED);
  }

  /** Returns this language and the empty text. */
  public Regex optional() {
    return repeat(this, 0, 1);
  }

  /** Returns a new automaton of this language. */
  public Dfa dfa() {
    return kind == Kind.STRINGS ? new StringsDfa(strings) : new RegexDfa(this);
  }

  /** Whether the empty text is in the language. */
  boolean nullable() {
    return nullable;
  }

  /** Whether it is seen without a search that the language has a text. */
  boolean hasText() {
    if (nullable || plain) {
      return this != NOTHING; // without intersections and complements, nothing else is empty
    }
    return kind == Kind.UNION && Arrays.stream(parts).anyMatch(Regex::hasText);
  }

  Kind kind() {
    return kind;
  }

  Dawg strings() {
    return strings;
  }

  Regex[] parts() {
    return parts;
  }

  /** What may follow a byte. */
  Regex derivative(int b) {
    return switch (kind) {
      case NOTHING -> NOTHING;
      case STRINGS -> {
        Dawg child = strings.child(b);
        yield child == null ? NOTHING : strings(child);
      }
      case CONCATENATION -> {
        Regex first = concat(parts[0].derivative(b), parts[1]);
        yield parts[0].nullable ? union(first, parts[1].derivative(b)) : first;
      }
      case UNION -> {
        List<Regex> derivatives = new ArrayList<>(parts.length);
        for (Regex part : parts) {
          Regex derivative = part.derivative(b);
          if (derivative != NOTHING) {
            derivatives.add(derivative);
          }
        }
        yield derivatives.size() == 1 ? derivatives.get(0) : union(derivatives);
      }
      case INTERSECTION -> {
        List<Regex> derivatives = new ArrayList<>(parts.length);
        for (Regex part : parts) {
          derivatives.add(part.derivative(b));
        }
        yield intersection(derivatives);
      }
      case COMPLEMENT -> not(parts[0].derivative(b));
      case REPEAT -> {
        Regex derivative = parts[0].derivative(b);
        yield derivative == NOTHING
            ? NOTHING
            : concat(
                derivative,
                repeat(parts[0], Math.max(0, min - 1), max == UNBOUNDED ? UNBOUNDED : max - 1));
      }
    };
  }

  /** Plain texts that can be read in any case: those of a class of characters that is repeated. */
  int reach() {
    Regex repeated = kind == Kind.CONCATENATION ? parts[0] : this;
    if (repeated.kind != Kind.REPEAT || !plain) {
      return Reach.NONE;
    }
    int groups = repeated.parts[0].groups();
    boolean unbounded = repeated.max == UNBOUNDED;
    return groups == 0 ? Reach.NONE : Reach.of(groups, unbounded ? Reach.ANY_NUMBER : repeated.max);
  }

  /** The groups of which each character alone is a text of the language, as far as it is seen. */
  private int groups() {
    if (groups < 0) { // threads may compute it at once, with the same result
      int found = kind == Kind.STRINGS ? CharacterGroups.within(strings) : 0;
      for (int i = 0; kind == Kind.UNION && i < parts.length; i++) {
        found |= parts[i].groups();
      }
      groups = found;
    }
    return groups;
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || other instanceof Regex regex
            && hash == regex.hash
            && kind == regex.kind
            && min == regex.min
            && max == regex.max
            && (strings == null || strings.equals(regex.strings))
            && Arrays.equals(parts, regex.parts);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}

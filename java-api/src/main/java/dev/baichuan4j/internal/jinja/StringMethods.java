package dev.baichuan4j.internal.jinja;

import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/** The methods of strings that templates call. */
final class StringMethods {
  private StringMethods() {}

  /** Returns a method of a text, or null where there is none of the name. */
  static Function of(Text text, String name) {
    Function method = find(text, name);
    return method == null
        ? null
        : (run, arguments) -> {
          run.budget().read(text.toString().length());
          return method.call(run, arguments);
        };
  }

  private static Function find(Text text, String name) {
    return switch (name) {
      case "strip" -> (run, a) -> strip(run, text, a.text(0, "chars"), true, true);
      case "lstrip" -> (run, a) -> strip(run, text, a.text(0, "chars"), true, false);
      case "rstrip" -> (run, a) -> strip(run, text, a.text(0, "chars"), false, true);
      case "split", "rsplit" ->
          (run, a) ->
              Splitting.split(
                  run.budget(),
                  text,
                  a.text(0, "sep"),
                  a.integer(1, "maxsplit", -1),
                  name.equals("rsplit"));
      case "splitlines" ->
          (run, a) -> Splitting.lines(run.budget(), text, a.truth(0, "keepends", false));
      case "partition", "rpartition" ->
          (run, a) ->
              Splitting.partition(
                  run.budget(), text, a.requireText(0, "sep"), name.equals("rpartition"));
      case "startswith" -> (run, a) -> begins(text, a.require(0, "prefix"), true);
      case "endswith" -> (run, a) -> begins(text, a.require(0, "suffix"), false);
      case "removeprefix" ->
          (run, a) -> {
            Text prefix = a.requireText(0, "prefix");
            int length = text.toString().length();
            return begins(text, prefix, true)
                ? text.slice(run.budget(), prefix.toString().length(), length)
                : text;
          };
      case "removesuffix" ->
          (run, a) -> {
            Text suffix = a.requireText(0, "suffix");
            int length = text.toString().length();
            return begins(text, suffix, false)
                ? text.slice(run.budget(), 0, length - suffix.toString().length())
                : text;
          };
      case "replace" ->
          (run, a) ->
              replace(
                  run.budget(),
                  text,
                  a.requireText(0, "old"),
                  a.requireText(1, "new"),
                  a.integer(2, "count", -1));
      case "upper" -> (run, a) -> text.map(run.budget(), s -> s.toUpperCase(Locale.ROOT));
      case "lower" -> (run, a) -> text.map(run.budget(), s -> s.toLowerCase(Locale.ROOT));
      case "capitalize" -> (run, a) -> capitalize(run.budget(), text);
      case "title" -> (run, a) -> title(run.budget(), text);
      case "join" ->
          (run, a) ->
              SequenceFilters.join(run, Values.items(run.budget(), a.require(0, "iterable")), text);
      case "format" -> (run, a) -> Formatting.braces(run.budget(), text, a);
      case "find" -> (run, a) -> find(run.budget(), text, a.requireText(0, "sub"), false);
      case "rfind" -> (run, a) -> find(run.budget(), text, a.requireText(0, "sub"), true);
      case "index" ->
          (run, a) -> {
            long at = find(run.budget(), text, a.requireText(0, "sub"), false);
            if (at < 0) {
              throw TemplateException.failed("substring not found");
            }
            return at;
          };
      case "count" -> (run, a) -> count(run.budget(), text, a.requireText(0, "sub"));
      case "isdigit" -> (run, a) -> all(text, Character::isDigit);
      case "isalpha" -> (run, a) -> all(text, Character::isLetter);
      case "isalnum" -> (run, a) -> all(text, Character::isLetterOrDigit);
      case "isspace" -> (run, a) -> all(text, c -> c < 0x10000 && Blanks.isBlank((char) c));
      case "isupper" -> (run, a) -> isCased(text, true);
      case "islower" -> (run, a) -> isCased(text, false);
      default -> null;
    };
  }

  /**
   * Returns a text without some characters at its ends: blank space where {@code chars} is null.
   */
  static Text strip(Run run, Text text, Text chars, boolean left, boolean right) {
    String s = text.toString();
    run.budget().write(s.length() + (chars == null ? 0 : chars.toString().length()));
    IntPredicate goes =
        chars == null
            ? c -> c < 0x10000 && Blanks.isBlank((char) c)
            : chars.toString().codePoints().boxed().collect(Collectors.toSet())::contains;
    int from = 0;
    int to = s.length();
    while (left && from < to && goes.test(s.codePointAt(from))) {
      from += Character.charCount(s.codePointAt(from));
    }
    while (right && to > from && goes.test(s.codePointBefore(to))) {
      to -= Character.charCount(s.codePointBefore(to));
    }
    return text.slice(from, to);
  }

  private static boolean begins(Text text, Object parts, boolean atStart) {
    List<Object> all = parts instanceof Tuple tuple ? tuple.items() : List.of(parts);
    boolean begins = false;
    for (Object part : all) {
      if (!(part instanceof Text some)) {
        throw TemplateException.failed(
            "a " + Values.typeName(part) + " to begin or end with, expected a string or a tuple");
      }
      String s = text.toString();
      begins |= atStart ? s.startsWith(some.toString()) : s.endsWith(some.toString());
    }
    return begins;
  }

  static Text replace(Budget budget, Text text, Text old, Text with, long count) {
    budget.search(text, old);
    String s = text.toString();
    String part = old.toString();
    TextBuilder replaced = new TextBuilder(budget);
    int at = 0;
    long left = count < 0 ? Long.MAX_VALUE : count;
    if (part.isEmpty()) {
      for (; left > 0; left--) {
        replaced.append(with);
        if (at == s.length()) {
          break;
        }
        int end = s.offsetByCodePoints(at, 1);
        replaced.append(text, at, end);
        at = end;
      }
    } else {
      int found = s.indexOf(part);
      for (; found >= 0 && left > 0; left--) {
        replaced.append(text, at, found).append(with);
        at = found + part.length();
        found = s.indexOf(part, at);
      }
    }
    return replaced.append(text, at, s.length()).toText();
  }

  static Text capitalize(Budget budget, Text text) {
    String s = text.toString();
    if (s.isEmpty()) {
      return text;
    }
    int first = Character.charCount(s.codePointAt(0));
    Text rest = text.slice(budget, first, s.length());
    return new TextBuilder(budget)
        .append(text.slice(budget, 0, first).map(budget, StringMethods::titleCase))
        .append(rest.map(budget, r -> r.toLowerCase(Locale.ROOT)))
        .toText();
  }

  private static String titleCase(String character) {
    int c = character.codePointAt(0);
    int title = Character.toTitleCase(c);
    return title == c ? character.toUpperCase(Locale.ROOT) : Character.toString(title);
  }

  /** As Python's {@code str.title}: a word is a run of letters that have cases. */
  static Text title(Budget budget, Text text) {
    TextBuilder title = new TextBuilder(budget);
    String s = text.toString();
    boolean inWord = false;
    for (int at = 0; at < s.length(); ) {
      int c = s.codePointAt(at);
      int end = at + Character.charCount(c);
      String one = s.substring(at, end);
      String changed = inWord ? one.toLowerCase(Locale.ROOT) : titleCase(one);
      title.append(changed, text.isGiven(at));
      inWord = isCased(c);
      at = end;
    }
    return title.toText();
  }

  private static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  private static boolean isCased(Text text, boolean upper) {
    boolean any = false;
    for (int c : text.toString().codePoints().toArray()) {
      if (upper ? Character.isLowerCase(c) : Character.isUpperCase(c)) {
        return false;
      }
      any |= isCased(c);
    }
    return any;
  }

  private static boolean all(Text text, IntPredicate is) {
    return !text.isEmpty() && text.toString().codePoints().allMatch(is);
  }

  private static long find(Budget budget, Text text, Text part, boolean last) {
    budget.search(text, part);
    String s = text.toString();
    int at = last ? s.lastIndexOf(part.toString()) : s.indexOf(part.toString());
    return at < 0 ? -1 : s.codePointCount(0, at);
  }

  private static long count(Budget budget, Text text, Text part) {
    budget.search(text, part);
    String s = text.toString();
    String p = part.toString();
    if (p.isEmpty()) {
      return text.size() + 1L;
    }
    long count = 0;
    for (int at = s.indexOf(p); at >= 0; at = s.indexOf(p, at + p.length())) {
      count++;
    }
    return count;
  }
}

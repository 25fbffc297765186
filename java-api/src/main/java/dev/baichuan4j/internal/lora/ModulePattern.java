package dev.baichuan4j.internal.lora;

import dev.baichuan4j.ModelFormatException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression of an adapter's config that names of modules are matched with. It comes from
 * a file: a match that takes more than {@value #STEPS} looks at a name is given up, so that none
 * takes for ever. What matches the empty text looks at nothing, and forty alternatives of that kind
 * in a row have 2^40 ways; so each alternative and each group begins with a look of ours.
 */
final class ModulePattern {
  private static final int STEPS = 100_000;
  private static final int LONGEST = 4096;

  /** Matches the empty text wherever a name has a character before or behind, and looks at it. */
  private static final String LOOK = "(?>(?=[\\s\\S])|(?<=[\\s\\S]))";

  /**
   * A part of an expression that Python and Java read alike: what opens a group, flags, a class
   * without one within it or an intersection, what is escaped, an alternative, a character.
   */
  private static final Pattern PART =
      Pattern.compile(
          "(?<opening>\\((?:\\?(?:[:=!>]|<[=!]|[ims]+:|P<\\w+>)|(?!\\?)))"
              + "|\\(\\?[ims]+\\)"
              + "|\\[\\^?(?!])(?:\\\\[^Q]|(?!&&)[^\\\\\\[\\]])++]"
              + "|\\\\[^Qk1-9]|(?<or>\\|)|[^\\\\(\\[]",
          Pattern.DOTALL);

  private final String file;
  private final String key;
  private final String expression;
  private final Pattern pattern;

  /**
   * @param file of the config, for messages
   * @param key of the config
   * @param before what stands in front of the expression, a part of an expression itself
   * @param expression as Python's {@code re} writes it; Java reads nearly all of that language
   * @throws ModelFormatException if it is malformed, or has what Java would read in another way
   */
  ModulePattern(String file, String key, String before, String expression) {
    this.file = file;
    this.key = key;
    this.expression = expression;
    if (expression.length() > LONGEST) {
      throw new ModelFormatException(
          file,
          key,
          "an expression of at most " + LONGEST + " characters",
          expression.length() + " characters");
    }
    try {
      this.pattern = Pattern.compile(before + "(?:" + LOOK + counted() + ")");
    } catch (PatternSyntaxException | StackOverflowError e) {
      throw new ModelFormatException(
          file, key, "a regular expression that Java reads", "\"" + expression + "\"", e);
    }
  }

  /** Returns the expression with a look at the beginning of each alternative and each group. */
  private String counted() {
    StringBuilder java = new StringBuilder();
    Matcher part = PART.matcher(expression);
    for (int at = 0; at < expression.length(); at = part.end()) {
      if (!part.find() || part.start() > at) {
        throw new PatternSyntaxException("what Python reads otherwise", expression, at);
      }
      boolean begins = part.group("opening") != null || part.group("or") != null;
      java.append(part.group().startsWith("(?P<") ? "(?:" : part.group());
      java.append(begins ? LOOK : "");
    }
    return java.toString();
  }

  /** Returns whether it matches all of a module's name. */
  boolean matches(String module) {
    try {
      return pattern.matcher(new Counted(module, new int[1])).matches();
    } catch (TooManySteps | StackOverflowError e) {
      throw new ModelFormatException(
          file,
          key,
          "an expression that is matched in " + STEPS + " steps",
          "\"" + expression + "\"");
    }
  }

  private static final class TooManySteps extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** A text that counts how often it is looked at. */
  private record Counted(CharSequence text, int[] steps) implements CharSequence {
    @Override
    public char charAt(int index) {
      if (++steps[0] > STEPS) {
        throw new TooManySteps();
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return new Counted(text.subSequence(start, end), steps);
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }
}

package dev.baichuan4j.internal.lora;

import dev.baichuan4j.ModelFormatException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression of an adapter's config that names of modules are matched with. It comes from
 * a file: a match that takes more than {@value #STEPS} looks at a name is given up, so that none
 * takes for ever.
 */
final class ModulePattern {
  private static final int STEPS = 100_000;
  private static final int LONGEST = 4096;

  private final String file;
  private final String key;
  private final Pattern pattern;

  /**
   * @param file of the config, for messages
   * @param key of the config
   * @param before what stands in front of the expression, a part of an expression itself
   * @param expression as Python's {@code re} writes it; Java reads nearly all of that language
   */
  ModulePattern(String file, String key, String before, String expression) {
    this.file = file;
    this.key = key;
    if (expression.length() > LONGEST) {
      throw new ModelFormatException(
          file,
          key,
          "an expression of at most " + LONGEST + " characters",
          expression.length() + " characters");
    }
    try {
      this.pattern = Pattern.compile(before + "(?:" + expression + ")");
    } catch (PatternSyntaxException | StackOverflowError e) {
      throw new ModelFormatException(
          file, key, "a regular expression that Java reads", "\"" + expression + "\"", e);
    }
  }

  /** Returns whether it matches all of a module's name. */
  boolean matches(String module) {
    try {
      return pattern.matcher(new Counted(module, new int[1])).matches();
    } catch (TooManySteps | StackOverflowError e) {
      throw new ModelFormatException(
          file, key, "an expression that is matched in " + STEPS + " steps", "\"" + pattern + "\"");
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

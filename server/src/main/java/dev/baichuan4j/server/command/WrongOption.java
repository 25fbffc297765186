package dev.baichuan4j.server.command;

/** An option that has a value which cannot be. */
final class WrongOption extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String option;

  private WrongOption(String option, String message) {
    super(message);
    this.option = option;
  }

  WrongOption(String option, Object value, String expected) {
    this(option, option + " has value " + value + ", expected " + expected);
  }

  /** Checks a value. */
  static void require(boolean right, String option, Object value, String expected) {
    if (!right) {
      throw new WrongOption(option, value, expected);
    }
  }

  /** Checks that a number is in a range, both ends included. */
  static void requireBetween(String option, long value, long least, long most) {
    require(value >= least && value <= most, option, value, least + " to " + most);
  }

  /** Returns the name of the option, as {@code --port}. */
  String option() {
    return option;
  }

  /** Returns the same with where the value comes from. */
  WrongOption from(String origin) {
    return new WrongOption(option, getMessage() + "; it comes from " + origin);
  }
}

package dev.baichuan4j;

/**
 * A parameter of a request is out of its range. The message reads {@code parameter has found,
 * expected expected}, for example {@code temperature has -1.0, expected a number of at least 0}.
 */
public final class InvalidRequestException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String parameter;

  /**
   * Creates the exception.
   *
   * @param parameter the parameter's name
   * @param message what it has and what was allowed
   */
  public InvalidRequestException(String parameter, String message) {
    super(message);
    this.parameter = parameter;
  }

  /**
   * Creates the exception with a message of the usual form.
   *
   * @param parameter the parameter's name
   * @param found its value
   * @param expected what was allowed
   */
  public InvalidRequestException(String parameter, Object found, String expected) {
    this(parameter, parameter + " has " + found + ", expected " + expected);
  }

  /** Returns the name of the parameter that is out of its range. */
  public String parameter() {
    return parameter;
  }
}

package dev.baichuan4j;

/**
 * The type of every failure of this library. The family is closed, so a caller can handle each
 * member or all of them at once; none is checked.
 *
 * <p>Messages follow one grammar, <em>subject has value, expected value</em>, and say what to do
 * where the reader can do something. Wrong use of an object that was closed is not part of the
 * family: it is an {@link IllegalStateException}.
 */
public abstract sealed class BaichuanException extends RuntimeException
    permits ModelFormatException,
        SessionFormatException,
        NativeLoadException,
        OutputException,
        DeviceException,
        OutOfDeviceMemoryException,
        ContextOverflowException,
        InvalidRequestException,
        QueueFullException,
        OperationInterruptedException,
        OperationTimeoutException,
        TrainingException,
        InvalidLogitsException {

  private static final long serialVersionUID = 1L;

  /** A message may quote what a hostile file says; this keeps it to some lines of a terminal. */
  private static final int MAX_MESSAGE = 2000;

  BaichuanException(String message) {
    super(printable(message));
  }

  BaichuanException(String message, Throwable cause) {
    super(printable(message), cause);
  }

  /** Replaces what could steer a terminal or forge a line of a log, and shortens. */
  private static String printable(String message) {
    StringBuilder text = new StringBuilder(message);
    if (text.length() > MAX_MESSAGE) {
      text.replace(MAX_MESSAGE / 2, text.length() - MAX_MESSAGE / 2, " ... ");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isWhitespace(c)) {
        text.setCharAt(i, ' ');
      } else if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
        text.setCharAt(i, '\uFFFD');
      }
    }
    return text.toString();
  }
}

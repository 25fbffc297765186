package dev.baichuan4j;

/**
 * What every failure of this library is an instance of. The family is closed, so a caller can handle
 * each member or all of them at once; none is checked.
 *
 * <p>Messages follow one grammar, <em>subject has value, expected value</em>, and say what to do where
 * the reader can do something. Wrong use of an object that was closed is not part of the family: it is
 * an {@link IllegalStateException}.
 */
public abstract sealed class BaichuanException extends RuntimeException
    permits ModelFormatException,
        NativeLoadException,
        DeviceException,
        OutOfDeviceMemoryException,
        ContextOverflowException,
        InvalidRequestException,
        QueueFullException {

  private static final long serialVersionUID = 1L;

  BaichuanException(String message) {
    super(message);
  }

  BaichuanException(String message, Throwable cause) {
    super(message, cause);
  }
}

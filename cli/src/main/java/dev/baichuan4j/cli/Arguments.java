package dev.baichuan4j.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Arguments and file names in UTF-8, whatever the locale. Java decodes its arguments in the
 * locale's character set: in the POSIX locale, which is what a plain container has, all that is not
 * ASCII is replaced, and the text is lost. Linux keeps the bytes.
 */
final class Arguments {
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
  private static final char REPLACED = '\uFFFD';

  private Arguments() {}

  /** Arguments were lost and cannot be had from the system. */
  static final class LostException extends Exception {
    private static final long serialVersionUID = 1L;

    private LostException(String argument) {
      super(
          "an argument has value "
              + argument
              + ", expected text that the locale's character set "
              + charset()
              + " holds; set LC_ALL=C.UTF-8");
    }
  }

  /**
   * Returns the arguments as they were given.
   *
   * @param arguments as Java has decoded them
   * @throws LostException when Java has replaced some of the text and the system does not tell it
   */
  static String[] recover(String[] arguments) throws LostException {
    if (isUtf8()) {
      return arguments;
    }
    return recover(arguments, readCommandLine(), charset());
  }

  /**
   * Returns the arguments of a given command line.
   *
   * @param commandLine bytes of all arguments of the process, each with a zero after it; may be
   *     empty
   * @param locale the character set that Java has decoded them in
   */
  static String[] recover(String[] arguments, byte[] commandLine, Charset locale)
      throws LostException {
    List<byte[]> all = split(commandLine);
    int first = all.size() - arguments.length;
    String[] recovered = new String[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      // A Java that was started with an @file has other arguments than the system knows of.
      boolean same = first >= 0 && new String(all.get(first + i), locale).equals(arguments[i]);
      recovered[i] = same ? utf8Or(arguments[i], all.get(first + i)) : arguments[i];
      if (recovered[i].indexOf(REPLACED) >= 0) {
        throw new LostException(recovered[i]);
      }
    }
    return recovered;
  }

  private static String utf8Or(String decoded, byte[] bytes) {
    try {
      return Utf8.decode(bytes);
    } catch (Utf8.MalformedException e) {
      return decoded; // Text in the locale's own character set.
    }
  }

  /**
   * Returns the path that a text names. Java writes file names in the locale's character set too,
   * and refuses a name that it does not hold, but takes the bytes of a name from a URI.
   *
   * @throws InvalidPathException when the text is no path, such as one with a NUL
   */
  static Path path(String text) {
    if (isUtf8()) {
      return Path.of(text);
    }
    String here = workingDirectory().toUri().getRawPath();
    if (isAscii(text) && here.indexOf('%') < 0) {
      return Path.of(text);
    }
    if (text.indexOf('\0') >= 0) {
      throw new InvalidPathException(text, "Nul character not allowed");
    }
    StringBuilder uri = new StringBuilder("file://");
    if (!text.startsWith("/")) {
      uri.append(here).append(here.endsWith("/") ? "" : "/");
    }
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      uri.append(b == '/' ? "/" : "%%%02X".formatted(b));
    }
    return Path.of(URI.create(uri.toString()));
  }

  /** Returns a path as text, which {@code toString} does not tell in such a locale. */
  static String text(Path path) {
    if (isUtf8() || path.toString().indexOf(REPLACED) < 0) {
      return path.toString();
    }
    return path.toUri().getPath();
  }

  /** The folder that relative paths start from; its property has lost what is not ASCII. */
  private static Path workingDirectory() {
    try {
      return Path.of("/proc/self/cwd").toRealPath();
    } catch (IOException e) {
      return Path.of("").toAbsolutePath(); // There is no /proc.
    }
  }

  private static boolean isAscii(String text) {
    return StandardCharsets.US_ASCII.newEncoder().canEncode(text);
  }

  private static boolean isUtf8() {
    return charset().equals(StandardCharsets.UTF_8);
  }

  /** The character set of arguments and file names. */
  private static Charset charset() {
    return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
  }

  private static byte[] readCommandLine() {
    try {
      return Files.readAllBytes(COMMAND_LINE);
    } catch (IOException e) {
      return new byte[0]; // There is no /proc.
    }
  }

  private static List<byte[]> split(byte[] commandLine) {
    List<byte[]> parts = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < commandLine.length; i++) {
      if (commandLine[i] == 0) {
        parts.add(Arrays.copyOfRange(commandLine, start, i));
        start = i + 1;
      }
    }
    return parts;
  }
}

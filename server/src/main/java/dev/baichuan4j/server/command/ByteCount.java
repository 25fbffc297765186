package dev.baichuan4j.server.command;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of bytes: {@code 4096}, {@code 512K}, {@code 8M}, {@code 16G}, of 1024 each. */
final class ByteCount implements ITypeConverter<Long> {
  private static final Pattern FORM = Pattern.compile("(\\d{1,12})([KMGT]?)");
  private static final String UNITS = "KMGT";

  @Override
  public Long convert(String text) {
    Matcher form = FORM.matcher(text.toUpperCase(Locale.ROOT));
    if (!form.matches()) {
      throw new TypeConversionException(
          "'" + text + "' is no number of bytes, expected digits and perhaps K, M, G or T");
    }
    int power = form.group(2).isEmpty() ? 0 : UNITS.indexOf(form.group(2)) + 1;
    try {
      return Math.multiplyExact(Long.parseLong(form.group(1)), 1L << (10 * power));
    } catch (ArithmeticException e) {
      throw new TypeConversionException("'" + text + "' is more bytes than there are");
    }
  }
}

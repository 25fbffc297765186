package dev.baichuan4j.server.page;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * The web page: one HTML file that asks for no other. Immutable, thread-safe.
 *
 * @see <a href="https://www.w3.org/TR/CSP3/">Content Security Policy Level 3</a>
 */
public final class Page {
  private static final String RESOURCE = "page.html";
  private static final Pattern SCRIPT =
      Pattern.compile("<script[^>]*>(.*?)</script>", Pattern.DOTALL);
  private static final Pattern STYLE = Pattern.compile("<style>(.*?)</style>", Pattern.DOTALL);

  private final byte[] html;
  private final byte[] gzip;
  private final String tag;
  private final String policy;

  private Page(byte[] html) {
    String text = new String(html, StandardCharsets.UTF_8);
    this.html = html;
    this.gzip = compressed(html);
    this.tag = HexFormat.of().formatHex(sha256(html), 0, 16);
    this.policy =
        String.join(
            "; ",
            "default-src 'none'",
            "script-src " + hashes(SCRIPT, text),
            "style-src " + hashes(STYLE, text),
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            // No text can become markup or a script: the browser refuses the calls that would do
            // it.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'");
  }

  /** Returns the page, which is read when it is first asked for. */
  public static Page get() {
    return Holder.PAGE;
  }

  private static final class Holder {
    static final Page PAGE = new Page(read());
  }

  /** Returns the file, in UTF-8. */
  public byte[] html() {
    return html.clone();
  }

  /** Returns the file, compressed. */
  public byte[] gzip() {
    return gzip.clone();
  }

  /**
   * Returns the value of an {@code ETag}, with its quotes.
   *
   * @param compressed whether it is of the compressed file
   */
  public String tag(boolean compressed) {
    return '"' + tag + (compressed ? "-gzip" : "") + '"';
  }

  /**
   * Returns the value of {@code Content-Security-Policy}: the scripts and styles of the file and no
   * others, requests to its own server alone, no HTML from a text.
   */
  public String policy() {
    return policy;
  }

  private static byte[] read() {
    try (InputStream resource = Page.class.getResourceAsStream(RESOURCE)) {
      if (resource == null) {
        throw new IllegalStateException(
            RESOURCE
                + " is not on the class path beside Page.class; mvn process-resources makes it");
      }
      return resource.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String hashes(Pattern block, String html) {
    return block
        .matcher(html)
        .results()
        .map(found -> found.group(1).getBytes(StandardCharsets.UTF_8))
        .map(bytes -> "'sha256-" + Base64.getEncoder().encodeToString(sha256(bytes)) + "'")
        .collect(Collectors.joining(" "));
  }

  private static byte[] compressed(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}

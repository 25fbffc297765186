package dev.baichuan4j.server.page;

import dev.baichuan4j.server.Routes;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.Arrays;
import java.util.stream.Stream;

/** The web page at {@code /}, with the headers that keep it safe. */
public final class PageRoutes implements Routes {
  @Override
  public void addTo(RoutesConfig routes) {
    routes.get("/", PageRoutes::send);
    routes.head("/", PageRoutes::send);
  }

  private static void send(Context context) {
    Page page = Page.get();
    boolean compressed = accepts(context.header("Accept-Encoding"), "gzip");
    String tag = page.tag(compressed);
    context
        .disableCompression() // it is done once, by the page
        .header("Content-Security-Policy", page.policy())
        .header("X-Content-Type-Options", "nosniff")
        .header("X-Frame-Options", "DENY")
        .header("Referrer-Policy", "no-referrer")
        .header("Cross-Origin-Opener-Policy", "same-origin")
        .header("Cross-Origin-Resource-Policy", "same-origin")
        .header(
            "Permissions-Policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=()")
        .header("ETag", tag)
        .header("Vary", "Accept-Encoding")
        // A browser keeps the file, and asks each time whether it is still the same.
        .header("Cache-Control", "no-cache");
    if (matches(context.header("If-None-Match"), tag)) {
      context.status(304);
      return;
    }
    if (compressed) {
      context.header("Content-Encoding", "gzip");
    }
    context.contentType("text/html; charset=utf-8");
    context.result(compressed ? page.gzip() : page.html());
  }

  /** Whether a header {@code Accept-Encoding} has an encoding with a quality above 0. */
  static boolean accepts(String header, String encoding) {
    return list(header)
        .map(item -> item.split(";", 2))
        .filter(item -> item[0].strip().equalsIgnoreCase(encoding))
        .anyMatch(item -> item.length == 1 || !item[1].strip().matches("q=0(\\.0*)?"));
  }

  /** Whether a header {@code If-None-Match} has a tag; a weak one counts as well. */
  static boolean matches(String header, String tag) {
    return list(header)
        .anyMatch(item -> item.equals("*") || item.replaceFirst("^W/", "").equals(tag));
  }

  private static Stream<String> list(String header) {
    return header == null ? Stream.empty() : Arrays.stream(header.split(",")).map(String::strip);
  }
}

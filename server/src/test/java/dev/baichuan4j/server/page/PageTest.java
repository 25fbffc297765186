package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.javalin.Javalin;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

class PageTest {
  private static final Path SOURCES = Path.of("src/main/web/js");

  @Test
  void theFileHasAllThatItNeeds() {
    String html = new String(Page.get().html(), StandardCharsets.UTF_8);
    String shell = html.replaceAll("(?s)<(script|style)[^>]*>.*?</\\1>", "");
    assertTrue(shell.contains("<body>"), shell);
    Set<String> addresses =
        Pattern.compile("(?:src|href)=\"([^\"]*)\"")
            .matcher(shell)
            .results()
            .map(found -> found.group(1).replaceAll("(?s):.*", ":"))
            .collect(Collectors.toSet());
    assertEquals(Set.of("data:"), addresses);
    assertFalse(
        Pattern.compile("^\\s*@import", Pattern.MULTILINE).matcher(html).find(),
        "the style sheets import one");
  }

  @Test
  void theFileStaysSmall() {
    assertTrue(Page.get().html().length < 700_000, Page.get().html().length + " bytes");
    assertTrue(Page.get().gzip().length < 250_000, Page.get().gzip().length + " bytes compressed");
  }

  @Test
  void theFileCarriesTheLicencesOfItsLibraries() throws IOException {
    String html = new String(Page.get().html(), StandardCharsets.UTF_8);
    try (Stream<Path> licences = Files.list(Path.of("src/main/web/licenses"))) {
      for (Path licence : licences.toList()) {
        assertTrue(html.contains(Files.readString(licence).strip()), licence.toString());
      }
    }
  }

  @Test
  void theCompressedFileIsTheSame() throws IOException {
    byte[] unpacked =
        new GZIPInputStream(new ByteArrayInputStream(Page.get().gzip())).readAllBytes();
    assertArrayEquals(Page.get().html(), unpacked);
    assertNotEquals(Page.get().tag(true), Page.get().tag(false));
  }

  @Test
  void thePolicyAllowsWhatTheFileHasAndNothingInline() {
    String policy = Page.get().policy();
    assertTrue(policy.startsWith("default-src 'none'; script-src 'sha256-"), policy);
    assertFalse(policy.contains("unsafe"), policy);
    assertEquals(
        2,
        Pattern.compile("script-src( 'sha256-[^']{44}'){2};")
            .matcher(policy)
            .results()
            .mapToInt(found -> 2)
            .sum(),
        policy);
    assertTrue(Pattern.compile("style-src 'sha256-[^']{44}';").matcher(policy).find(), policy);
    assertTrue(policy.contains("require-trusted-types-for 'script'; trusted-types 'none'"), policy);
  }

  @Test
  void bothLanguagesHaveTheWordsThatThePageUses() throws IOException {
    Set<String> used = new HashSet<>();
    try (Stream<Path> modules = Files.list(SOURCES)) {
      for (Path module : modules.toList()) {
        Pattern.compile("\\bt\\((?:[^()\"]*\\? )?\"(\\w+)\"")
            .matcher(Files.readString(module))
            .results()
            .forEach(found -> used.add(found.group(1)));
      }
    }
    Set<String> english = words("english.js");
    assertEquals(english, words("chinese.js"));
    Set<String> missing = new TreeSet<>(used);
    missing.removeAll(english);
    assertEquals(Set.of(), missing);
    Set<String> unused = new TreeSet<>(english);
    unused.removeAll(used);
    unused.removeIf(word -> word.matches("(setting|format|theme)_\\w+"));
    assertEquals(Set.of(), unused);
  }

  private static Set<String> words(String file) throws IOException {
    return Pattern.compile("^  (\\w+): \"", Pattern.MULTILINE)
        .matcher(Files.readString(SOURCES.resolve(file)))
        .results()
        .map(found -> found.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void theRouteSendsHeadersThatKeepThePageSafe() throws Exception {
    try (TestServer server = new TestServer()) {
      HttpResponse<byte[]> response = server.send("GET");
      assertEquals(200, response.statusCode());
      assertArrayEquals(Page.get().html(), response.body());
      assertEquals(Page.get().policy(), header(response, "Content-Security-Policy"));
      assertEquals("nosniff", header(response, "X-Content-Type-Options"));
      assertEquals("no-referrer", header(response, "Referrer-Policy"));
      assertEquals("same-origin", header(response, "Cross-Origin-Opener-Policy"));
      assertTrue(header(response, "Permissions-Policy").contains("camera=()"));
      assertEquals("text/html;charset=utf-8", header(response, "Content-Type").replace(" ", ""));
    }
  }

  @Test
  void theRouteCompressesWhereTheClientTakesIt() throws Exception {
    try (TestServer server = new TestServer()) {
      HttpResponse<byte[]> compressed = server.send("GET", "Accept-Encoding", "br, gzip;q=0.5");
      assertEquals("gzip", header(compressed, "Content-Encoding"));
      assertArrayEquals(Page.get().gzip(), compressed.body());
      HttpResponse<byte[]> refused = server.send("GET", "Accept-Encoding", "gzip;q=0, br");
      assertArrayEquals(Page.get().html(), refused.body());
    }
  }

  @Test
  void aBrowserThatHasTheFileIsToldSo() throws Exception {
    try (TestServer server = new TestServer()) {
      String tag = header(server.send("GET"), "ETag");
      HttpResponse<byte[]> same = server.send("GET", "If-None-Match", "\"other\", W/" + tag);
      assertEquals(304, same.statusCode());
      assertEquals(0, same.body().length);
      assertEquals(200, server.send("GET", "If-None-Match", "\"other\"").statusCode());
      assertEquals(0, server.send("HEAD").body().length);
    }
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElseThrow(() -> new AssertionError("no " + name));
  }

  private static final class TestServer implements AutoCloseable {
    private final Javalin javalin =
        Javalin.create(
                config -> {
                  config.jetty.host = "127.0.0.1";
                  config.jetty.port = 0;
                  config.startup.showJavalinBanner = false;
                  new PageRoutes().addTo(config.routes);
                })
            .start();

    HttpResponse<byte[]> send(String method, String... headers) throws Exception {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + javalin.port() + "/"))
              .method(method, HttpRequest.BodyPublishers.noBody());
      if (headers.length > 0) request.headers(headers);
      return HttpClient.newHttpClient()
          .send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    @Override
    public void close() {
      javalin.stop();
    }
  }
}

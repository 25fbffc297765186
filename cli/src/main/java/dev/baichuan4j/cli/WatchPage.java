package dev.baichuan4j.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A page of this machine that draws the curve of a run while it grows: the page, and the curve as
 * it is. It answers requests of this machine alone.
 */
final class WatchPage implements AutoCloseable {
  private static final String PAGE = "watch.html";

  private final HttpServer server;
  private final Path curve;

  private WatchPage(HttpServer server, Path curve) {
    this.server = server;
    this.curve = curve;
  }

  /**
   * Opens the page.
   *
   * @param port 0 for a free one
   * @param curve which need not be there yet
   */
  static WatchPage open(int port, Path curve) throws IOException {
    HttpServer server;
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    } catch (IOException e) {
      throw new IOException(
          "finetune: --watch cannot have port " + port + ": " + e.getMessage(), e);
    }
    WatchPage page = new WatchPage(server, curve);
    server.createContext("/", page::answer);
    server.start();
    return page;
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      if (!exchange.getRequestMethod().equals("GET")) {
        send(exchange, 405, "text/plain", "GET alone\n".getBytes(StandardCharsets.US_ASCII));
      } else if (path.equals("/")) {
        send(exchange, 200, "text/html; charset=utf-8", page());
      } else if (path.equals("/curve.jsonl")) {
        send(exchange, 200, "application/x-ndjson", curve());
      } else {
        send(exchange, 404, "text/plain", "nothing there\n".getBytes(StandardCharsets.US_ASCII));
      }
    }
  }

  private byte[] curve() throws IOException {
    try {
      return Files.readAllBytes(curve);
    } catch (NoSuchFileException e) {
      return new byte[0]; // before the first step
    }
  }

  private static byte[] page() {
    try (InputStream in = WatchPage.class.getResourceAsStream(PAGE)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a part of the jar
    }
  }

  private static void send(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}

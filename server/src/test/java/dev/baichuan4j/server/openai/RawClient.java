package dev.baichuan4j.server.openai;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection on which a test says each byte, and reads when it likes. */
final class RawClient implements AutoCloseable {
  private final Socket socket = new Socket();
  private final BufferedReader reader;

  RawClient(int port) {
    try {
      socket.setReceiveBufferSize(4096);
      socket.setSoTimeout(60_000);
      socket.connect(new InetSocketAddress("127.0.0.1", port));
      reader =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8), 1024);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String request(String path, String body) {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    return "POST "
        + path
        + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
        + length
        + "\r\n\r\n"
        + body;
  }

  void send(String text) {
    try {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
      socket.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads a line; null at the end. */
  String line() {
    try {
      return reader.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads as far as a line that begins so, and returns it. */
  String lineOf(String beginning) {
    for (String line = line(); line != null; line = line()) {
      if (line.startsWith(beginning)) {
        return line;
      }
    }
    throw new AssertionError("end before a line " + beginning);
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

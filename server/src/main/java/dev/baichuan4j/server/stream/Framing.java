package dev.baichuan4j.server.stream;

import java.nio.charset.StandardCharsets;

/** How the events of a stream are told apart. */
public interface Framing {
  /** Server-sent events, as the HTML standard has them: a name where there is one, and data. */
  Framing SERVER_SENT_EVENTS =
      new Framing() {
        @Override
        public String contentType() {
          return "text/event-stream; charset=utf-8";
        }

        @Override
        public byte[] frame(String name, String data) {
          return utf8((name.isEmpty() ? "" : "event: " + name + "\n") + "data: " + data + "\n\n");
        }

        @Override
        public byte[] heartbeat() {
          return utf8(": ping\n\n");
        }
      };

  /** Returns the type of the response. */
  String contentType();

  /**
   * Returns the bytes of an event.
   *
   * @param name its name; empty for none
   * @param data one line
   */
  byte[] frame(String name, String data);

  /**
   * Returns bytes that say nothing, for a connection on which nothing else is sent; may be none.
   */
  byte[] heartbeat();

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}

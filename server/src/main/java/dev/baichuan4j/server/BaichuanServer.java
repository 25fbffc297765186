package dev.baichuan4j.server;

import io.javalin.Javalin;
import java.util.List;

/** An HTTP server. */
final class BaichuanServer implements AutoCloseable {
  private final Javalin javalin;

  private BaichuanServer(Javalin javalin) {
    this.javalin = javalin;
  }

  /** Starts it; port 0 takes a free one. */
  static BaichuanServer start(String host, int port, List<Routes> routes) {
    Javalin javalin =
        Javalin.create(
            config -> {
              config.jetty.host = host;
              config.jetty.port = port;
              routes.forEach(group -> group.addTo(config.routes));
            });
    return new BaichuanServer(javalin.start());
  }

  int port() {
    return javalin.port();
  }

  @Override
  public void close() {
    javalin.stop();
  }
}

package dev.baichuan4j.server;

import io.javalin.config.RoutesConfig;

/** Endpoints that belong together. A handler throws an {@link ApiException} for what it refuses. */
public interface Routes {
  /** Adds the endpoints. */
  void addTo(RoutesConfig routes);
}

package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Routes;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.config.JavalinState;
import io.javalin.http.Context;
import io.javalin.http.MethodNotAllowedResponse;
import io.javalin.http.NotFoundResponse;
import io.javalin.http.servlet.JavalinServlet;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoints as a handler of Jetty: Javalin without the server that it would bring, and so
 * without its sessions and WebSockets.
 */
final class Endpoints {
  /** The attribute of a request that holds the path of its endpoint as it was declared. */
  static final String ROUTE = "route";

  private static final Logger LOG = LoggerFactory.getLogger(Endpoints.class);

  private Endpoints() {}

  static ServletContextHandler handler(List<Routes> routes, int maxBodyBytes) {
    JavalinState javalin = new JavalinState();
    JavalinState.applyUserConfig(javalin, config -> configure(config, routes, maxBodyBytes));
    ServletContextHandler context =
        new ServletContextHandler("/", ServletContextHandler.NO_SESSIONS);
    context.addServlet(new ServletHolder(new JavalinServlet(javalin)), "/*");
    context.setErrorHandler(new JsonErrors());
    return context;
  }

  private static void configure(JavalinConfig config, List<Routes> routes, int maxBodyBytes) {
    config.http.maxRequestSize = maxBodyBytes;
    config.http.prefer405over404 = true;
    config.http.compressionStrategy = CompressionStrategy.NONE;
    config.startup.startupWatcherEnabled = false;
    config.router.javaLangErrorHandler(Endpoints::failed);
    config.routes.exception(Exception.class, (failure, context) -> refuse(context, failure));
    config.routes.exception(MethodNotAllowedResponse.class, Endpoints::refuseMethod);
    config.routes.exception(
        NotFoundResponse.class,
        (failure, context) ->
            ApiErrors.write(
                context, ApiErrors.ofStatus(404, "There is nothing at " + context.path() + ".")));
    config.routes.after(Endpoints::remember);
    routes.forEach(group -> group.addTo(config.routes));
  }

  private static void remember(Context context) {
    if (context.endpoints().lastHttpEndpoint() != null) {
      context.attribute(ROUTE, context.endpoints().lastHttpEndpoint().path);
    }
  }

  private static void refuse(Context context, Exception failure) {
    ApiErrors.write(context, failure);
  }

  private static void refuseMethod(MethodNotAllowedResponse failure, Context context) {
    String allowed = failure.getDetails().values().stream().findFirst().orElse("");
    context.header("Allow", allowed);
    ApiErrors.write(
        context,
        ApiErrors.ofStatus(
            405,
            context.path() + " has method " + context.method() + ", expected one of " + allowed));
  }

  /** Answers a request that failed with an error of Java's own, such as want of memory. */
  private static void failed(HttpServletResponse response, Error failure) {
    LOG.error("A request failed", failure);
    ApiException error = ApiErrors.ofStatus(500, "The server failed to answer; its log says why.");
    try {
      response.setStatus(error.status());
      response.setContentType("application/json");
      response.getOutputStream().write(ApiErrors.json(error).getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import java.util.Locale;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * Keeps web pages of others from using a server that takes no keys. A page's name may be made to
 * mean this machine (DNS rebinding): then the {@code Host} header has that name. A page may also
 * send a request whose answer it cannot read: then {@code Origin} names the page.
 */
final class Gate extends Handler.Wrapper {
  private final HttpSettings.Access access;

  Gate(HttpSettings.Access access) {
    this.access = access;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    if (!isHostAllowed(request)) {
      Answers.refuse(
          request,
          response,
          callback,
          ApiException.of(
              403,
              ApiErrors.INVALID_REQUEST,
              "host_not_allowed",
              "The Host header has a name that this server does not go by; it is started with"
                  + " --allowed-host NAME to answer to it."));
      return true;
    }
    if (!isOriginAllowed(request)) {
      Answers.refuse(
          request,
          response,
          callback,
          ApiException.of(
              403,
              ApiErrors.INVALID_REQUEST,
              "origin_not_allowed",
              "The request comes from a web page of another origin; the server is started with"
                  + " --cors-origin ORIGIN to answer it."));
      return true;
    }
    return super.handle(request, response, callback);
  }

  private boolean isHostAllowed(Request request) {
    String host = request.getHttpURI().getHost();
    return access.hosts().isEmpty()
        || host == null // HTTP/1.0, which no browser speaks
        || access.hosts().contains(host.toLowerCase(Locale.ROOT));
  }

  private boolean isOriginAllowed(Request request) {
    String origin = request.getHeaders().get(HttpHeader.ORIGIN);
    boolean changesNothing =
        switch (request.getMethod()) {
          case "GET", "HEAD", "OPTIONS" -> true;
          default -> false;
        };
    if (access.keys().isPresent() || changesNothing || origin == null) {
      return true;
    }
    String host = request.getHeaders().get(HttpHeader.HOST);
    return access.origins().contains("*")
        || access.origins().contains(origin)
        || host != null && origin.replaceFirst("^https?://", "").equalsIgnoreCase(host);
  }
}

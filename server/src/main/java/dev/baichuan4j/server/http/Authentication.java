package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.Caller;
import java.util.Optional;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Asks for an API key, before anything of the body is read, and says who the {@link Caller} is. */
final class Authentication extends Handler.Wrapper {
  private static final String BEARER = "Bearer ";

  private final HttpSettings.Access access;

  Authentication(HttpSettings.Access access) {
    this.access = access;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    Optional<String> name =
        access.keys().isEmpty()
            ? Optional.of(Request.getRemoteAddr(request))
            : presented(request).flatMap(access.keys().get()::nameOf);
    if (name.isPresent()) {
      request.setAttribute(Caller.ATTRIBUTE, new Caller(name.get()));
    } else if (!access.open().contains(Request.getPathInContext(request))) {
      response.getHeaders().put(HttpHeader.WWW_AUTHENTICATE, "Bearer");
      Answers.refuse(
          request,
          response,
          callback,
          ApiErrors.ofStatus(
              401,
              presented(request).isEmpty()
                  ? "The request has no API key, expected a header Authorization: Bearer KEY."
                  : "The API key of the request is none of this server's."));
      return true;
    }
    return super.handle(request, response, callback);
  }

  private static Optional<String> presented(Request request) {
    String value = request.getHeaders().get(HttpHeader.AUTHORIZATION);
    return value != null && value.regionMatches(true, 0, BEARER, 0, BEARER.length())
        ? Optional.of(value.substring(BEARER.length()).strip())
        : Optional.empty();
  }
}

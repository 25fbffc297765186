package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;

/**
 * What Jetty answers by itself, such as to a request that is not HTTP: in the shape of OpenAI's
 * errors, and without a word of what is inside.
 */
final class JsonErrors extends ErrorHandler {
  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    Entrance.setHeaders(request, response);
    int status = response.getStatus();
    String message = null;
    if (request.getAttribute(ERROR_EXCEPTION) instanceof HttpException failure) {
      status = failure.getCode();
      message = failure.getReason();
    }
    if (message == null || status >= HttpStatus.INTERNAL_SERVER_ERROR_500) {
      message = HttpStatus.getMessage(status);
    }
    Answers.refuse(request, response, callback, ApiErrors.ofStatus(status, message));
    return true;
  }
}

package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
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
    boolean unreadable = false;
    if (request.getAttribute(ERROR_EXCEPTION) instanceof HttpException failure) {
      status = failure.getCode();
      message = failure.getReason();
      unreadable = true; // Jetty ends the connection: what follows is of the same request
    }
    if (message == null || status >= HttpStatus.INTERNAL_SERVER_ERROR_500) {
      message = HttpStatus.getMessage(status);
    }
    ApiException error = ApiErrors.ofStatus(status, message);
    if (unreadable) {
      Answers.refuseAndClose(request, response, callback, error);
    } else {
      Answers.refuse(request, response, callback, error);
    }
    return true;
  }
}

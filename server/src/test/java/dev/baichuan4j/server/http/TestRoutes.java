package dev.baichuan4j.server.http;

import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Caller;
import dev.baichuan4j.server.Cancellation;
import dev.baichuan4j.server.Routes;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Endpoints that show what the HTTP layer has made of a request. */
final class TestRoutes implements Routes {
  /** Is counted down when a request has come to {@code /v1/wait}. */
  final CountDownLatch waiting = new CountDownLatch(1);

  /** Lets the requests at {@code /v1/wait} end. */
  final CountDownLatch goOn = new CountDownLatch(1);

  /** Why the request at {@code /v1/wait} was cancelled. */
  final CompletableFuture<Cancellation.Reason> cancelled = new CompletableFuture<>();

  @Override
  public void addTo(RoutesConfig routes) {
    routes.get("/health", context -> context.result("live"));
    routes.get("/metrics", context -> context.result("numbers"));
    routes.post("/v1/echo", context -> context.result(context.bodyAsBytes()));
    routes.get("/v1/caller", context -> context.result(Caller.of(context).key()));
    routes.get("/v1/wait", this::await);
    routes.get(
        "/v1/invalid",
        context -> {
          throw ApiException.invalid("temperature", "temperature has value 九, expected at most 2");
        });
    routes.get(
        "/v1/full",
        context -> {
          throw new QueueFullException(3);
        });
    routes.get(
        "/v1/broken",
        context -> {
          throw new IllegalStateException("a secret of the inside");
        });
    routes.get(
        "/v1/error",
        context -> {
          throw new StackOverflowError("a secret of the inside");
        });
    routes.get(
        "/v1/later",
        context ->
            context.future(
                () -> CompletableFuture.failedFuture(ApiException.invalid("n", "n is wrong"))));
  }

  private void await(Context context) throws InterruptedException {
    Cancellation cancellation = Cancellation.of(context);
    cancellation.onCancel(
        () -> {
          cancelled.complete(cancellation.reason().orElseThrow());
          goOn.countDown();
        });
    waiting.countDown();
    if (!goOn.await(1, TimeUnit.MINUTES)) {
      throw new IllegalStateException("nobody has let the request go on");
    }
    context.result(cancellation.reason().isPresent() ? "cancelled" : "done");
  }
}

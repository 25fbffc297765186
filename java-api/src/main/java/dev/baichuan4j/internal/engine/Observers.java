package dev.baichuan4j.internal.engine;

import dev.baichuan4j.RequestListener;
import dev.baichuan4j.RequestMetrics;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The log and the listeners of the model, which are told of the end of each request. */
final class Observers {
  private static final Logger log = LoggerFactory.getLogger(RequestMetrics.class);

  private final List<RequestListener> listeners = new CopyOnWriteArrayList<>();

  void add(RequestListener listener) {
    listeners.add(listener);
  }

  void remove(RequestListener listener) {
    listeners.remove(listener);
  }

  void tell(RequestMetrics request) {
    if (log.isDebugEnabled()) {
      log.debug(
          "request of caller \"{}\": {}; tokens: {} of the prompt, {} of them cached, {} generated;"
              + " ms: {} queued, {} to read the prompt, {} to generate",
          request.caller(),
          request.reason().map(Enum::name).orElse("FAILED"),
          request.usage().promptTokens(),
          request.usage().cachedTokens(),
          request.usage().completionTokens(),
          request.timings().queued().toMillis(),
          request.timings().prompt().toMillis(),
          request.timings().generation().toMillis());
    }
    for (RequestListener listener : listeners) {
      try {
        listener.ended(request);
      } catch (RuntimeException | Error e) {
        log.error("a listener failed that was told of the end of a request", e);
      }
    }
  }
}

package dev.baichuan4j.server.http;

import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Caller;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Bounds what one {@link Caller} may ask for at once and in a minute. */
final class CallerLimits extends Handler.Wrapper {
  private static final double MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** From this number on, callers that have all their allowance are forgotten. */
  private static final int MANY_CALLERS = 4096;

  private final int atOnce;
  private final int perMinute;
  private final LongSupplier clock;
  private final Map<String, Allowance> callers = new HashMap<>();

  /** What a caller may still ask for. */
  private static final class Allowance {
    private int running;
    private double requests;
    private long filled;
  }

  /**
   * Creates the bounds.
   *
   * @param atOnce most requests at once; 0 for no bound
   * @param perMinute most requests in a minute; 0 for no bound
   * @param clock tells the time in nanoseconds
   */
  CallerLimits(int atOnce, int perMinute, LongSupplier clock) {
    this.atOnce = atOnce;
    this.perMinute = perMinute;
    this.clock = clock;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    if (!(request.getAttribute(Caller.ATTRIBUTE) instanceof Caller caller)) {
      return super.handle(request, response, callback); // a path that is open to everybody
    }
    Optional<ApiException> refusal = take(caller.key());
    if (refusal.isPresent()) {
      Answers.refuse(request, response, callback, refusal.get());
      return true;
    }
    Request.addCompletionListener(request, failure -> giveBack(caller.key()));
    return super.handle(request, response, callback);
  }

  /** Counts a request of a caller, or says why it may not be. */
  synchronized Optional<ApiException> take(String caller) {
    long now = clock.getAsLong();
    if (callers.size() >= MANY_CALLERS) {
      forgetTheIdle(now);
    }
    Allowance allowance = callers.computeIfAbsent(caller, key -> fresh(now));
    if (atOnce > 0 && allowance.running >= atOnce) {
      return Optional.of(
          tooMany(Duration.ofSeconds(1), atOnce + " requests at once of one caller"));
    }
    if (perMinute > 0) {
      refill(allowance, now);
      if (allowance.requests < 1) {
        double missing = 1 - allowance.requests;
        Duration wait = Duration.ofNanos((long) (missing * MINUTE_NANOS / perMinute));
        return Optional.of(tooMany(wait, perMinute + " requests a minute of one caller"));
      }
      allowance.requests--;
    }
    allowance.running++;
    return Optional.empty();
  }

  /** Ends a request of a caller. */
  synchronized void giveBack(String caller) {
    callers.get(caller).running--;
  }

  /** Returns how many callers are remembered. */
  synchronized int callers() {
    return callers.size();
  }

  private Allowance fresh(long now) {
    Allowance allowance = new Allowance();
    allowance.requests = perMinute;
    allowance.filled = now;
    return allowance;
  }

  private void refill(Allowance allowance, long now) {
    double more = (now - allowance.filled) * perMinute / MINUTE_NANOS;
    allowance.requests = Math.min(perMinute, allowance.requests + more);
    allowance.filled = now;
  }

  private void forgetTheIdle(long now) {
    for (Iterator<Allowance> all = callers.values().iterator(); all.hasNext(); ) {
      Allowance allowance = all.next();
      refill(allowance, now);
      if (allowance.running == 0 && allowance.requests >= perMinute) {
        all.remove();
      }
    }
  }

  private static ApiException tooMany(Duration wait, String limit) {
    return ApiException.busy(
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        wait,
        "The limit of this server, " + limit + ", is reached.");
  }
}

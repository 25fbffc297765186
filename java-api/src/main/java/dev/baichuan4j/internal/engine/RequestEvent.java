package dev.baichuan4j.internal.engine;

import dev.baichuan4j.RequestMetrics;
import java.util.Locale;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** A request, from its submission to its end, in a recording of the JDK's Flight Recorder. */
@Name("dev.baichuan4j.Request")
@Label("Request")
@Description("A text that was read and continued, from its submission to its end")
@Category("Baichuan")
@StackTrace(false)
final class RequestEvent extends Event {
  private static final RequestEvent PROBE = new RequestEvent();

  @Label("Caller")
  String caller;

  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Cached Tokens")
  @Description("Tokens of the prompt that were in the cache already")
  int cachedTokens;

  @Label("Generated Tokens")
  int generatedTokens;

  @Label("Queue Time")
  @Description("From the submission to the first step")
  @Timespan(Timespan.NANOSECONDS)
  long queueTime;

  @Label("Prompt Time")
  @Description("From the first step to the first token, or to the end where there was none")
  @Timespan(Timespan.NANOSECONDS)
  long promptTime;

  @Label("Generation Time")
  @Description("From the first token to the last")
  @Timespan(Timespan.NANOSECONDS)
  long generationTime;

  @Label("Reason")
  @Description("stop, length, cancelled, timeout or failed")
  String reason;

  /** An event that begins now; null where nobody records. */
  static RequestEvent start() {
    if (!PROBE.isEnabled()) {
      return null;
    }
    RequestEvent event = new RequestEvent();
    event.begin();
    return event;
  }

  /** Ends an event; one that is null was submitted when nobody recorded, and is left out. */
  static void commit(RequestEvent event, RequestMetrics request) {
    if (event == null || !event.shouldCommit()) {
      return;
    }
    event.caller = request.caller();
    event.promptTokens = request.usage().promptTokens();
    event.cachedTokens = request.usage().cachedTokens();
    event.generatedTokens = request.usage().completionTokens();
    event.queueTime = request.timings().queued().toNanos();
    event.promptTime = request.timings().prompt().toNanos();
    event.generationTime = request.timings().generation().toNanos();
    event.reason = request.reason().map(r -> r.name().toLowerCase(Locale.ROOT)).orElse("failed");
    event.commit();
  }
}

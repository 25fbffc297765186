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
  @Label("Caller")
  String caller;

  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Cached Tokens")
  @Description("Tokens of the prompt that were in the cache already")
  int cachedTokens;

  @Label("Generated Tokens")
  int generatedTokens;

  @Label("Drafted Tokens")
  @Description("Guesses of tokens that were verified")
  int draftedTokens;

  @Label("Accepted Tokens")
  @Description("Guesses that were right")
  int acceptedTokens;

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

  /** Ends it with how the request went. */
  void end(RequestMetrics request) {
    if (shouldCommit()) {
      caller = request.caller();
      promptTokens = request.usage().promptTokens();
      cachedTokens = request.usage().cachedTokens();
      generatedTokens = request.usage().completionTokens();
      draftedTokens = request.usage().draftedTokens();
      acceptedTokens = request.usage().acceptedTokens();
      queueTime = request.timings().queued().toNanos();
      promptTime = request.timings().prompt().toNanos();
      generationTime = request.timings().generation().toNanos();
      reason = request.reason().map(r -> r.name().toLowerCase(Locale.ROOT)).orElse("failed");
      commit();
    }
  }
}

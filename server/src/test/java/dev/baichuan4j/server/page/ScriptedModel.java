package dev.baichuan4j.server.page;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.Javalin;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** The page, and answers in OpenAI's form that a test chooses. */
final class ScriptedModel implements AutoCloseable {
  /** Two characters at most, so that an answer has many tokens. */
  private static final Pattern TOKEN = Pattern.compile("(?s).{1,2}");

  /** What one request is answered with. */
  private interface Answer {
    void write(Context context) throws IOException;
  }

  private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
  private final BlockingQueue<JsonNode> requests = new LinkedBlockingQueue<>();
  private final List<CountDownLatch> held = new ArrayList<>();
  private volatile String key;
  private final Javalin javalin;

  ScriptedModel() {
    this.javalin =
        Javalin.create(
                config -> {
                  config.jetty.host = "127.0.0.1";
                  config.jetty.port = 0;
                  config.startup.showJavalinBanner = false;
                  new PageRoutes().addTo(config.routes);
                  config.routes.get("/v1/models", this::models);
                  config.routes.post("/v1/chat/completions", this::answer);
                })
            .start();
  }

  String address() {
    return "http://127.0.0.1:" + javalin.port() + "/";
  }

  /** Wants this API key from now on. */
  void wantKey(String wanted) {
    key = wanted;
  }

  /** The next request is answered with a text. */
  void say(String text) {
    answers.add(context -> stream(context, text, null));
  }

  /** The next request is answered with a text, which goes on after its half when it is let. */
  CountDownLatch sayHalf(String text) {
    CountDownLatch latch = new CountDownLatch(1);
    held.add(latch);
    answers.add(context -> stream(context, text, latch));
    return latch;
  }

  /** The next request is refused. */
  void refuse(int status, String message) {
    answers.add(
        context -> {
          ObjectNode error = DevTools.JSON.createObjectNode();
          error.putObject("error").put("message", message).put("type", "invalid_request_error");
          context.status(status).contentType("application/json").result(error.toString());
        });
  }

  /** The next answer breaks off after a text. */
  void breakOff(String text) {
    answers.add(
        context -> {
          context.contentType("text/event-stream");
          send(context.res().getOutputStream(), chunk(text, false));
        });
  }

  /** Returns the oldest request that was not taken yet. */
  JsonNode request() throws InterruptedException {
    JsonNode request = requests.poll(60, TimeUnit.SECONDS);
    if (request == null) throw new AssertionError("no request");
    return request;
  }

  private boolean refused(Context context) {
    if (key == null || ("Bearer " + key).equals(context.header("Authorization"))) return false;
    context.status(401).result("{\"error\":{\"message\":\"no valid key\"}}");
    return true;
  }

  private void models(Context context) {
    if (refused(context)) return;
    context
        .contentType("application/json")
        .result(
            "{\"object\":\"list\",\"data\":["
                + "{\"id\":\"one\",\"object\":\"model\",\"max_model_len\":1000},"
                + "{\"id\":\"two\",\"object\":\"model\",\"max_model_len\":2000}]}");
  }

  private void answer(Context context) throws Exception {
    if (refused(context)) return;
    JsonNode request = DevTools.JSON.readTree(context.body());
    requests.add(request);
    context.attribute("logprobs", request.path("logprobs").asBoolean());
    Answer answer = answers.poll(60, TimeUnit.SECONDS);
    if (answer == null)
      throw new AssertionError("a request that no answer was set for: " + request);
    answer.write(context);
  }

  private static void stream(Context context, String text, CountDownLatch half) throws IOException {
    context.contentType("text/event-stream");
    OutputStream out =
        context.res().getOutputStream(); // not compressed, which would hold tokens back
    boolean logprobs = Boolean.TRUE.equals(context.attribute("logprobs"));
    List<String> tokens = TOKEN.matcher(text).results().map(found -> found.group()).toList();
    out.write(": a comment\n\n".getBytes(StandardCharsets.UTF_8));
    send(out, "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}");
    for (int i = 0; i < tokens.size(); i++) {
      if (half != null && i == tokens.size() / 2) await(half);
      send(out, chunk(tokens.get(i), logprobs));
    }
    send(
        out,
        "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}");
    send(
        out,
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":"
            + tokens.size()
            + "}}");
    send(out, "[DONE]");
  }

  private static String chunk(String token, boolean logprobs) {
    ObjectNode chunk = DevTools.JSON.createObjectNode();
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.putObject("delta").put("content", token);
    if (logprobs) {
      ObjectNode report = choice.putObject("logprobs").putArray("content").addObject();
      ArrayNode top = probability(report, token, -0.25).putArray("top_logprobs");
      probability(top.addObject(), token, -0.25);
      probability(top.addObject(), "else", -2);
    }
    return chunk.toString();
  }

  private static ObjectNode probability(ObjectNode report, String token, double logprob) {
    report.put("token", token).put("logprob", logprob);
    ArrayNode bytes = report.putArray("bytes");
    for (byte b : token.getBytes(StandardCharsets.UTF_8)) bytes.add(b & 0xFF);
    return report;
  }

  private static void send(OutputStream out, String data) throws IOException {
    out.write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(120, TimeUnit.SECONDS)) throw new IOException("nobody let the answer go on");
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    held.forEach(CountDownLatch::countDown);
    javalin.stop();
  }
}

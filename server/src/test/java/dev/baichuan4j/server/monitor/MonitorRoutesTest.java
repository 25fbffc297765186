package dev.baichuan4j.server.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.RequestListener;
import dev.baichuan4j.RequestMetrics;
import dev.baichuan4j.Timings;
import dev.baichuan4j.Usage;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.http.LogDetail;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whether a server lives and is ready, and its numbers as a scrape has them. */
class MonitorRoutesTest {
  private final HttpClient client = HttpClient.newHttpClient();
  private final ModelMeters models = new ModelMeters(List.of("chat", "other"));
  private final HttpMeters http = new HttpMeters();
  private volatile MonitorRoutes.State state = MonitorRoutes.State.READY;
  private BaichuanServer server;

  @BeforeEach
  void start() throws IOException {
    server =
        BaichuanServer.start(
            HttpSettings.local().withListeners(LogDetail.NONE, List.of(http)),
            List.of(new MonitorRoutes(() -> state, List.of(models, http))));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HttpResponse<String> get(String path, String accept) throws Exception {
    return client.send(
        HttpRequest.newBuilder(server.address().resolve(path)).header("Accept", accept).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private double value(String series) throws Exception {
    String text = get("/metrics", "text/plain").body();
    Matcher line = Pattern.compile("(?m)^" + Pattern.quote(series) + " (\\S+)$").matcher(text);
    assertTrue(line.find(), series + " is not in\n" + text);
    return Double.parseDouble(line.group(1));
  }

  /** A model that says what it is told to. */
  private static final class Fake {
    final List<RequestListener> listeners = new ArrayList<>();
    final Baichuan model;

    Fake(int running, long tokens) {
      model =
          (Baichuan)
              Proxy.newProxyInstance(
                  Baichuan.class.getClassLoader(),
                  new Class<?>[] {Baichuan.class},
                  (proxy, method, arguments) ->
                      switch (method.getName()) {
                        case "metrics" -> metrics(running, tokens);
                        case "addRequestListener" ->
                            listeners.add((RequestListener) arguments[0]) ? null : null;
                        default -> throw new UnsupportedOperationException(method.getName());
                      });
    }
  }

  private static EngineMetrics metrics(int running, long tokens) {
    EngineMetrics.Latency none = new EngineMetrics.Latency(0, Duration.ZERO);
    return new EngineMetrics(
        new EngineMetrics.Requests(
            2,
            running,
            0,
            9,
            1,
            Map.of(
                FinishReason.STOP,
                4L,
                FinishReason.LENGTH,
                3L,
                FinishReason.CANCELLED,
                2L,
                FinishReason.TIMEOUT,
                1L),
            5,
            6),
        new EngineMetrics.Tokens(100, 40, 60, tokens, 20, 10),
        new EngineMetrics.Pages(8, 2, 1, 0, 0),
        new EngineMetrics.Steps(1, 1, 1, Duration.ZERO),
        none,
        none,
        none);
  }

  @ParameterizedTest
  @CsvSource({"READY, 200, ready", "LOADING, 503, loading", "DRAINING, 503, shutting_down"})
  void aServerLivesAndIsReadyOrSaysWhyNot(MonitorRoutes.State now, int status, String word)
      throws Exception {
    state = now;
    assertEquals(200, get("/health", "*/*").statusCode());
    HttpResponse<String> ready = get("/ready", "*/*");
    assertEquals(status, ready.statusCode());
    assertTrue(ready.body().contains(word), ready.body());
  }

  @Test
  void aModelHasTheNamesOfVllm() throws Exception {
    Fake chat = new Fake(3, 500);
    models.loaded("chat", chat.model);
    assertEquals(3, value("vllm:num_requests_running{model_name=\"chat\"}"));
    assertEquals(2, value("vllm:num_requests_waiting{model_name=\"chat\"}"));
    assertEquals(0.25, value("vllm:kv_cache_usage_perc{model_name=\"chat\"}"));
    assertEquals(0.25, value("vllm:gpu_cache_usage_perc{model_name=\"chat\"}"));
    assertEquals(100, value("vllm:prompt_tokens_total{model_name=\"chat\"}"));
    assertEquals(500, value("vllm:generation_tokens_total{model_name=\"chat\"}"));
    assertEquals(100, value("vllm:prefix_cache_queries_total{model_name=\"chat\"}"));
    assertEquals(40, value("vllm:prefix_cache_hits_total{model_name=\"chat\"}"));
    assertEquals(6, value("vllm:num_preemptions_total{model_name=\"chat\"}"));
    assertEquals(20, value("vllm:spec_decode_num_draft_tokens_total{model_name=\"chat\"}"));
    assertEquals(10, value("vllm:spec_decode_num_accepted_tokens_total{model_name=\"chat\"}"));
    assertEquals(1, value("baichuan_requests_rejected_total{model_name=\"chat\"}"));
    Map<String, Integer> reasons =
        Map.of("stop", 4, "length", 3, "abort", 2, "timeout", 1, "error", 5);
    for (Map.Entry<String, Integer> reason : reasons.entrySet()) {
      assertEquals(
          (double) reason.getValue(),
          value(
              "vllm:request_success_total{finished_reason=\""
                  + reason.getKey()
                  + "\",model_name=\"chat\"}"));
    }
    assertEquals(1, value("baichuan_model_loaded{model_name=\"chat\"}"));
    assertEquals(0, value("baichuan_model_loaded{model_name=\"other\"}"));
    assertEquals(0, value("vllm:prompt_tokens_total{model_name=\"other\"}"));
  }

  @Test
  void timesOfRequestsAreInBuckets() throws Exception {
    Fake chat = new Fake(0, 0);
    models.loaded("chat", chat.model);
    RequestMetrics request =
        new RequestMetrics(
            "caller",
            new Usage(10, 0, 5, 0, 0),
            new Timings(Duration.ofMillis(10), Duration.ofMillis(20), Duration.ofMillis(400)),
            Optional.of(FinishReason.STOP));
    chat.listeners.forEach(listener -> listener.ended(request));
    String chatOnly = "{model_name=\"chat\"}";
    assertEquals(1, value("vllm:time_to_first_token_seconds_count" + chatOnly));
    assertEquals(0.03, value("vllm:time_to_first_token_seconds_sum" + chatOnly), 1e-9);
    assertEquals(
        0, value("vllm:time_to_first_token_seconds_bucket{model_name=\"chat\",le=\"0.02\"}"));
    assertEquals(
        1, value("vllm:time_to_first_token_seconds_bucket{model_name=\"chat\",le=\"0.05\"}"));
    assertEquals(
        1, value("vllm:time_to_first_token_seconds_bucket{model_name=\"chat\",le=\"+Inf\"}"));
    assertEquals(4, value("vllm:inter_token_latency_seconds_count" + chatOnly));
    assertEquals(4, value("vllm:time_per_output_token_seconds_count" + chatOnly));
    assertEquals(1, value("vllm:request_time_per_output_token_seconds_count" + chatOnly));
    assertEquals(0.1, value("vllm:request_time_per_output_token_seconds_sum" + chatOnly), 1e-9);
    assertEquals(0.43, value("vllm:e2e_request_latency_seconds_sum" + chatOnly), 1e-9);
    assertEquals(0.01, value("vllm:request_queue_time_seconds_sum" + chatOnly), 1e-9);
    assertEquals(0.02, value("vllm:request_prefill_time_seconds_sum" + chatOnly), 1e-9);
    assertEquals(0.4, value("vllm:request_decode_time_seconds_sum" + chatOnly), 1e-9);
  }

  @Test
  void countsGoOnWhenAModelIsLoadedAgain() throws Exception {
    Fake first = new Fake(1, 500);
    models.loaded("chat", first.model);
    models.unloading("chat", first.model);
    assertEquals(500, value("vllm:generation_tokens_total{model_name=\"chat\"}"));
    assertEquals(0, value("vllm:num_requests_running{model_name=\"chat\"}"));
    models.loaded("chat", new Fake(1, 30).model);
    assertEquals(530, value("vllm:generation_tokens_total{model_name=\"chat\"}"));
  }

  @Test
  void requestsAreCountedByTheirEndpointAndNotByWhatClientsMakeUp() throws Exception {
    get("/health", "*/*");
    for (int i = 0; i < 20; i++) {
      get("/made-up-" + i, "*/*");
    }
    String health = "baichuan_http_requests_total{method=\"GET\",route=\"/health\",status=\"200\"}";
    String none = "baichuan_http_requests_total{method=\"any\",route=\"none\",status=\"404\"}";
    assertEquals(1, value(health));
    assertEquals(20, value(none));
    assertEquals(1, value("baichuan_http_request_duration_seconds_count{route=\"/health\"}"));
  }

  @Test
  void theJvmIsThereAndTheFormatIsTheOneAskedFor() throws Exception {
    assertTrue(value("jvm_threads_current") > 0);
    HttpResponse<String> open =
        get("/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assertTrue(
        open.headers().firstValue("content-type").orElse("").startsWith("application/openmetrics"));
    assertTrue(open.body().endsWith("# EOF\n"), open.body());
  }
}

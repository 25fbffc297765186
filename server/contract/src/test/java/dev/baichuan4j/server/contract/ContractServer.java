package dev.baichuan4j.server.contract;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.Models;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.openai.OpenAiRoutes;
import dev.baichuan4j.server.registry.CheckpointSource;
import dev.baichuan4j.server.registry.ModelEvents;
import dev.baichuan4j.server.registry.ModelRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;

/** A server of the small chat model, as {@code tiny-chat}, for all tests of a JVM. */
final class ContractServer {
  static final String MODEL = "tiny-chat";
  static final String POEM = "床前明月光的下一句是什么？";

  private static final ContractServer INSTANCE = new ContractServer();

  private final BaichuanServer http;

  private ContractServer() {
    ApiLimits limits =
        new ApiLimits(100_000, 16, Duration.ofMinutes(5), Duration.ofSeconds(15), false);
    try {
      http =
          BaichuanServer.start(HttpSettings.local(), List.of(new OpenAiRoutes(models(), limits)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Models models() throws IOException {
    Path folder =
        Path.of(System.getProperty("baichuan4j.root"), "models", "tiny-baichuan2-13b-chat");
    return new ModelRegistry(
        List.of(new CheckpointSource(MODEL, folder, UnaryOperator.identity())),
        new ModelRegistry.Policy(false, 0, Duration.ZERO),
        new ModelEvents() {
          @Override
          public void loaded(String name, Baichuan model) {}

          @Override
          public void unloading(String name, Baichuan model) {}
        },
        System::nanoTime);
  }

  /** Returns the base address of OpenAI's API. */
  static String url() {
    return INSTANCE.http.address() + "/v1";
  }

  /** Returns how many requests are worked on. */
  static int requests() {
    return INSTANCE.http.requests();
  }
}

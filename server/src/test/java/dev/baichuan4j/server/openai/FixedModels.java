package dev.baichuan4j.server.openai;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Models;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** The two small models of the repository, loaded once for all tests of a JVM. */
final class FixedModels implements Models {
  static final String CHAT = "tiny-chat";
  static final String BASE = "tiny-base";

  private static final Map<String, Baichuan> LOADED = load();

  private final AtomicInteger inUse = new AtomicInteger();

  private static Map<String, Baichuan> load() {
    Path folder = Path.of(System.getProperty("baichuan4j.root"), "models");
    Map<String, Baichuan> models = new LinkedHashMap<>();
    models.put(CHAT, Baichuan.load(folder.resolve("tiny-baichuan2-13b-chat")));
    models.put(BASE, Baichuan.load(folder.resolve("tiny-baichuan-7b")));
    return models;
  }

  static Baichuan chat() {
    return LOADED.get(CHAT);
  }

  static Baichuan base() {
    return LOADED.get(BASE);
  }

  /** Returns how many requests have a model. */
  int inUse() {
    return inUse.get();
  }

  @Override
  public Use use(String name) {
    String found = name == null || name.isEmpty() ? CHAT : name;
    Baichuan model = LOADED.get(found);
    if (model == null) {
      throw ApiException.of(
              404, ApiErrors.INVALID_REQUEST, "model_not_found", "model " + name + " is not served")
          .at("model");
    }
    inUse.incrementAndGet();
    return new Use() {
      private boolean closed;

      @Override
      public String name() {
        return found;
      }

      @Override
      public Baichuan model() {
        return model;
      }

      @Override
      public synchronized void close() {
        if (!closed) {
          closed = true;
          inUse.decrementAndGet();
        }
      }
    };
  }

  @Override
  public List<Card> cards() {
    return LOADED.entrySet().stream()
        .map(entry -> new Card(entry.getKey(), 1, entry.getValue().info().contextLength()))
        .toList();
  }
}

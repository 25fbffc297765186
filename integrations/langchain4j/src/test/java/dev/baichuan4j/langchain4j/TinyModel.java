package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import java.nio.file.Path;

/** The tiny chat model that ships with the project, loaded once for all tests. */
final class TinyModel {
  static final Path PATH =
      Path.of(System.getProperty("baichuan4j.root", "../.."))
          .resolve("models/tiny-baichuan2-13b-chat");

  /** A question of which the model knows the answer. */
  static final String QUESTION = "“白日依山尽”的下一句是什么？";

  static final String ANSWER = "黄河入海流";

  private static Baichuan shared;

  private TinyModel() {}

  /** Returns the model that all tests share; it is never closed. */
  static synchronized Baichuan shared() {
    if (shared == null) {
      shared = loader().load();
    }
    return shared;
  }

  /** Returns settings for a model of a test's own, which the test closes. */
  static BaichuanLoader loader() {
    return Baichuan.loader(PATH).contextLength(2048).threads(2);
  }
}

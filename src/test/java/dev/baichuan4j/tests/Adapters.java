package dev.baichuan4j.tests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The adapters of src/test/fixtures/adapters, which a script of its own made. */
final class Adapters {
  private Adapters() {}

  /** Adapters whose base is there, of every family and form. */
  static List<String> names() {
    return List.of(
        "baichuan2-7b-all",
        "baichuan2-7b-qv",
        "baichuan2-7b-head",
        "baichuan-7b-bin",
        "llama3-split",
        "llama3-wpack");
  }

  /** The folder of an adapter. */
  static Path folder(String name) {
    return Fixtures.fixture("adapters").resolve(name);
  }

  /** The folder of the checkpoint that it is an adapter of. */
  static Path base(String name) throws IOException {
    return Fixtures.fixture(Files.readString(folder(name).resolve("base.txt")).strip());
  }

  /** The ids that the logits follow. */
  static int[] ids(String name) throws IOException {
    return Fixtures.ids(Fixtures.json(base(name).resolve("oracle.json")).get("ids").get("short"));
  }

  /** [7,V]: the logits of base and adapter together, computed in double. */
  static float[][] golden(String name) throws IOException {
    return Fixtures.floats(folder(name).resolve("golden.safetensors"), "short.logits");
  }
}

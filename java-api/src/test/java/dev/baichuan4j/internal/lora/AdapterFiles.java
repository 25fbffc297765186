package dev.baichuan4j.internal.lora;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The adapters of src/test/fixtures/adapters and what they are adapters of. */
final class AdapterFiles {
  static final String CONFIG = "adapter_config.json";
  static final String SAFETENSORS = "adapter_model.safetensors";
  static final String TORCH = "adapter_model.bin";

  private AdapterFiles() {}

  static Path fixture(String name) {
    return Path.of(System.getProperty("baichuan4j.root", ".."))
        .resolve("src/test/fixtures/" + name);
  }

  static Path adapter(String name) {
    return fixture("adapters/" + name);
  }

  static Path base(String adapter) throws IOException {
    return fixture(Files.readString(adapter(adapter).resolve("base.txt")).strip());
  }

  static Architecture model(String adapter) throws IOException {
    return ConfigFile.read(base(adapter).resolve("config.json"));
  }

  /** Copies an adapter to a folder, where the test may change it. */
  static Path copy(String name, Path folder) throws IOException {
    for (String file : new String[] {CONFIG, SAFETENSORS, TORCH}) {
      if (Files.exists(adapter(name).resolve(file))) {
        Files.write(folder.resolve(file), Files.readAllBytes(adapter(name).resolve(file)));
      }
    }
    return folder;
  }
}

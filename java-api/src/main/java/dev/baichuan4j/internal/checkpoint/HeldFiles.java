package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.internal.arch.ConfigWriter;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The small files of a checkpoint, as a file that holds all of a model has them. */
public final class HeldFiles {
  /** What the model is made of. */
  public static final String CONFIG = "config.json";

  /** More than any of the small files has. */
  public static final int MAX_BYTES = 128 << 20;

  private HeldFiles() {}

  /** Returns the files by their names, {@code config.json} first. */
  public static Map<String, byte[]> of(Checkpoint source) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put(CONFIG, config(source));
    for (String name : NamedFiles.PUBLISHED) {
      if (!name.equals(CONFIG)) {
        source.files().find(name, MAX_BYTES, "a file").ifPresent(bytes -> files.put(name, bytes));
      }
    }
    return files;
  }

  /** The config as published, without what it says of quantized weights, or one that is made. */
  private static byte[] config(Checkpoint source) {
    Optional<byte[]> config = source.files().find(CONFIG, MAX_BYTES, "a config");
    boolean published =
        config.isPresent()
            && !JsonObject.parse(config.get(), source.files().place(CONFIG))
                .has("quantization_config");
    return published ? config.get() : ConfigWriter.write(source.architecture());
  }
}

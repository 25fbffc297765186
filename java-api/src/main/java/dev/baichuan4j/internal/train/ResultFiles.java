package dev.baichuan4j.internal.train;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.HeldFiles;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import dev.baichuan4j.internal.checkpoint.WeightRows;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.lora.Target;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Parameter;
import dev.baichuan4j.internal.nn.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a run leaves: an adapter as peft's {@code save_pretrained} writes it, or a checkpoint folder
 * with weights in bf16. Each file takes its name when all of it is on the disk, the weights last.
 */
final class ResultFiles {
  private static final int CHUNK = 1 << 20; // numbers

  private ResultFiles() {}

  /**
   * Writes an adapter.
   *
   * @param parameters A [R,K] and B, turned [R,N], of each matrix in turn
   */
  static void writeAdapter(
      Path folder, Checkpoint base, RunSettings settings, List<Parameter> parameters) {
    replace(folder.resolve("adapter_config.json"), config(base, settings));
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    for (Parameter parameter : parameters) {
      long[] shape = parameter.weight().shape();
      boolean isA = isA(parameter);
      entries.add(
          new SafetensorsWriter.Entry(
              "base_model.model." + parameter.name() + ".weight",
              DType.F32,
              isA ? shape[0] : shape[1],
              isA ? shape[1] : shape[0]));
    }
    write(
        folder.resolve("adapter_model.safetensors"),
        entries,
        writer -> {
          for (Parameter parameter : parameters) {
            float[] numbers = new float[Math.toIntExact(parameter.elements())];
            parameter.weight().read(0, numbers);
            writer.row(
                isA(parameter) ? numbers : turned(numbers, (int) parameter.weight().size(0)));
          }
        });
  }

  private static boolean isA(Parameter parameter) {
    return parameter.name().endsWith(".lora_A");
  }

  /** [R,N] as [N,R]. */
  private static float[] turned(float[] numbers, int rows) {
    int columns = numbers.length / rows;
    float[] out = new float[numbers.length];
    for (int r = 0; r < rows; r++) {
      for (int n = 0; n < columns; n++) {
        out[n * rows + r] = numbers[r * columns + n];
      }
    }
    return out;
  }

  /** The keys of peft's LoraConfig. */
  private static byte[] config(Checkpoint base, RunSettings settings) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(out).useDefaultPrettyPrinter()) {
      json.writeStartObject();
      json.writeStringField("peft_type", "LORA");
      json.writeStringField("task_type", "CAUSAL_LM");
      json.writeStringField("base_model_name_or_path", base.path().toString());
      json.writeNumberField("r", settings.rank());
      json.writeNumberField("lora_alpha", settings.alpha());
      json.writeNumberField("lora_dropout", 0.0);
      json.writeStringField("bias", "none");
      json.writeBooleanField("fan_in_fan_out", false);
      json.writeBooleanField("inference_mode", true);
      json.writeBooleanField("use_rslora", false);
      json.writeArrayFieldStart("target_modules");
      for (Target target : settings.targets()) {
        json.writeString(target.ownName());
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // there is no file behind the bytes
    }
    return out.toByteArray();
  }

  /** Writes a checkpoint: the small files of the one that was trained, and all weights. */
  static void writeCheckpoint(Path folder, Checkpoint base, List<Parameter> parameters) {
    HeldFiles.of(base).forEach((name, bytes) -> replace(folder.resolve(name), bytes));
    List<SafetensorsWriter.Entry> entries =
        parameters.stream()
            .map(p -> new SafetensorsWriter.Entry(p.name(), DType.BF16, p.weight().shape()))
            .toList();
    write(
        folder.resolve("model.safetensors"),
        entries,
        writer -> parameters.forEach(parameter -> append(parameter.weight(), writer)));
  }

  private static void append(Tensor weight, SafetensorsWriter writer) {
    boolean isRounded = weight.type() == ElementType.BF16;
    int size = isRounded ? 2 : 4;
    long bytes = weight.bytes();
    ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK * size).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer rounded = ByteBuffer.allocateDirect(CHUNK * 2).order(ByteOrder.LITTLE_ENDIAN);
    for (long at = 0; at < bytes; at += buffer.capacity()) {
      ByteBuffer part = buffer.slice(0, (int) Math.min(buffer.capacity(), bytes - at));
      weight.read(at, part);
      if (isRounded) {
        writer.bytes(part);
        continue;
      }
      float[] numbers = new float[part.remaining() / size];
      part.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(numbers);
      WeightRows.append(numbers, DType.BF16, rounded.clear());
      writer.bytes(rounded.flip());
    }
  }

  private interface Body {
    void write(SafetensorsWriter writer);
  }

  private static void write(Path file, List<SafetensorsWriter.Entry> entries, Body body) {
    Path partial = partial(file);
    try {
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(partial, Map.of("format", "pt"), entries)) {
        body.write(writer);
      }
      rename(partial, file);
    } catch (UncheckedIOException e) {
      throw PathProblem.unwritable(file, e.getCause());
    }
  }

  private static void replace(Path file, byte[] bytes) {
    try {
      Files.write(partial(file), bytes);
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
    rename(partial(file), file);
  }

  private static Path partial(Path file) {
    return file.resolveSibling(file.getFileName() + ".partial");
  }

  private static void rename(Path partial, Path file) {
    try {
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw PathProblem.unwritable(file, e);
    }
  }
}

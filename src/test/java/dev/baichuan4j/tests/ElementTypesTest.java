package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints in float16 and float32 run like those in bfloat16. */
class ElementTypesTest {
  private static final String BASE = "tiny-baichuan-7b";
  private static final GenerationOptions SAMPLING = GenerationOptions.greedy().withMaxNewTokens(12);

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"F16,BF16", "F32,BF16", "F32,INT4"})
  void aCheckpointOfAnotherTypeContinuesTheSame(DType type, Quant weights) throws IOException {
    rewrite(Fixtures.model(BASE), type);
    Device device = TestDevice.device();
    try (Baichuan stored = TestDevice.loader(BASE, false).weights(weights).load();
        Baichuan other = Baichuan.loader(folder).device(device).weights(weights).load()) {
      assertEquals(continuation(stored), continuation(other));
    }
  }

  private static List<Integer> continuation(Baichuan model) {
    return model.complete("登鹳雀楼->王之涣\n夜雨寄北->", SAMPLING).result().tokenIds();
  }

  /** Copies a checkpoint of bf16 weights with every tensor in another type. */
  private void rewrite(Path checkpoint, DType type) throws IOException {
    try (var files = Files.list(checkpoint)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    Path weights = checkpoint.resolve("model.safetensors");
    ObjectNode header = Fixtures.JSON.createObjectNode();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    try (FileChannel channel = FileChannel.open(weights)) {
      for (TensorEntry entry : SafetensorsFile.open(weights).tensors().values()) {
        int begin = data.size();
        data.write(converted(channel, entry, type));
        ObjectNode tensor = header.putObject(entry.name()).put("dtype", type.name());
        for (long size : entry.shape()) {
          tensor.withArray("shape").add(size);
        }
        tensor.withArray("data_offsets").add(begin).add(data.size());
      }
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + json.length + data.size());
    file.order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json).put(data.toByteArray());
    Files.write(folder.resolve("model.safetensors"), file.array());
  }

  private static byte[] converted(FileChannel channel, TensorEntry entry, DType type)
      throws IOException {
    ByteBuffer stored = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    channel.read(stored, entry.offset());
    stored.flip();
    int count = stored.remaining() / 2;
    ByteBuffer out =
        ByteBuffer.allocate((int) (count * type.size())).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      float value = Float.intBitsToFloat(stored.getShort() << 16);
      if (type == DType.F32) {
        out.putFloat(value);
      } else {
        out.putShort(half(value));
      }
    }
    return out.array();
  }

  /** The nearest f16, halves away from zero; for numbers below 65504. */
  private static short half(float value) {
    int bits = Float.floatToIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    double magnitude = Math.abs((double) value);
    int exponent = Math.max(Math.getExponent(magnitude), -14);
    long steps = Math.round(magnitude * Math.pow(2, 10 - exponent)); // 2^10 steps in a binade
    return (short) (sign | ((exponent + 14) << 10) + steps);
  }
}

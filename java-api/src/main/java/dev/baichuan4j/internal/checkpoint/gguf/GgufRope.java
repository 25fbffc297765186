package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions.Rope;
import dev.baichuan4j.internal.arch.RopeScaling;
import dev.baichuan4j.internal.json.IntRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** The keys of a file, and the tensor, that say how queries and keys are rotated. */
final class GgufRope {
  private static final double BASE = 10_000; // where the key is absent, as in llama.cpp

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final String prefix;

  GgufRope(GgufFile file, String architecture) {
    this.file = file;
    this.metadata = file.metadata();
    this.prefix = architecture + ".rope.";
  }

  Rope read(int headSize, int maxPositions) {
    if (metadata.integer(prefix + "dimension_count", 1, 1024).orElse(headSize) != headSize) {
      throw metadata.wrong(prefix + "dimension_count", "all of a head's " + headSize);
    }
    return new Rope(
        metadata.number(prefix + "freq_base").orElse(BASE), scaling(headSize, maxPositions));
  }

  private RopeScaling scaling(int headSize, int maxPositions) {
    String key = prefix + "scaling.type";
    String factorKey =
        metadata.has(prefix + "scale_linear") ? prefix + "scale_linear" : prefix + "scaling.factor";
    double factor = metadata.number(factorKey).orElse(1.0);
    if (factor != 0 && !(factor >= 1 && factor <= 1e6)) {
      throw metadata.wrong(factorKey, "a number from 1 to 1e6, or 0 for none");
    }
    String type = factor <= 1 ? "none" : metadata.string(key).orElse("linear");
    GgufTensor divisors = file.tensors().get(GgufTensorNames.ROPE_FACTORS);
    if (divisors != null) {
      if (!type.equals("none")) {
        throw metadata.wrong(key, "none beside the tensor " + GgufTensorNames.ROPE_FACTORS);
      }
      return new RopeScaling.Divided(divisors(divisors, headSize / 2));
    }
    return switch (type) {
      case "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(factor);
      case "yarn" -> yarn(factor, maxPositions);
      default -> throw metadata.wrong(key, "none, linear or yarn");
    };
  }

  private RopeScaling yarn(double factor, int maxPositions) {
    String original = prefix + "scaling.original_context_length";
    IntRange range = Architecture.lengthRange(original);
    return new RopeScaling.Yarn(
        factor,
        metadata.integer(original, range.min(), range.max()).orElse(maxPositions),
        positive(prefix + "scaling.yarn_beta_fast", 32),
        positive(prefix + "scaling.yarn_beta_slow", 1),
        true,
        RopeScaling.Yarn.usualAttentionFactor(factor, 1));
  }

  private double positive(String key, double usual) {
    double number = metadata.number(key).orElse(usual);
    if (!(number > 0 && number <= 1e6)) {
      throw metadata.wrong(key, "a number greater than 0 and at most 1e6");
    }
    return number;
  }

  private List<Float> divisors(GgufTensor tensor, int count) {
    if (tensor.kind() != GgufKind.F32 || tensor.shape().length != 1 || tensor.columns() != count) {
      throw new ModelFormatException(
          file.path(), tensor.name(), "F32[" + count + "]", tensor.toString());
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    new GgufRows(tensor, 0).read(0, count, false, bytes);
    bytes.flip();
    List<Float> divisors = new ArrayList<>();
    for (int k = 0; k < count; k++) {
      float divisor = bytes.getFloat();
      if (!(divisor > 0 && divisor <= 1e6f)) {
        throw new ModelFormatException(
            file.path(),
            tensor.name(),
            "numbers greater than 0 and at most 1e6",
            divisor + " at " + k);
      }
      divisors.add(divisor);
    }
    return divisors;
  }
}

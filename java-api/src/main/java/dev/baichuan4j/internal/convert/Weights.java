package dev.baichuan4j.internal.convert;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Which kind of weights a conversion writes, by the name that a user gives it. */
public enum Weights {
  /**
   * As they are stored: codes bit for bit in a {@code .bc4j}, in GGUF and safetensors as the
   * nearest kind that those can hold.
   */
  STORED,
  F32,
  F16,
  BF16,
  /** 8.5 bits a weight: panels in a {@code .bc4j}, Q8_0 in a GGUF file. */
  INT8,
  /** 4.5 bits a weight: panels in a {@code .bc4j}, Q4_0 in a GGUF file. */
  INT4,
  /** 3.25 bits a weight in a {@code .bc4j}. */
  INT3,
  /** 2.5 bits a weight in a {@code .bc4j}. */
  INT2,
  Q8_0,
  Q4_0,
  Q4_1;

  /** Bits of a weight up to which int4, which has 4.5, is nearer than int8, which has 8.5. */
  private static final double MOST_BITS_OF_INT4 = 5;

  /**
   * Returns the kind of a name.
   *
   * @throws InvalidRequestException if there is none of that name
   */
  public static Weights parse(String name) {
    return Arrays.stream(values())
        .filter(weights -> weights.toString().equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidRequestException(
                    "weights",
                    name,
                    Arrays.stream(values())
                        .map(Weights::toString)
                        .collect(Collectors.joining(", "))));
  }

  /** Returns that of a kind of weights that is computed with. */
  public static Weights of(Quant quant) {
    return quant.isQuantized() ? valueOf(quant.name()) : STORED;
  }

  /**
   * Returns how matrices are held in a form; empty for as they are stored, one by one.
   *
   * @throws InvalidRequestException if the form cannot hold that kind
   */
  Optional<Kind> kind(Target target, Checkpoint source) {
    Weights wanted = this;
    if (this == STORED) {
      if (target == Target.PACKED && hasCodes(source)) {
        return Optional.of(Kind.CODES);
      }
      Quant usual = nearest(source);
      if (!usual.isQuantized() || target == Target.SAFETENSORS) {
        return Optional.empty();
      }
      // GGUF's Q4_1 has a least number, as the grids of INT4 have a zero.
      wanted = target == Target.GGUF && usual != Quant.INT8 ? Q4_1 : of(usual);
    }
    Kind kind =
        switch (wanted) {
          case INT8 -> target == Target.GGUF ? Kind.Q8_0 : Kind.INT8;
          case INT4 -> target == Target.GGUF ? Kind.Q4_0 : Kind.INT4;
          default -> Kind.valueOf(wanted.name());
        };
    boolean held = kind.isPlain() || kind.isPacked() == (target == Target.PACKED);
    if (!held || target == Target.SAFETENSORS && !kind.isPlain()) {
      throw new InvalidRequestException(
          "weights",
          this,
          switch (target) {
            case SAFETENSORS -> "stored, f32, f16 or bf16 for safetensors";
            case GGUF -> "stored, f32, f16, bf16, int8, int4, q8_0, q4_0 or q4_1 for gguf";
            case PACKED -> "stored, f32, f16, bf16, int8, int4, int3 or int2 for bc4j";
          });
    }
    return Optional.of(kind);
  }

  private static boolean hasCodes(Checkpoint source) {
    return source.packed().isPresent()
        || source.usualWeights().filter(Quant.STORED::equals).isPresent();
  }

  /** The kind of quantized weights that has the most like bits; BF16 where nothing is quantized. */
  private static Quant nearest(Checkpoint source) {
    Quant usual = source.nearestWeights().orElse(Quant.BF16);
    if (usual != Quant.STORED) {
      return usual;
    }
    PackedWeights packed = source.packed().orElseThrow();
    double bits = 0;
    double numbers = 0;
    for (TensorSpec matrix : source.architecture().matrices()) {
      if (packed.holds(matrix.name())) {
        bits += matrix.elements() * packed.kindOf(matrix.name()).bitsPerNumber();
        numbers += matrix.elements();
      }
    }
    return bits <= MOST_BITS_OF_INT4 * numbers ? Quant.INT4 : Quant.INT8;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

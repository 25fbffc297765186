package dev.baichuan4j.internal.convert;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Quant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Which kind of weights a conversion writes, by the name that a user gives it. */
public enum Weights {
  /** As they are stored; codes as the nearest kind that the target can hold. */
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
   * @param usual the kind that is nearest to what is stored
   * @throws InvalidRequestException if the form cannot hold that kind
   */
  Optional<Kind> kind(Target target, Quant usual) {
    Weights wanted = this;
    if (this == STORED) {
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
    boolean held = kind.isPlain() || kind.isPanels() == (target == Target.PACKED);
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

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ModelShape;
import java.util.Arrays;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of a model with random weights, for benchmarks. */
final class RandomModel {
  private static final int HEAD = 128; // channels of a head

  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--random",
      paramLabel = "CxLxFxV",
      description = "A model of this hidden size, layers, ffn and vocabulary, random weights.")
  private String sizes;

  @Option(names = "--alibi", description = "With --random: ALiBi instead of RoPE.")
  private boolean alibi;

  boolean isNamed() {
    return sizes != null;
  }

  /** Refuses options that exclude each other. */
  void requireAlone(ModelOptions model) {
    if (alibi && !isNamed()) {
      throw wrong("--alibi has no --random, expected a random model");
    }
    if (isNamed() && model.isNamed()) {
      throw wrong("--random has --model beside it, expected one of them");
    }
  }

  /**
   * Settings for the model.
   *
   * @param positions most tokens of a text
   */
  BaichuanLoader loader(int positions) {
    String[] parts = sizes.split("x");
    if (parts.length != 4 || !sizes.matches("\\d{1,9}(x\\d{1,9}){3}")) {
      throw wrong("--random has value " + sizes + ", expected CxLxFxV");
    }
    int[] n = Arrays.stream(parts).mapToInt(Integer::parseInt).toArray();
    if (n[0] == 0 || n[0] % HEAD != 0) {
      throw wrong("--random has hidden size " + n[0] + ", expected a multiple of " + HEAD);
    }
    return Baichuan.randomLoader(
        new ModelShape(
            n[0],
            n[1],
            n[0] / HEAD,
            n[2],
            n[3],
            positions + 64,
            alibi ? ModelShape.Position.ALIBI : ModelShape.Position.ROPE,
            ModelShape.Head.PLAIN));
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}

package dev.baichuan4j.internal.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.arch.Architecture.Heads;
import dev.baichuan4j.internal.arch.Architecture.Projections;
import dev.baichuan4j.internal.arch.Architecture.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The config that is written of a model is read as that model. */
class ConfigWriterTest {

  private static Architecture model(
      String name, Positions positions, Projections projections, List<Integer> windows, Head head) {
    return new Architecture(
        name,
        96,
        3,
        new Heads(6, name.startsWith("Bai") ? 6 : 2, 16),
        160,
        301,
        1e-5f,
        777,
        positions,
        projections,
        windows,
        head,
        new TokenIds(OptionalInt.of(3), OptionalInt.empty(), List.of(2, 7)));
  }

  static Stream<Architecture> models() {
    List<Architecture> models = new ArrayList<>();
    for (Head head : new Head[] {Head.PLAIN, Head.NORM}) {
      models.add(
          model(
              "BaichuanForCausalLM", new Positions.Alibi(), Projections.BAICHUAN, List.of(), head));
      models.add(
          model(
              "BaiChuanForCausalLM",
              Positions.Rope.of(10_000),
              Projections.BAICHUAN,
              List.of(),
              head));
    }
    List<Float> divisors = List.of(1f, 1f, 1.5f, 2f, 3.25f, 8f, 8f, 8f);
    for (RopeScaling scaling :
        new RopeScaling[] {
          new RopeScaling.None(),
          new RopeScaling.Linear(2.5),
          new RopeScaling.DynamicNtk(4, 777),
          new RopeScaling.Yarn(4, 300, 32, 1, false, 1.25f),
          new RopeScaling.Llama3(8, 1, 4, 512),
          new RopeScaling.Divided(divisors)
        }) {
      models.add(
          model(
              "LlamaForCausalLM",
              new Positions.Rope(500_000, scaling),
              new Projections(false, true, true, false),
              List.of(),
              Head.TIED));
    }
    models.add(
        model(
            "MistralForCausalLM",
            Positions.Rope.of(10_000),
            new Projections(false, false, false, false),
            List.of(64, 64, 64),
            Head.PLAIN));
    models.add(
        model(
            "Qwen2ForCausalLM",
            Positions.Rope.of(1e6),
            new Projections(false, true, false, false),
            List.of(0, 64, 64),
            Head.PLAIN));
    models.add(
        model(
            "Qwen3ForCausalLM",
            Positions.Rope.of(1e6),
            new Projections(false, false, false, true),
            List.of(),
            Head.PLAIN));
    return models.stream();
  }

  @ParameterizedTest
  @MethodSource("models")
  void isReadAsTheModel(Architecture model) {
    assertEquals(model, ConfigFile.parse(ConfigWriter.write(model), "config.json"));
  }
}

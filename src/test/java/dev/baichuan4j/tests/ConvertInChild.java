package dev.baichuan4j.tests;

import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Converts a model to a {@code .bc4j} of INT4 in a {@link WriterInChild}. */
final class ConvertInChild {
  private ConvertInChild() {}

  public static void main(String[] arguments) {
    WriterInChild.run(
        arguments,
        (model, target, progress) ->
            new Conversion(Checkpoint.open(model), Target.PACKED, Weights.INT4, target, 1, progress)
                .run(true));
  }

  static Process start(Path model, Path target, String what) throws IOException {
    return start(List.of(), model, target, what);
  }

  static Process start(List<String> before, Path model, Path target, String what)
      throws IOException {
    return WriterInChild.start(ConvertInChild.class, before, model, target, what);
  }
}

package dev.baichuan4j.tests;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Quantizes a checkpoint to INT4 in a {@link WriterInChild}. */
final class QuantizeInChild {
  private QuantizeInChild() {}

  public static void main(String[] arguments) {
    WriterInChild.run(
        arguments,
        (model, target, progress) ->
            Baichuan.loader(model)
                .device(Device.cpu())
                .threads(1)
                .weights(Quant.INT4)
                .progress(progress)
                .quantize(target));
  }

  static Process start(List<String> before, Path model, Path target, String what)
      throws IOException {
    return WriterInChild.start(QuantizeInChild.class, before, model, target, what);
  }
}

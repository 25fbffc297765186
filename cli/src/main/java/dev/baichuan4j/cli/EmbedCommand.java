package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.Pooling;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code embed}: texts to vectors. */
@Command(
    name = "embed",
    mixinStandardHelpOptions = true,
    description = "Prints the vector of each text as a JSON array, one a line.")
final class EmbedCommand implements Callable<Integer> {
  /** Texts that are computed before the first of them is printed. */
  private static final int TOGETHER = 64;

  @Option(
      names = "--pooling",
      defaultValue = "mean",
      paramLabel = "KIND",
      description = "mean of all hidden states, or the last one (default: ${DEFAULT-VALUE}).")
  private Pooling pooling;

  @Option(names = "--raw", description = "As the model has them; else vectors have length 1.")
  private boolean raw;

  @Mixin private GivenTexts texts;
  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() throws IOException {
    texts.require();
    try (Baichuan model = modelOptions.load()) {
      Embeddings embeddings = model.embeddings().withPooling(pooling).withNormalized(!raw);
      for (List<String> some = texts.next(TOGETHER); !some.isEmpty(); some = texts.next(TOGETHER)) {
        embeddings.of(some).forEach(Terminal::printJson);
      }
    }
    return 0;
  }
}

package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.evaluate.Divergence;
import dev.baichuan4j.internal.evaluate.Perplexity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code perplexity}: how well the model foresees a text. */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    description =
        "Negative log-likelihood and perplexity of a text (in windows), or of the assistant's"
            + " tokens of conversations (a .jsonl file of {messages}).")
final class PerplexityCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private static final int WINDOW_BESIDE_REFERENCE = 512;

  @Option(names = "--file", required = true, paramLabel = "FILE")
  private Path file;

  @Option(
      names = "--window",
      paramLabel = "N",
      description = "Tokens of a window; default: the context length.")
  private Integer window;

  @Option(
      names = "--skip",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Read the first N tokens of each window without scoring what they predict (default: 0)."
              + " llama.cpp skips half a window.")
  private int skip;

  @Option(
      names = "--reference",
      paramLabel = "MODEL",
      description =
          "Compare with the distributions of this model, as it is stored and with exact"
              + " activations: their divergence from it in nats a token, and how often both hold the"
              + " same token for the likeliest. A window is then 512 tokens by default.")
  private Path reference;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() throws IOException {
    boolean conversations = file.toString().endsWith(".jsonl");
    if (window != null && (conversations || window < 1)) {
      throw new ParameterException(
          spec.commandLine(),
          "--window has value " + window + ", expected 1 or more and a text, not conversations");
    }
    if (skip < 0 || skip > 0 && conversations) {
      throw new ParameterException(
          spec.commandLine(),
          "--skip has value " + skip + ", expected 0 or more and a text, not conversations");
    }
    InputFile.read(spec, "--file", file); // before a model is loaded in vain
    Perplexity.Score score;
    Optional<Divergence.Result> divergence;
    try (Baichuan model = modelOptions.load();
        Baichuan other = reference == null ? null : loadReference();
        Terminal.Bar bar = new Terminal.Bar()) {
      Perplexity perplexity = new Perplexity(model, bar);
      perplexity = other == null ? perplexity : perplexity.beside(other);
      int length = model.info().contextLength();
      int usual = other == null ? length : Math.min(length, WINDOW_BESIDE_REFERENCE);
      score =
          conversations
              ? perplexity.conversations(file)
              : perplexity.text(file, window != null ? window : usual, skip);
      divergence = perplexity.divergence();
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("tokens", score.tokens());
    result.put("characters", score.characters());
    result.put("nll_per_token", score.perToken());
    result.put("nll_per_character", score.perCharacter());
    result.put("perplexity", score.perplexity());
    divergence.ifPresent(
        found -> {
          result.put("divergence", found.mean());
          result.put("divergence_p99", found.p99());
          result.put("divergence_most", found.most());
          result.put("same_likeliest", found.sameBest());
        });
    if (json) {
      Terminal.printJson(result);
    } else {
      result.forEach((name, value) -> Terminal.out().printf("%-18s %s%n", name, value));
    }
    return 0;
  }

  private Baichuan loadReference() {
    BaichuanLoader loader = modelOptions.configure(Baichuan.loader(reference));
    return ModelOptions.load(loader.device(Device.cpu()).weights(Quant.BF16).exact(true));
  }
}

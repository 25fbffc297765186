package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code logits}: what the model expects next. */
@Command(
    name = "logits",
    mixinStandardHelpOptions = true,
    description = "Prints the likeliest next tokens with their logits, or writes all logits.")
final class LogitsCommand implements Callable<Integer> {
  static final class Input {
    @Option(names = "--prompt", required = true, paramLabel = "TEXT")
    String prompt;

    @Option(names = "--ids", required = true, paramLabel = "1,2,3")
    String ids;

    @Option(names = "--ids-file", required = true, paramLabel = "FILE")
    Path idsFile;

    int[] read(Baichuan model) {
      if (prompt != null) {
        String text = prompt.replace("\\n", "\n").replace("\\t", "\t");
        return model.tokenizer().asWholeText(model.tokenizer().encode(text));
      }
      return TokenizeCommand.parseIds(ids.replace('[', ' ').replace(']', ' '));
    }

    /** Reads the file, before a model is loaded in vain. */
    void readFile(CommandSpec command) {
      if (idsFile != null) {
        ids = InputFile.read(command, "--ids-file", idsFile);
      }
    }
  }

  @Spec private CommandSpec spec;

  @ArgGroup(multiplicity = "1")
  private Input input;

  @Option(names = "--top-k", defaultValue = "10", paramLabel = "K")
  private int topK;

  @Option(names = "--all-positions", description = "Logits of every position; needs --out.")
  private boolean allPositions;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write tensor logits [T,V] (or [1,V]) as F32 in safetensors form.")
  private Path out;

  @Option(
      names = "--chunk",
      defaultValue = "0",
      paramLabel = "N",
      description = "Feed the prompt in pieces of N.")
  private int chunk;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;

  private record Candidate(int id, String piece, float logit) {}

  @Override
  public Integer call() {
    if (allPositions && out == null) {
      throw new ParameterException(
          spec.commandLine(), "--all-positions has no --out, expected a file to write to");
    }
    if (chunk < 0 || topK < 1) {
      throw new ParameterException(
          spec.commandLine(), "--chunk and --top-k have a value too small, expected 0 and 1 on");
    }
    if (out != null && Files.isDirectory(out)) {
      throw new ParameterException(
          spec.commandLine(),
          "--out has value "
              + Arguments.text(out)
              + ", expected a file that can be written: it is a folder");
    }
    if (out != null && !Files.isDirectory(out.toAbsolutePath().getParent())) {
      throw new ParameterException(
          spec.commandLine(),
          "--out has value " + Arguments.text(out) + ", expected a file in a folder that is there");
    }
    input.readFile(spec);
    try (Baichuan model = modelOptions.load()) {
      int[] ids = input.read(model);
      float[] last = new float[model.info().shape().vocabularySize()];
      if (out == null) {
        model.logits(ids, false, chunk, (position, row) -> copy(row, last));
      } else {
        long rows = allPositions ? ids.length : 1;
        try (SafetensorsWriter writer =
            SafetensorsWriter.create(out, "logits", rows, last.length)) {
          model.logits(
              ids,
              allPositions,
              chunk,
              (position, row) -> {
                writer.row(row);
                copy(row, last);
              });
        }
      }
      print(model, last);
    }
    return 0;
  }

  private static void copy(float[] row, float[] target) {
    System.arraycopy(row, 0, target, 0, target.length);
  }

  private void print(Baichuan model, float[] logits) {
    List<Candidate> top = new ArrayList<>();
    for (int id : likeliest(logits, Math.min(topK, logits.length))) {
      top.add(new Candidate(id, piece(model, id), logits[id]));
    }
    if (json) {
      Terminal.printJson(Map.of("top", top));
      return;
    }
    for (Candidate c : top) {
      Terminal.out().println(c.id + "\t" + c.logit + "\t" + c.piece.replace("\n", "\\n"));
    }
  }

  /** The text of an id; empty without a tokenizer, and for an id that it does not have. */
  private static String piece(Baichuan model, int id) {
    return model.hasTokenizer() && id < model.tokenizer().vocabularySize()
        ? model.tokenizer().piece(id)
        : "";
  }

  /** Ids of the k largest, largest first, ties by lower id. */
  private static int[] likeliest(float[] logits, int k) {
    int[] best = new int[k];
    int size = 0;
    for (int id = 0; id < logits.length; id++) {
      if (size == k && !(logits[id] > logits[best[k - 1]])) {
        continue;
      }
      int place = size < k ? size++ : k - 1;
      while (place > 0 && logits[best[place - 1]] < logits[id]) {
        best[place] = best[place - 1];
        place--;
      }
      best[place] = id;
    }
    return best;
  }
}

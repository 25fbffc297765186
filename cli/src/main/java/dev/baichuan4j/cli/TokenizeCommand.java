package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tokenize}: text to ids and back. */
@Command(
    name = "tokenize",
    mixinStandardHelpOptions = true,
    description = "Prints the ids and pieces of a text, or the text of ids.")
final class TokenizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "TEXT",
      description = "The text; with --decode, ids separated by commas or spaces.")
  private String text;

  @Option(
      names = "--lines",
      description =
          "Read JSON strings, one a line, from standard input and print a JSON array of ids for"
              + " each; with --decode the other way.")
  private boolean lines;

  @Option(names = "--decode", description = "From ids to text.")
  private boolean decode;

  @Option(
      names = "--special",
      paramLabel = "MODE",
      description =
          "inert: nothing in the text becomes a control or role id; reserved: <reserved_N> do, as"
              + " in SentencePiece; parsed: <s>, </s> and <unk> do too (default: inert).")
  private Optional<SpecialTokens> special;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private ModelFolder modelFolder;

  @Override
  public Integer call() throws IOException {
    if (lines == (text != null)) {
      throw new ParameterException(
          spec.commandLine(), "tokenize has TEXT and --lines or neither, expected one of them");
    }
    if (decode && special.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--special has a value beside --decode, expected one of them");
    }
    Tokenizer tokenizer = Tokenizer.load(modelFolder.tokenizer());
    if (lines) {
      eachLine(tokenizer);
    } else if (decode) {
      String decoded = tokenizer.decode(parseIds(text));
      if (json) {
        Terminal.printJson(Map.of("text", decoded));
      } else {
        Terminal.out().println(decoded);
      }
    } else {
      print(tokenizer, tokenizer.encode(text, specialTokens()));
    }
    return 0;
  }

  private SpecialTokens specialTokens() {
    return special.orElse(SpecialTokens.INERT);
  }

  private void print(Tokenizer tokenizer, int[] ids) {
    List<String> pieces = new ArrayList<>();
    for (int id : ids) {
      pieces.add(tokenizer.piece(id));
    }
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("ids", ids);
      result.put("pieces", pieces);
      Terminal.printJson(result);
      return;
    }
    for (int i = 0; i < ids.length; i++) {
      Terminal.out().println(ids[i] + "\t" + pieces.get(i).replace("\n", "\\n"));
    }
  }

  private void eachLine(Tokenizer tokenizer) throws IOException {
    StandardInput in = new StandardInput();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      try {
        if (decode) {
          int[] ids = Terminal.json().readValue(line, int[].class);
          Terminal.printJson(tokenizer.decode(ids));
        } else {
          String value = Terminal.json().readValue(line, String.class);
          Terminal.printJson(tokenizer.encode(value, specialTokens()));
        }
      } catch (JsonProcessingException e) {
        throw new InvalidRequestException(
            "line",
            "line " + in.line() + " is not JSON of the expected kind: " + e.getOriginalMessage());
      }
    }
  }

  static int[] parseIds(String text) {
    try {
      return Arrays.stream(text.trim().split("[,\\s]+"))
          .filter(s -> !s.isEmpty())
          .mapToInt(Integer::parseInt)
          .toArray();
    } catch (NumberFormatException e) {
      throw new InvalidRequestException(
          "ids", "ids have value " + text + ", expected numbers separated by commas or spaces");
    }
  }
}

package dev.baichuan4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.Priority;
import dev.baichuan4j.Xtc;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

class SamplingOptionsTest {
  private static final GenerationOptions ADVISED =
      GenerationOptions.unmodified().withTemperature(0.3f).withTopK(5).withTopP(0.85f);

  @Command
  private static final class Sampling {
    @Mixin private SamplingOptions options;
  }

  private static SamplingOptions parse(String arguments) {
    Sampling command = new Sampling();
    CommandLine line = new CommandLine(command);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.parseArgs(arguments.isEmpty() ? new String[0] : arguments.split(" "));
    return command.options;
  }

  private static GenerationOptions options(String arguments) {
    SamplingOptions options = parse(arguments);
    options.requireEffect(true);
    return options.apply(ADVISED);
  }

  @Test
  void whatIsNotGivenStaysAsTheCheckpointAdvises() {
    assertEquals(ADVISED, options(""));
  }

  @Test
  void everyOptionOfDrawingIsTaken() {
    assertEquals(
        GenerationOptions.unmodified()
            .withTemperature(0.5f)
            .withTopK(7)
            .withTopP(0.9f)
            .withMinP(0.1f)
            .withTypicalP(0.8f)
            .withXtc(new Xtc(0.5f, 0.2f))
            .withSeed(3),
        options(
            "--temperature 0.5 --top-k 7 --top-p 0.9 --min-p 0.1 --typical-p 0.8"
                + " --xtc-probability 0.5 --xtc-threshold 0.2 --seed 3"));
  }

  @Test
  void everyPenaltyAndBanIsTaken() {
    assertEquals(
        ADVISED
            .withRepetitionPenalty(1.1f)
            .withFrequencyPenalty(0.5f)
            .withPresencePenalty(0.25f)
            .withLogitBias(Map.of(3, 1.5f))
            .withDry(new Dry(0.8f, 2, 3, List.of("\n", "x")))
            .withBannedWords("a", "b")
            .withBannedTokens(5, 6),
        options(
            "--repetition-penalty 1.1 --frequency-penalty 0.5 --presence-penalty 0.25"
                + " --logit-bias 3=1.5 --dry-multiplier 0.8 --dry-base 2 --dry-allowed-length 3"
                + " --dry-breaker \\n --dry-breaker x --ban-word a --ban-word b --ban-token 5"
                + " --ban-token 6"));
    assertEquals(ADVISED.withDry(Dry.of(0.8f)), options("--dry-multiplier 0.8"));
  }

  @Test
  void everyOptionOfTheTextIsTaken() {
    assertEquals(
        ADVISED
            .withMaxNewTokens(9)
            .withMinNewTokens(2)
            .withIgnoreEnd(true)
            .withStop("x")
            .withStopTokens(5, 6)
            .withLogprobs(2)
            .withChoices(3)
            .withBestOf(4)
            .withEcho(true)
            .withCaller("web")
            .withPriority(Priority.LOW)
            .withTimeout(Duration.ofMillis(1500)),
        options(
            "--max-new-tokens 9 --min-tokens 2 --ignore-eos --stop x --stop-token 5 --stop-token 6"
                + " --logprobs 2 -n 3 --best-of 4 --echo --caller web --priority low --timeout 1.5"));
  }

  @Test
  void mirostatAndBeamsTakeThePlaceOfWhatTheCheckpointAdvises() {
    GenerationOptions uncut = ADVISED.withTopK(0).withTopP(1);
    assertEquals(uncut.withMirostat(new Mirostat(5, 0.1f)), options("--mirostat 5"));
    assertEquals(
        uncut.withMirostat(new Mirostat(5, 0.2f)).withTopK(3), // which the library refuses
        options("--mirostat 5 --mirostat-eta 0.2 --top-k 3"));
    assertEquals(
        ADVISED.withDoSample(false).withBeamSearch(new BeamSearch(4, 0.5f)),
        options("--beams 4 --length-penalty 0.5"));
    GenerationOptions beams = ADVISED.withDoSample(false).withBeamSearch(new BeamSearch(4, 1));
    assertEquals(ADVISED.withTopK(3), parse("--top-k 3").apply(beams));
    assertEquals(ADVISED.withDoSample(false), parse("--greedy").apply(beams));
  }

  @ParameterizedTest
  @CsvSource({
    "--logprobs 2, --logprobs has value 2",
    "--choices 2, --choices has value 2",
    "--xtc-threshold 0.2, --xtc-threshold has value 0.2",
    "--mirostat-eta 0.2, --mirostat-eta has value 0.2",
    "--dry-base 2, --dry-base has value 2.0",
    "--dry-allowed-length 2, --dry-allowed-length has value 2",
    "--dry-breaker x, --dry-breaker has value [x]",
    "--length-penalty 1, --length-penalty has value 1.0",
    "--greedy --beams 2, --greedy has --beams beside it",
    "--greedy --typical-p 0.5, --greedy has --seed or an option of drawing beside it",
    "--beams 2 --mirostat 5, --beams has --seed or an option of drawing beside it",
    "--beams 2 --seed 5, --beams has --seed or an option of drawing beside it",
  })
  void whatWouldHaveNoEffectIsRefused(String arguments, String message) {
    SamplingOptions options = parse(arguments);
    var e = assertThrows(ParameterException.class, () -> options.requireEffect(false));
    assertEquals(message, e.getMessage().substring(0, message.length()));
  }
}

package dev.baichuan4j.cli;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.Priority;
import dev.baichuan4j.Xtc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of sampling; what is not given stays as the checkpoint's generation_config.json says. */
final class SamplingOptions {
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(names = "--greedy", description = "Always take the likeliest token.")
  private boolean greedy;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "This, --top-k, --top-p, --min-p, --typical-p, --xtc-probability and --mirostat draw"
              + " instead of taking the likeliest.")
  private Float temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "0 for all.")
  private Integer topK;

  @Option(names = "--top-p", paramLabel = "P")
  private Float topP;

  @Option(names = "--min-p", paramLabel = "P")
  private Float minP;

  @Option(names = "--typical-p", paramLabel = "P", description = "Most typical tokens, 1 for all.")
  private Float typicalP;

  @Option(
      names = "--xtc-probability",
      paramLabel = "P",
      description = "How often the likeliest tokens are left out (XTC).")
  private Float xtcProbability;

  @Option(
      names = "--xtc-threshold",
      paramLabel = "P",
      description = "From which probability on; 0.1 if not given.")
  private Float xtcThreshold;

  @Option(
      names = "--mirostat",
      paramLabel = "TAU",
      description = "Mirostat 2 with this surprise in bits, in place of top-k, top-p and the like.")
  private Float mirostat;

  @Option(names = "--mirostat-eta", paramLabel = "X", description = "0.1 if not given.")
  private Float mirostatEta;

  @Option(names = "--repetition-penalty", paramLabel = "X")
  private Float repetitionPenalty;

  @Option(names = "--frequency-penalty", paramLabel = "X")
  private Float frequencyPenalty;

  @Option(names = "--presence-penalty", paramLabel = "X")
  private Float presencePenalty;

  @Option(
      names = "--dry-multiplier",
      paramLabel = "X",
      description = "Penalty of prolonging a repetition (DRY).")
  private Float dryMultiplier;

  @Option(names = "--dry-base", paramLabel = "X", description = "1.75 if not given.")
  private Float dryBase;

  @Option(names = "--dry-allowed-length", paramLabel = "N", description = "2 if not given.")
  private Integer dryAllowedLength;

  @Option(
      names = "--dry-breaker",
      paramLabel = "TEXT",
      description = "In place of the usual ones; may be repeated; \\n is a line break.")
  private List<String> dryBreakers;

  @Option(
      names = "--ban-word",
      paramLabel = "TEXT",
      description = "The text never contains it; may be repeated.")
  private List<String> bannedWords;

  @Option(
      names = "--ban-token",
      paramLabel = "ID",
      description = "The token is never chosen; may be repeated.")
  private List<Integer> bannedTokens;

  @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same text.")
  private Long seed;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description =
          "Most tokens to write; so many are kept free in the context. Default: the model's own"
              + " limit, or what the prompt leaves.")
  private Integer maxNewTokens;

  @Option(
      names = {"--min-new-tokens", "--min-tokens"},
      paramLabel = "N",
      description = "The model cannot end its text before.")
  private Integer minNewTokens;

  @Option(names = "--ignore-eos", description = "The model can never end its text.")
  private boolean ignoreEnd;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End before this text; may be repeated.")
  private List<String> stop;

  @Option(
      names = "--stop-token",
      paramLabel = "ID",
      description = "End after this token; may be repeated.")
  private List<Integer> stopTokens;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description = "With --json: log-probability of each token and of the N likeliest.")
  private Integer logprobs;

  @Option(
      names = "--logit-bias",
      paramLabel = "ID=X",
      description = "Added to a token's logit; may be repeated.")
  private Map<Integer, Float> logitBias;

  @Option(
      names = "--draft",
      paramLabel = "N|off",
      description =
          "Most guesses of the next tokens that a step verifies; the text is the same. Default:"
              + " 15.")
  private String draft;

  @Option(
      names = "--draft-model",
      paramLabel = "DIR",
      description =
          "A smaller checkpoint of the same vocabulary, which guesses tokens for the model to"
              + " verify.")
  private Path draftModel;

  @Option(
      names = "--beams",
      paramLabel = "N",
      description = "Beam search of this width, in place of drawing.")
  private Integer beams;

  @Option(
      names = "--length-penalty",
      paramLabel = "X",
      description = "With --beams: 1 if not given, more for longer texts.")
  private Float lengthPenalty;

  @Option(
      names = {"-n", "--choices"},
      paramLabel = "N",
      description = "With --json: texts of one prompt.")
  private Integer choices;

  @Option(
      names = "--best-of",
      paramLabel = "N",
      description = "Write so many texts and keep the likeliest.")
  private Integer bestOf;

  @Option(names = "--echo", description = "The text begins with the prompt.")
  private boolean echo;

  @Option(names = "--caller", paramLabel = "NAME", description = "Whose share it counts to.")
  private String caller;

  @Option(
      names = "--priority",
      paramLabel = "PRIORITY",
      description = "low, normal or high, among requests that wait.")
  private Priority priority;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      description = "End with what is written by then.")
  private Double timeout;

  @ArgGroup(exclusive = true)
  private final ConstraintOptions language = new ConstraintOptions();

  private Optional<Constraint> constraint = Optional.empty();

  /**
   * Refuses options that would change nothing, and a constraint that cannot be enforced, before a
   * model is loaded in vain.
   *
   * @param json whether the result is printed with all that is known of it
   */
  void requireEffect(boolean json) {
    constraint = language.constraint(spec);
    requireBeside("--logprobs", logprobs, "--json", json ? json : null);
    requireBeside("--choices", choices, "--json", json ? json : null);
    requireBeside("--xtc-threshold", xtcThreshold, "--xtc-probability", xtcProbability);
    requireBeside("--mirostat-eta", mirostatEta, "--mirostat", mirostat);
    requireBeside("--dry-base", dryBase, "--dry-multiplier", dryMultiplier);
    requireBeside("--dry-allowed-length", dryAllowedLength, "--dry-multiplier", dryMultiplier);
    requireBeside("--dry-breaker", dryBreakers, "--dry-multiplier", dryMultiplier);
    requireBeside("--length-penalty", lengthPenalty, "--beams", beams);
    if (greedy && beams != null) {
      throw wrong("--greedy has --beams beside it, expected one of them");
    }
    if (draftModel != null && draft != null && draftTokens(spec, draft) == 0) {
      throw wrong("--draft-model has --draft " + draft + " beside it, expected drafts");
    }
    if ((greedy || beams != null) && (draws() || seed != null)) {
      throw wrong(
          (greedy ? "--greedy" : "--beams")
              + " has --seed or an option of drawing beside it, expected none of them: it does not"
              + " draw");
    }
  }

  private void requireBeside(String option, Object value, String other, Object otherValue) {
    if (value != null && otherValue == null) {
      throw wrong(option + " has value " + value + ", expected " + other + " beside it");
    }
  }

  /** Whether an option is given that only drawing heeds. */
  private boolean draws() {
    return temperature != null
        || topK != null
        || topP != null
        || minP != null
        || typicalP != null
        || xtcProbability != null
        || mirostat != null;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Settings of a load as the options say. */
  BaichuanLoader configure(BaichuanLoader loader) {
    return draftModel == null ? loader : loader.draftModel(draftModel);
  }

  GenerationOptions apply(GenerationOptions advised) {
    GenerationOptions s =
        draws() ? advised.withDoSample(true).withBeamSearch(BeamSearch.OFF) : advised;
    s = greedy ? s.withDoSample(false).withBeamSearch(BeamSearch.OFF) : s;
    if (seed != null && !s.doSample()) {
      throw wrong(
          "--seed has value "
              + seed
              + ", expected --temperature or another option of drawing beside it: this checkpoint"
              + " takes the likeliest token");
    }
    return ends(penalizes(chooses(s)));
  }

  private GenerationOptions chooses(GenerationOptions s) {
    if (mirostat != null) { // in place of what the checkpoint advises, not of what is asked for
      s = s.withTopK(0).withTopP(1).withMinP(0).withTypicalP(1);
      s = s.withMirostat(new Mirostat(mirostat, or(mirostatEta, Mirostat.OFF.eta())));
    }
    if (xtcProbability != null) {
      s = s.withXtc(new Xtc(xtcProbability, or(xtcThreshold, Xtc.OFF.threshold())));
    }
    if (beams != null) {
      s = s.withDoSample(false);
      s =
          s.withBeamSearch(
              new BeamSearch(beams, or(lengthPenalty, BeamSearch.OFF.lengthPenalty())));
    }
    s = with(s, temperature, GenerationOptions::withTemperature);
    s = with(s, topK, GenerationOptions::withTopK);
    s = with(s, topP, GenerationOptions::withTopP);
    s = with(s, minP, GenerationOptions::withMinP);
    s = with(s, typicalP, GenerationOptions::withTypicalP);
    return with(s, seed, GenerationOptions::withSeed);
  }

  private GenerationOptions penalizes(GenerationOptions s) {
    if (dryMultiplier != null) {
      Dry usual = Dry.of(dryMultiplier);
      List<String> breakers =
          dryBreakers == null
              ? usual.breakers()
              : dryBreakers.stream().map(text -> text.replace("\\n", "\n")).toList();
      int allowed = or(dryAllowedLength, usual.allowedLength());
      s = s.withDry(new Dry(dryMultiplier, or(dryBase, usual.base()), allowed, breakers));
    }
    s = with(s, repetitionPenalty, GenerationOptions::withRepetitionPenalty);
    s = with(s, frequencyPenalty, GenerationOptions::withFrequencyPenalty);
    s = with(s, presencePenalty, GenerationOptions::withPresencePenalty);
    s = with(s, logitBias, GenerationOptions::withLogitBias);
    s = with(s, constraint.orElse(null), GenerationOptions::withConstraint);
    s = with(s, bannedWords, (o, words) -> o.withBannedWords(words.toArray(String[]::new)));
    return with(s, bannedTokens, (o, ids) -> o.withBannedTokens(array(ids)));
  }

  private GenerationOptions ends(GenerationOptions s) {
    s = with(s, maxNewTokens, GenerationOptions::withMaxNewTokens);
    s = with(s, minNewTokens, GenerationOptions::withMinNewTokens);
    s = ignoreEnd ? s.withIgnoreEnd(true) : s;
    s = with(s, stop, (o, texts) -> o.withStop(texts.toArray(String[]::new)));
    s = with(s, stopTokens, (o, ids) -> o.withStopTokens(array(ids)));
    s = with(s, logprobs, GenerationOptions::withLogprobs);
    s = with(s, choices, GenerationOptions::withChoices);
    s = with(s, bestOf, GenerationOptions::withBestOf);
    s = echo ? s.withEcho(true) : s;
    s = with(s, caller, GenerationOptions::withCaller);
    s = with(s, priority, GenerationOptions::withPriority);
    s = draft == null ? s : s.withDraftTokens(draftTokens(spec, draft));
    return with(
        s, timeout, (o, seconds) -> o.withTimeout(Duration.ofNanos((long) (seconds * 1e9))));
  }

  private static <T> GenerationOptions with(
      GenerationOptions options,
      T value,
      BiFunction<GenerationOptions, T, GenerationOptions> change) {
    return value == null ? options : change.apply(options, value);
  }

  private static int[] array(List<Integer> ids) {
    return ids.stream().mapToInt(id -> id).toArray();
  }

  private static <T> T or(T value, T otherwise) {
    return value == null ? otherwise : value;
  }

  /** The number that a value of --draft stands for. */
  static int draftTokens(CommandSpec spec, String draft) {
    if (draft.equals("off")) {
      return 0;
    }
    if (!draft.matches("\\d{1,9}")) {
      throw new ParameterException(
          spec.commandLine(),
          "--draft has value " + draft + ", expected a number of tokens, or off");
    }
    return Integer.parseInt(draft);
  }
}

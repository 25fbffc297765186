package dev.baichuan4j.cli;

import dev.baichuan4j.FineTuner;
import dev.baichuan4j.FineTuner.Labels;
import dev.baichuan4j.FineTuner.Method;
import dev.baichuan4j.FineTuner.Precision;
import dev.baichuan4j.FineTuner.Schedule;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code finetune}: adapts a model to one's own texts or conversations. */
@Command(
    name = "finetune",
    mixinStandardHelpOptions = true,
    description =
        "Trains a model on texts or conversations: branches of low rank beside its matrices (LoRA),"
            + " or all weights. A run that was stopped goes on when it is called again.")
final class FineTuneCommand implements Callable<Integer> {
  @Mixin private ModelFolder model;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description =
          "A .json or .jsonl of records with messages (role, content), conversations (from, value),"
              + " instruction with input and output, or text; or pairs of answers, chosen and rejected,"
              + " beside prompt or one of these; any other file is one text.")
  private Path data;

  @Option(
      names = "--validation",
      paramLabel = "FILE",
      description =
          "A file to validate with; default: --validation-share of the data's samples, if they are"
              + " 20 or more.")
  private Path validation;

  @Option(
      names = "--validation-share",
      paramLabel = "X",
      description = "Share of the data that is kept to validate with; default: 0.05.")
  private Double validationShare;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description =
          "Folder of the result: an adapter as peft writes it, or a checkpoint (full). Meanwhile it"
              + " has curve.jsonl and a checkpoint of the run.")
  private Path out;

  @Option(names = "--method", paramLabel = "NAME", description = "lora (default), qlora or full.")
  private Method method = Method.LORA;

  @Option(
      names = "--weights",
      paramLabel = "KIND",
      description =
          "Weights beside branches: bf16, int8, int4, int3, int2 or stored; default: as the"
              + " checkpoint has them, int4 for qlora.")
  private Quant weights;

  @Option(names = "--rank", paramLabel = "N", description = "Rank of a branch; default: 8.")
  private Integer rank;

  @Option(
      names = "--alpha",
      paramLabel = "X",
      description = "A branch is multiplied by alpha / rank; default: 16.")
  private Double alpha;

  @Option(
      names = "--targets",
      split = ",",
      paramLabel = "NAMES",
      description =
          "Matrices that have a branch, such as W_pack,o_proj; default: all of a layer. lm_head is"
              + " the head.")
  private List<String> targets;

  @Option(
      names = "--lora-plus",
      paramLabel = "X",
      description = "Learning rate of B over that of A (LoRA+); default: 1.")
  private Double loraPlus;

  @Option(
      names = "--lr",
      paramLabel = "X",
      description = "Highest learning rate; default: 2e-4, and 2e-5 for full.")
  private Double rate;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      description = "constant, linear or cosine (default).")
  private Schedule schedule = Schedule.COSINE;

  @Option(
      names = "--warmup",
      paramLabel = "X",
      description = "Share of the steps in which the rate rises; default: 0.03.")
  private Double warmup;

  @Option(names = "--epochs", paramLabel = "N", description = "Default: 3.")
  private Integer epochs;

  @Option(
      names = "--max-steps",
      paramLabel = "N",
      description = "End after so many steps, before all epochs; default: no limit.")
  private Integer maxSteps;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples that are run together; default: 4.")
  private Integer batch;

  @Option(names = "--accumulate", paramLabel = "N", description = "Batches of a step; default: 4.")
  private Integer accumulate;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description = "Tokens of a sample at most; the end of a longer one is cut; default: 512.")
  private Integer maxLength;

  @Option(
      names = "--labels",
      paramLabel = "NAME",
      description =
          "all_turns (default), last_turn or everything: what of conversations is learned.")
  private Labels labels = Labels.ALL_TURNS;

  @Option(
      names = "--user-id",
      paramLabel = "ID",
      description =
          "Token in front of the user's messages; default: as the model's generation_config.json has"
              + " it, for Baichuan's base models that of its chat models.")
  private Integer userId;

  @Option(
      names = "--assistant-id",
      paramLabel = "ID",
      description = "The same in front of the model's messages.")
  private Integer assistantId;

  @Option(names = "--decay", paramLabel = "X", description = "Weight decay; default: 0.")
  private Double decay;

  @Option(
      names = "--max-norm",
      paramLabel = "X",
      description = "Norm that the gradient is clipped to; default: 1; 0 for no limit.")
  private Double maxNorm;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      description =
          "How weights are held for full: mixed (default; f32 with a copy in bf16), f32, or bf16"
              + " (rounded stochastically).")
  private Precision precision = Precision.MIXED;

  @Option(
      names = "--small-states",
      description = "The optimizer's states in 8 bits: a quarter of their memory.")
  private boolean smallStates;

  @Option(
      names = "--recompute",
      description =
          "Make activations again on the way back, to take less memory; default: keep them where the"
              + " run then takes at most half of what there is.")
  private boolean recompute;

  @Option(
      names = "--dpo-beta",
      paramLabel = "X",
      description = "How strongly chosen answers of pairs are preferred (DPO); default: 0.1.")
  private Double dpoBeta;

  @Option(
      names = "--neftune",
      paramLabel = "X",
      description = "Noise on the embeddings (NEFTune); 5 to 15 are usual; default: 0.")
  private Double neftune;

  @Option(
      names = "--eval-every",
      paramLabel = "N",
      description = "Steps from one validation to the next; default: an epoch.")
  private Integer evaluateEvery;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      description = "Steps from one checkpoint to the next; default: 50.")
  private Integer saveEvery;

  @Option(
      names = "--early-stop",
      paramLabel = "N",
      description = "Stop after N validations without a better one; default: never.")
  private Integer earlyStop;

  @Option(names = "--seed", paramLabel = "N", description = "Default: 42.")
  private Long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads; default: the physical cores. No result depends on it.")
  private Integer threads;

  @Option(names = "--exact", description = "Keep activations in f32 from end to end.")
  private boolean exact;

  @Option(
      names = "--watch",
      arity = "0..1",
      fallbackValue = "0",
      paramLabel = "PORT",
      description =
          "Show the curves while they grow, on a page of this machine; default port: a free one.")
  private Integer watch;

  @Option(names = "--plan", description = "Print what a run would do and take, and end.")
  private boolean planOnly;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    FineTuner tuner = tuner();
    if (planOnly) {
      if (json) {
        Terminal.printJson(tuner.plan());
      } else {
        FineTunePlan.print(tuner.plan(), Terminal.out());
      }
      return 0;
    }
    try (WatchPage page = watch == null ? null : WatchPage.open(watch, out.resolve("curve.jsonl"));
        FineTuneProgress progress = new FineTuneProgress();
        Terminal.Bar bar = new Terminal.Bar()) {
      if (page != null) {
        Terminal.err().println("baichuan: the curves are at " + page.address());
      }
      FineTuner.Result result = tuner.listener(progress).progress(bar).run();
      progress.close();
      print(result, progress.pace());
      draw();
    }
    return 0;
  }

  /** The run has ended well, whether this Java can draw or not. */
  private void draw() {
    Path curve = out.resolve("curve.jsonl");
    try {
      FineTunePlot.write(curve, out.resolve("curve.svg"));
      FineTunePlot.write(curve, out.resolve("curve.png"));
    } catch (IOException e) {
      Terminal.err().println("baichuan: the curve is not drawn: " + e.getMessage());
    }
  }

  private FineTuner tuner() {
    FineTuner tuner =
        FineTuner.of(model.path())
            .data(data)
            .output(out)
            .method(method)
            .schedule(schedule)
            .labels(labels)
            .precision(precision)
            .smallStates(smallStates)
            .recompute(recompute)
            .exact(exact);
    set(validation, tuner::validation);
    set(validationShare, tuner::validationShare);
    set(weights, tuner::weights);
    set(rank, tuner::rank);
    set(alpha, tuner::alpha);
    set(targets == null ? null : new LinkedHashSet<>(targets), tuner::targets);
    set(loraPlus, tuner::loraPlus);
    set(rate, tuner::learningRate);
    set(warmup, tuner::warmup);
    set(epochs, tuner::epochs);
    set(maxSteps, tuner::maxSteps);
    set(batch, tuner::batch);
    set(accumulate, tuner::accumulate);
    set(maxLength, tuner::maxLength);
    set(decay, tuner::decay);
    set(maxNorm, tuner::maxNorm);
    set(neftune, tuner::neftune);
    set(dpoBeta, tuner::dpoBeta);
    set(evaluateEvery, tuner::evaluateEvery);
    set(saveEvery, tuner::saveEvery);
    set(earlyStop, tuner::earlyStop);
    set(seed, tuner::seed);
    set(threads, tuner::threads);
    requireFitting();
    if (userId != null) {
      tuner.roles(userId, assistantId);
    }
    return tuner;
  }

  /** An option has effect, or is refused. */
  private void requireFitting() {
    boolean isFull = method == Method.FULL;
    if (isFull && (rank != null || alpha != null || targets != null || loraPlus != null)) {
      throw wrong("--rank, --alpha, --targets and --lora-plus are for --method lora or qlora");
    }
    if (!isFull && precision != Precision.MIXED) {
      throw wrong("--precision is for --method full");
    }
    if (validation != null && validationShare != null) {
      throw wrong("--validation-share is for runs without --validation");
    }
    if (planOnly && watch != null) {
      throw wrong("--watch is for runs, and --plan runs nothing");
    }
    if ((userId == null) != (assistantId == null)) {
      throw wrong("--user-id and --assistant-id go together");
    }
    if (watch != null && (watch < 0 || watch > 65535)) {
      throw wrong("--watch has value " + watch + ", expected a port, 0 to 65535");
    }
  }

  private ParameterException wrong(String message) {
    return model.wrong(message);
  }

  private static <T> void set(T value, Consumer<T> setter) {
    if (value != null) {
      setter.accept(value);
    }
  }

  private void print(FineTuner.Result result, double pace) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("steps", result.steps());
    values.put("loss", result.loss());
    result.validation().ifPresent(loss -> values.put("validation", loss));
    result.bestValidation().ifPresent(loss -> values.put("best_validation", loss));
    values.put("stopped_early", result.stoppedEarly());
    values.put("tokens_per_second", pace);
    values.put("output", result.output().toString());
    if (json) {
      Terminal.printJson(values);
    } else {
      values.forEach((name, value) -> Terminal.out().printf("%-18s %s%n", name, value));
    }
  }
}

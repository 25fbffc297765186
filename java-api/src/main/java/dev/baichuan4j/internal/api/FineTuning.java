package dev.baichuan4j.internal.api;

import dev.baichuan4j.Device;
import dev.baichuan4j.FineTuner;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.lora.Target;
import dev.baichuan4j.internal.nn.AdamW;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.train.FineTuneJob;
import dev.baichuan4j.internal.train.RunSettings;
import dev.baichuan4j.internal.train.SampleBuilder;
import dev.baichuan4j.internal.train.Samples;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Settings of a fine-tuning, and the run. */
final class FineTuning implements FineTuner {
  private static final float BETA1 = 0.9f;
  private static final float BETA2 = 0.999f;
  private static final float EPS = 1e-8f;

  private static final int USUAL_LENGTH = 512; // as in the published fine-tune.py

  private final Path path;
  private Path data;
  private Path validation; // null to keep a share of the data
  private Path output;
  private Method method = Method.LORA;
  private Quant weights; // null for the usual ones
  private int rank = 8;
  private double alpha = 16;
  private Set<String> targets = Set.of(); // empty for the usual ones
  private double loraPlus = 1;
  private double rate; // 0 for the usual one
  private Schedule schedule = Schedule.COSINE;
  private double warmup = 0.03;
  private int epochs = 3;
  private int maxSteps;
  private double beta = 0.1;
  private int batch = 4;
  private int accumulate = 4;
  private int maxLength; // 0 for the usual one
  private Labels labels = Labels.ALL_TURNS;
  private ModelInfo.ChatRoles roles; // null for those of the model
  private double decay;
  private double maxNorm = 1;
  private Precision precision = Precision.MIXED;
  private boolean smallStates;
  private boolean recompute;
  private double neftune;
  private int evaluateEvery;
  private int saveEvery = 50;
  private int earlyStop;
  private double validationShare = 0.05;
  private long seed = 42;
  private int threads;
  private boolean exact;
  private Listener listener = new Listener() {};
  private ProgressListener progress = ProgressListener.NONE;

  FineTuning(Path path) {
    this.path = path;
  }

  @Override
  public FineTuner data(Path data) {
    this.data = Objects.requireNonNull(data, "data");
    return this;
  }

  @Override
  public FineTuner validation(Path validation) {
    this.validation = Objects.requireNonNull(validation, "validation");
    return this;
  }

  @Override
  public FineTuner output(Path output) {
    this.output = Objects.requireNonNull(output, "output");
    return this;
  }

  @Override
  public FineTuner method(Method method) {
    this.method = Objects.requireNonNull(method, "method");
    return this;
  }

  @Override
  public FineTuner weights(Quant weights) {
    this.weights = Objects.requireNonNull(weights, "weights");
    return this;
  }

  @Override
  public FineTuner rank(int rank) {
    this.rank = between("rank", rank, 1, 512);
    return this;
  }

  @Override
  public FineTuner alpha(double alpha) {
    this.alpha = between("alpha", alpha, 1e-6, 1e6);
    return this;
  }

  @Override
  public FineTuner targets(Set<String> targets) {
    this.targets = Set.copyOf(Objects.requireNonNull(targets, "targets"));
    for (String target : targets) {
      if (Target.named(target).isEmpty()) {
        throw new InvalidRequestException(
            "targets",
            "targets has value "
                + target
                + ", expected W_pack, q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj,"
                + " down_proj or lm_head");
      }
    }
    return this;
  }

  @Override
  public FineTuner loraPlus(double ratio) {
    this.loraPlus = between("loraPlus", ratio, 1e-3, 1e3);
    return this;
  }

  @Override
  public FineTuner learningRate(double rate) {
    this.rate = between("learningRate", rate, 1e-12, 10);
    return this;
  }

  @Override
  public FineTuner schedule(Schedule schedule) {
    this.schedule = Objects.requireNonNull(schedule, "schedule");
    return this;
  }

  @Override
  public FineTuner warmup(double share) {
    this.warmup = between("warmup", share, 0, 1);
    return this;
  }

  @Override
  public FineTuner epochs(int epochs) {
    this.epochs = between("epochs", epochs, 1, 1 << 20);
    return this;
  }

  @Override
  public FineTuner maxSteps(int steps) {
    this.maxSteps = between("maxSteps", steps, 0, Integer.MAX_VALUE);
    return this;
  }

  @Override
  public FineTuner dpoBeta(double beta) {
    this.beta = between("dpoBeta", beta, 1e-6, 1e3);
    return this;
  }

  @Override
  public FineTuner batch(int batch) {
    this.batch = between("batch", batch, 1, 1 << 12);
    return this;
  }

  @Override
  public FineTuner accumulate(int accumulate) {
    this.accumulate = between("accumulate", accumulate, 1, 1 << 16);
    return this;
  }

  @Override
  public FineTuner maxLength(int tokens) {
    this.maxLength = between("maxLength", tokens, 2, 1 << 17);
    return this;
  }

  @Override
  public FineTuner labels(Labels labels) {
    this.labels = Objects.requireNonNull(labels, "labels");
    return this;
  }

  @Override
  public FineTuner roles(int userId, int assistantId) {
    this.roles = new ModelInfo.ChatRoles(userId, assistantId);
    return this;
  }

  @Override
  public FineTuner decay(double decay) {
    this.decay = between("decay", decay, 0, 10);
    return this;
  }

  @Override
  public FineTuner maxNorm(double norm) {
    this.maxNorm = between("maxNorm", norm, 0, 1e9);
    return this;
  }

  @Override
  public FineTuner precision(Precision precision) {
    this.precision = Objects.requireNonNull(precision, "precision");
    return this;
  }

  @Override
  public FineTuner smallStates(boolean small) {
    this.smallStates = small;
    return this;
  }

  @Override
  public FineTuner recompute(boolean recompute) {
    this.recompute = recompute;
    return this;
  }

  @Override
  public FineTuner neftune(double alpha) {
    this.neftune = between("neftune", alpha, 0, 1e3);
    return this;
  }

  @Override
  public FineTuner evaluateEvery(int steps) {
    this.evaluateEvery = between("evaluateEvery", steps, 1, Integer.MAX_VALUE);
    return this;
  }

  @Override
  public FineTuner saveEvery(int steps) {
    this.saveEvery = between("saveEvery", steps, 1, Integer.MAX_VALUE);
    return this;
  }

  @Override
  public FineTuner earlyStop(int patience) {
    this.earlyStop = between("earlyStop", patience, 0, 1 << 20);
    return this;
  }

  @Override
  public FineTuner validationShare(double share) {
    this.validationShare = between("validationShare", share, 0, 0.9);
    return this;
  }

  @Override
  public FineTuner seed(long seed) {
    this.seed = seed;
    return this;
  }

  @Override
  public FineTuner threads(int threads) {
    this.threads = between("threads", threads, 0, 1024);
    return this;
  }

  @Override
  public FineTuner exact(boolean exact) {
    this.exact = exact;
    return this;
  }

  @Override
  public FineTuner listener(Listener listener) {
    this.listener = Objects.requireNonNull(listener, "listener");
    return this;
  }

  @Override
  public FineTuner progress(ProgressListener progress) {
    this.progress = Objects.requireNonNull(progress, "progress");
    return this;
  }

  private static int between(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new InvalidRequestException(
          name, name + " has value " + value + ", expected " + low + " to " + high);
    }
    return value;
  }

  private static double between(String name, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
      throw new InvalidRequestException(
          name, name + " has value " + value + ", expected " + low + " to " + high);
    }
    return value;
  }

  @Override
  public Plan plan() {
    Prepared prepared = prepare();
    try (Ops ops = Ops.cpu(threads, exact)) {
      return plan(ops, prepared).plan();
    }
  }

  @Override
  public Result run() {
    Prepared prepared = prepare();
    Ops ops = Ops.cpu(threads, exact);
    FineTuneJob.Planned plan;
    try {
      plan = plan(ops, prepared);
      listener.planned(plan.plan());
    } catch (RuntimeException | Error e) {
      ops.close();
      throw e;
    }
    return prepared.job.run(ops, plan, saveEvery, listener, progress);
  }

  private record Prepared(FineTuneJob job, Checkpoint checkpoint, Quant quant) {}

  private FineTuneJob.Planned plan(Ops ops, Prepared prepared) {
    Checkpoint checkpoint = prepared.checkpoint;
    Architecture model = checkpoint.architecture();
    HeadSizes.require(model, ops, Device.cpu());
    MemoryEstimate estimate =
        new MemoryEstimate(
            model, prepared.quant, ops.facts().withGateApart(), Optional.of(checkpoint));
    return prepared.job.plan(estimate.weights(), ops.memoryInfo()[0], recompute);
  }

  /** Reads all but the weights. */
  private Prepared prepare() {
    require("data", data);
    require("output", output);
    Checkpoint checkpoint = Checkpoint.open(path);
    Architecture model = checkpoint.architecture();
    Quant quant = quant(checkpoint);
    int length = maxLength > 0 ? maxLength : Math.min(USUAL_LENGTH, model.maxPositions());
    if (length > model.maxPositions()) {
      throw new InvalidRequestException(
          "maxLength",
          "maxLength has value "
              + maxLength
              + ", expected at most the "
              + model.maxPositions()
              + " positions of the model");
    }
    Tokenizer tokenizer =
        TokenizerLoader.find(checkpoint)
            .orElseThrow(
                () ->
                    new InvalidRequestException(
                        "model",
                        "model has no tokenizer in "
                            + checkpoint.folder()
                            + ", expected tokenizer.model or tokenizer.json there"));
    var advice = checkpoint.generationConfig();
    SampleBuilder builder =
        new SampleBuilder(
            tokenizer,
            TrainedRoles.of(model, AdvisedOptions.roles(advice), Optional.ofNullable(roles)),
            AdvisedOptions.endIds(advice, model).get(0),
            labels,
            length);
    Samples samples =
        Samples.read(builder, data, Optional.ofNullable(validation), validationShare, seed);
    if (neftune > 0 && samples.arePairs()) {
      throw new InvalidRequestException(
          "neftune", "neftune has value " + neftune + " beside pairs of answers, expected 0");
    }
    if (earlyStop > 0 && samples.validation().isEmpty()) {
      throw new InvalidRequestException(
          "earlyStop",
          "earlyStop has value "
              + earlyStop
              + ", expected samples to validate with: a file of them, or 20 in the data");
    }
    return new Prepared(
        new FineTuneJob(checkpoint, quant, settings(model, quant), samples, output),
        checkpoint,
        quant);
  }

  private static void require(String name, Path path) {
    if (path == null) {
      throw new InvalidRequestException(name, name + " has no value, expected a path");
    }
  }

  private Quant quant(Checkpoint checkpoint) {
    Optional<Quant> stored = checkpoint.usualWeights();
    if (method == Method.FULL) {
      if (stored.filter(Quant::isQuantized).isPresent()
          || weights != null && weights != Quant.BF16) {
        throw new InvalidRequestException(
            "method",
            "method has value FULL beside weights that are "
                + (weights != null ? weights : stored.get())
                + ", expected weights of 16 or 32 bits; or train branches (LORA, QLORA)");
      }
      return Quant.BF16;
    }
    if (method == Method.QLORA && weights != null && !weights.isQuantized()) {
      throw new InvalidRequestException(
          "method",
          "method has value QLORA beside weights of "
              + weights
              + ", expected quantized ones; without, it is LORA");
    }
    if (weights != null) {
      return weights;
    }
    return stored.orElse(method == Method.QLORA ? Quant.INT4 : Quant.BF16);
  }

  private RunSettings settings(Architecture model, Quant quant) {
    return new RunSettings(
        method,
        quant.toString(),
        rank,
        alpha,
        targets(model),
        loraPlus,
        rate > 0 ? rate : method == Method.FULL ? 2e-5 : 2e-4,
        schedule,
        warmup,
        epochs,
        maxSteps,
        beta,
        batch,
        accumulate,
        precision,
        new AdamW.Settings(BETA1, BETA2, EPS, (float) decay, maxNorm, smallStates),
        neftune,
        evaluateEvery,
        earlyStop,
        seed,
        exact);
  }

  private List<Target> targets(Architecture model) {
    List<Target> ofQkv =
        model.projections().packed()
            ? List.of(Target.QKV)
            : List.of(Target.QUERIES, Target.KEYS, Target.VALUES);
    List<Target> usual = new ArrayList<>(ofQkv);
    usual.addAll(List.of(Target.OUTPUT, Target.GATE, Target.UP, Target.DOWN));
    if (targets.isEmpty()) {
      return usual;
    }
    usual.add(Target.HEAD);
    for (String target : targets) {
      if (!usual.contains(Target.named(target).orElseThrow())) {
        throw new InvalidRequestException(
            "targets",
            "targets has value "
                + target
                + ", expected of this model's matrices "
                + String.join(", ", usual.stream().map(Target::ownName).toList()));
      }
    }
    return usual.stream().filter(target -> targets.contains(target.ownName())).toList();
  }
}

package dev.baichuan4j.internal.train;

import dev.baichuan4j.FineTuner.Listener;
import dev.baichuan4j.FineTuner.Method;
import dev.baichuan4j.FineTuner.Plan;
import dev.baichuan4j.FineTuner.Result;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.lora.Target;
import dev.baichuan4j.internal.nn.AdamW;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.TrainedWeights;
import dev.baichuan4j.internal.nn.TrainingPass;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * A run from its settings to its result: the plan of its memory, the model on a context, the steps.
 */
public final class FineTuneJob {
  private final Checkpoint checkpoint;
  private final Quant quant;
  private final RunSettings settings;
  private final Samples samples;
  private final RunFolder folder;

  /**
   * @param quant how matrices that stay are held
   * @param folder to write
   */
  public FineTuneJob(
      Checkpoint checkpoint, Quant quant, RunSettings settings, Samples samples, Path folder) {
    this.checkpoint = checkpoint;
    this.quant = quant;
    this.settings = settings;
    this.samples = samples;
    this.folder = new RunFolder(folder, run());
  }

  /** What a checkpoint has to be of: all that the numbers depend on, in one line. */
  private String run() {
    long print = 17;
    for (List<Sample> all : List.of(samples.training(), samples.validation())) {
      for (Sample sample : all) {
        print = 31 * print + Arrays.hashCode(sample.ids());
        print = 31 * print + Arrays.hashCode(sample.targets());
        print = 31 * print + (sample.isPair() ? Arrays.hashCode(sample.rejected().ids()) : 0);
      }
    }
    return "%s, %d samples %016x, %s"
        .formatted(checkpoint.path().getFileName(), samples.training().size(), print, settings);
  }

  private Architecture model() {
    return checkpoint.architecture();
  }

  /** Samples of a batch: both answers of a pair are in it. */
  private int maxSamples() {
    return samples.arePairs() ? 2 * settings.batch() : settings.batch();
  }

  private int maxTokens() {
    return samples.longest() * maxSamples();
  }

  /**
   * What a run would do, and how.
   *
   * @param keeps whether the activations of all layers are kept for the way back
   */
  public record Planned(Plan plan, boolean keeps) {}

  /**
   * Returns what the run would do. Activations are kept where all of it then takes at most half of
   * the memory that there is.
   *
   * @param weights bytes of those that stay
   * @param recompute whether activations are made again in any case
   */
  public Planned plan(long weights, long available, boolean recompute) {
    Plan keeping = planOf(weights, available, true);
    boolean keeps = !recompute && keeping.bytes() <= available / 2;
    return new Planned(keeps ? keeping : planOf(weights, available, false), keeps);
  }

  private Plan planOf(long weights, long available, boolean keeps) {
    long trained = trained();
    List<Plan.Memory> memory = new ArrayList<>();
    boolean isFull = settings.method() == Method.FULL;
    if (isFull) {
      int bytes =
          switch (settings.precision()) {
            case MIXED -> 6;
            case F32 -> 4;
            case BF16 -> 2;
          };
      memory.add(new Plan.Memory("weights", trained * bytes));
    } else {
      memory.add(new Plan.Memory("weights that stay", weights));
      memory.add(new Plan.Memory("branches", 4 * trained));
    }
    memory.add(new Plan.Memory("gradients", 4 * trained));
    memory.add(
        new Plan.Memory(
            "states of the optimizer", AdamW.bytes(trained, settings.optimizer().smallStates())));
    memory.add(
        new Plan.Memory(
            "activations",
            TrainingPass.bytes(
                model(), isFull ? 1 : settings.rank(), maxTokens(), maxSamples(), keeps)));
    memory.sort(Comparator.comparingLong(Plan.Memory::bytes).reversed());
    return new Plan(
        samples.training().size(),
        samples.validation().size(),
        samples.truncated(),
        samples.dropped(),
        samples.tokens(),
        settings.steps(samples.training().size()),
        trained,
        memory,
        available,
        folder.reached());
  }

  /** How many numbers are trained. */
  private long trained() {
    if (settings.method() == Method.FULL) {
      return model().tensors().stream().mapToLong(TensorSpec::elements).sum();
    }
    long sum = 0;
    for (Target target : settings.targets()) {
      long both = (long) settings.rank() * (target.inputs(model()) + target.outputs(model()));
      sum += target == Target.HEAD ? both : both * model().layers();
    }
    return sum;
  }

  /**
   * Runs on a context, which is closed.
   *
   * @param saveEvery steps from one checkpoint to the next
   */
  public Result run(
      Ops ops, Planned planned, int saveEvery, Listener listener, ProgressListener progress) {
    Plan plan = planned.plan;
    try (ops;
        folder) {
      if (plan.bytes() > plan.available()) {
        throw new OutOfDeviceMemoryException(
            plan.bytes(),
            plan.available(),
            "train with smaller batches or samples, branches of low rank instead of all weights,"
                + " quantized matrices, or states in 8 bits");
      }
      folder.open();
      Model model = Model.load(ops, checkpoint, quant, ops.facts().withGateApart(), progress);
      try (TrainedWeights weights = weights(model);
          TrainingPass pass =
              new TrainingPass(
                  model, weights, maxTokens(), maxSamples(), samples.longest(), planned.keeps);
          AdamW optimizer =
              new AdamW(ops, weights.parameters(), settings.optimizer(), settings.seed())) {
        Result result =
            new TrainingRun(
                    settings, samples, weights, pass, optimizer, folder, saveEvery, listener)
                .run();
        folder.finish(checkpoint, settings, weights.parameters());
        return result;
      }
    }
  }

  private TrainedWeights weights(Model model) {
    if (settings.method() != Method.FULL) {
      return TrainedWeights.lora(
          model,
          new LinkedHashSet<>(settings.targets()),
          settings.rank(),
          settings.alpha(),
          settings.ratio(),
          settings.seed());
    }
    return TrainedWeights.full(model, settings.precision());
  }
}

package dev.baichuan4j;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Adapts a model to one's own texts or conversations, on the CPU:
 *
 * <pre>{@code
 * FineTuner.Result result =
 *     FineTuner.of(Path.of("Baichuan2-7B-Chat"))
 *         .data(Path.of("dialogues.jsonl"))
 *         .output(Path.of("my-adapter"))
 *         .run();
 * }</pre>
 *
 * <p>The output is a folder that appears at once and grows: {@code curve.jsonl} has a line for each
 * step and {@code checkpoint.safetensors} what a run needs to go on after it was stopped or killed;
 * it ends with the same numbers, bit for bit. When the run ends well the folder is an adapter as
 * peft writes it, or with {@link Method#FULL} a checkpoint.
 *
 * <p>Settings have their usual values until they are changed. An instance is used by one thread;
 * interrupting that thread ends the run between two parts of a step.
 */
public interface FineTuner {
  /** What of the weights is trained. */
  enum Method {
    /** Branches of low rank beside matrices of 16 bits (Hu et al. 2021, arXiv:2106.09685). */
    LORA,
    /** The same beside quantized matrices (Dettmers et al. 2023, arXiv:2305.14314). */
    QLORA,
    /** All weights. */
    FULL
  }

  /** How the learning rate goes on after the warm-up. */
  enum Schedule {
    /** It stays. */
    CONSTANT,
    /** It falls to 0 along a line. */
    LINEAR,
    /** It falls to 0 along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983). */
    COSINE
  }

  /** Which tokens of a conversation the model learns to say. */
  enum Labels {
    /**
     * Those of all answers, and the end of the text behind each, as the published script has it.
     */
    ALL_TURNS,
    /** Those of the last answer, and the end behind it. */
    LAST_TURN,
    /** All tokens. */
    EVERYTHING
  }

  /** How weights that are all trained are held. */
  enum Precision {
    /** F32, with a copy in bf16 that products read. */
    MIXED,
    /** F32 alone. */
    F32,
    /** Bf16 alone, rounded stochastically. */
    BF16
  }

  /**
   * What is told after each step.
   *
   * @param step its number, from 1
   * @param steps of the whole run
   * @param epoch how often all samples have been seen
   * @param loss mean over the step's targets, in nats
   * @param rate the learning rate
   * @param norm of the gradient, before it is clipped
   * @param tokensPerSecond of the step
   * @param secondsLeft at the pace so far
   * @param validation mean loss over the validation samples' targets, where the step was followed
   *     by a validation
   */
  record Step(
      long step,
      long steps,
      double epoch,
      double loss,
      double rate,
      double norm,
      double tokensPerSecond,
      double secondsLeft,
      OptionalDouble validation) {
    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Step {
      Objects.requireNonNull(validation, "validation");
    }
  }

  /**
   * What a run is about to do.
   *
   * @param samples that are trained on
   * @param validationSamples that are kept for validation
   * @param truncated samples of which the end was cut off, since they are longer than the limit
   * @param dropped samples that have no token to learn, cut or not
   * @param tokens of all samples of an epoch
   * @param steps of the whole run
   * @param trained how many numbers are trained
   * @param memory by what it is for, in bytes, largest first
   * @param available bytes that there are
   * @param resumedFrom the step that a run before has reached; 0 for a new one
   */
  record Plan(
      int samples,
      int validationSamples,
      int truncated,
      int dropped,
      long tokens,
      long steps,
      long trained,
      List<Memory> memory,
      long available,
      long resumedFrom) {
    /** What some memory is for, and how many bytes it takes. */
    public record Memory(String what, long bytes) {
      /**
       * Checks that every component is present.
       *
       * @throws NullPointerException if one is null
       */
      public Memory {
        Objects.requireNonNull(what, "what");
      }
    }

    /**
     * Copies the list.
     *
     * @throws NullPointerException if it is null
     */
    public Plan {
      Objects.requireNonNull(memory, "memory");
      memory = List.copyOf(memory);
    }

    /** Returns the bytes of all of it. */
    public long bytes() {
      return memory.stream().mapToLong(Memory::bytes).sum();
    }
  }

  /**
   * How a run has ended.
   *
   * @param steps that were done
   * @param loss of the last step
   * @param validation the last validation loss
   * @param bestValidation the least one, whose weights are the result where the run stopped early
   * @param stoppedEarly whether validation did not get better any more
   * @param output the folder
   */
  record Result(
      long steps,
      double loss,
      OptionalDouble validation,
      OptionalDouble bestValidation,
      boolean stoppedEarly,
      Path output) {
    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Result {
      Objects.requireNonNull(validation, "validation");
      Objects.requireNonNull(bestValidation, "bestValidation");
      Objects.requireNonNull(output, "output");
    }
  }

  /** Is told how a run goes, by the thread that runs it. */
  interface Listener {
    /** Called once, before anything large is loaded. */
    default void planned(Plan plan) {}

    /** Called after each step. */
    default void step(Step step) {}
  }

  /**
   * Returns settings for a model.
   *
   * @param model a checkpoint folder, or a GGUF or {@code .bc4j} file for LoRA beside what it holds
   */
  static FineTuner of(Path model) {
    Objects.requireNonNull(model, "model");
    return Library.entryPoints().fineTuner(model);
  }

  /**
   * A file to learn from: {@code .json} or {@code .jsonl} of conversations ({@code messages} with
   * role and content, or {@code conversations} with from and value), of instructions ({@code
   * instruction}, {@code input}, {@code output}), of texts ({@code text}), or of pairs of answers
   * ({@code prompt} or messages beside {@code chosen} and {@code rejected}), of which one is
   * preferred; or any other name, which is one plain text.
   */
  FineTuner data(Path data);

  /**
   * A file to validate with, in the same forms; without it samples of the data are kept for that.
   */
  FineTuner validation(Path validation);

  /** The folder to write: new, or that of a run that did not end. */
  FineTuner output(Path output);

  /** What is trained; {@link Method#LORA} unless set. */
  FineTuner method(Method method);

  /** How the matrices beside branches are held; as stored, and INT4 for {@link Method#QLORA}. */
  FineTuner weights(Quant weights);

  /** R, 1 to 512; 8 unless set. */
  FineTuner rank(int rank);

  /** What branches are multiplied by, times R; 16 unless set. */
  FineTuner alpha(double alpha);

  /**
   * The matrices that have branches, by their names in a layer ({@code W_pack}, {@code q_proj},
   * {@code k_proj}, {@code v_proj}, {@code o_proj}, {@code gate_proj}, {@code up_proj}, {@code
   * down_proj}, {@code lm_head}); all but the head unless set.
   */
  FineTuner targets(Set<String> targets);

  /** The ratio of the learning rate of B to that of A (LoRA+, arXiv:2402.12354); 1 unless set. */
  FineTuner loraPlus(double ratio);

  /** The highest learning rate; 2e-4, and 2e-5 for {@link Method#FULL}, unless set. */
  FineTuner learningRate(double rate);

  /** {@link Schedule#COSINE} unless set. */
  FineTuner schedule(Schedule schedule);

  /** The share of all steps in which the learning rate rises to its height; 0.03 unless set. */
  FineTuner warmup(double share);

  /** How often all samples are seen; 3 unless set. */
  FineTuner epochs(int epochs);

  /** Steps after which a run ends, before all epochs are over; 0, no limit, unless set. */
  FineTuner maxSteps(int steps);

  /**
   * How strongly the chosen answers of pairs are preferred (DPO, Rafailov et al. 2023,
   * arXiv:2305.18290); 0.1 unless set.
   */
  FineTuner dpoBeta(double beta);

  /** Samples, or pairs of them, that are run together; 4 unless set. */
  FineTuner batch(int batch);

  /** Batches of a step; 4 unless set. */
  FineTuner accumulate(int accumulate);

  /**
   * Tokens of a sample at most; a longer one is cut, which the plan tells. 512, or as many as the
   * model has positions, unless set.
   */
  FineTuner maxLength(int tokens);

  /** Which tokens of conversations are learned; {@link Labels#ALL_TURNS} unless set. */
  FineTuner labels(Labels labels);

  /**
   * The ids that stand in front of the user's and the model's messages. Unless set they are those
   * of the model's {@code generation_config.json}, and for Baichuan's base models, which have none,
   * those of its chat models.
   */
  FineTuner roles(int userId, int assistantId);

  /** Weight decay; 0 unless set. */
  FineTuner decay(double decay);

  /** The norm that the gradient is clipped to; 1 unless set, 0 for no limit. */
  FineTuner maxNorm(double norm);

  /** How weights are held that are all trained; {@link Precision#MIXED} unless set. */
  FineTuner precision(Precision precision);

  /** The optimizer's states in 8 bits, which take a quarter of the memory. */
  FineTuner smallStates(boolean small);

  /**
   * Makes the activations of a layer again on the way back instead of keeping them: less memory and
   * more time, the same numbers. Unless set they are kept where the whole run then takes at most
   * half of the memory that there is.
   */
  FineTuner recompute(boolean recompute);

  /**
   * Noise on the embeddings: uniform numbers times alpha / sqrt(tokens * C) (NEFTune, Jain et al.
   * 2023, arXiv:2310.05914); 0 unless set.
   */
  FineTuner neftune(double alpha);

  /** Steps from one validation to the next; an epoch unless set. */
  FineTuner evaluateEvery(int steps);

  /** Steps from one checkpoint to the next; 50 unless set. */
  FineTuner saveEvery(int steps);

  /** Validations without a better one after which a run stops; 0, never, unless set. */
  FineTuner earlyStop(int patience);

  /** The share of the samples that is kept for validation; 0.05 unless set. */
  FineTuner validationShare(double share);

  /** Of the order of samples, A's numbers and the noise; 42 unless set. */
  FineTuner seed(long seed);

  /** CPU threads; 0, the physical cores, unless set. No result depends on it. */
  FineTuner threads(int threads);

  /** Keeps all activations in F32; else products round them as they do in generation. */
  FineTuner exact(boolean exact);

  /** Who is told how the run goes. */
  FineTuner listener(Listener listener);

  /** What is told how far the loading of the model is. */
  FineTuner progress(ProgressListener progress);

  /**
   * Reads the data and says what a run would do, without loading the weights.
   *
   * @throws InvalidRequestException as {@link #run}
   * @throws ModelFormatException as {@link #run}
   */
  Plan plan();

  /**
   * Runs, from the beginning or from where a run before was stopped.
   *
   * @throws InvalidRequestException if a setting does not fit the model, the data has no sample to
   *     learn from, or the output is of a run with other settings
   * @throws ModelFormatException if the data or the model are malformed; the line is named
   * @throws OutOfDeviceMemoryException if the plan takes more memory than there is
   * @throws TrainingException if a loss or a gradient is not a finite number; the folder has the
   *     checkpoint from before
   * @throws OutputException if the folder cannot be written
   * @throws OperationInterruptedException if the thread is interrupted
   */
  Result run();
}

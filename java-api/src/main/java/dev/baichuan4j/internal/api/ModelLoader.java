package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Calibration;
import dev.baichuan4j.ContextScaling;
import dev.baichuan4j.Device;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.GenerationConfig;
import dev.baichuan4j.internal.engine.Draft;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.lora.MergedWeights;
import dev.baichuan4j.internal.nn.AdapterPool;
import dev.baichuan4j.internal.nn.CalibrationTokens;
import dev.baichuan4j.internal.nn.DeviceFacts;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.session.SavedSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Settings of a load, and the load. */
final class ModelLoader implements BaichuanLoader {
  /** New tokens of an answer where the checkpoint does not say how many. */
  private static final int DEFAULT_NEW_TOKENS = 512;

  private static final Logger log = LoggerFactory.getLogger(Baichuan.class);

  private final Path path; // null for a random model
  private final Architecture random; // null for a checkpoint
  private Device device;
  private Quant weights;
  private boolean exact;
  private int threads;
  private boolean pin;
  private int contextLength;
  private int maxConcurrent = 8;
  private int maxQueued = 256;
  private int chunkTokens = 512;
  private KvType cacheType;
  private PromptFormat promptFormat; // null for what the checkpoint asks for
  private ContextScaling contextScaling = ContextScaling.AS_PUBLISHED;
  private long cacheBytes;
  private Path draft; // null for none
  private final List<Path> merged = new ArrayList<>(); // adapters
  private long adapterBytes; // 0 for what is usual
  private ProgressListener progress = ProgressListener.NONE;

  ModelLoader(Path path, Architecture random) {
    this.path = path;
    this.random = random;
  }

  @Override
  public BaichuanLoader device(Device device) {
    this.device = Objects.requireNonNull(device, "device");
    return this;
  }

  @Override
  public BaichuanLoader weights(Quant weights) {
    this.weights = Objects.requireNonNull(weights, "weights");
    return this;
  }

  @Override
  public BaichuanLoader exact(boolean exact) {
    this.exact = exact;
    return this;
  }

  @Override
  public BaichuanLoader threads(int threads) {
    this.threads = between("threads", threads, 0, 1024);
    return this;
  }

  @Override
  public BaichuanLoader pin(boolean pin) {
    this.pin = pin;
    return this;
  }

  @Override
  public BaichuanLoader contextLength(int contextLength) {
    this.contextLength = between("contextLength", contextLength, 2, 1 << 20);
    return this;
  }

  @Override
  public BaichuanLoader maxConcurrent(int maxConcurrent) {
    this.maxConcurrent = between("maxConcurrent", maxConcurrent, 1, 1024);
    return this;
  }

  @Override
  public BaichuanLoader maxQueued(int maxQueued) {
    this.maxQueued = between("maxQueued", maxQueued, 1, 1 << 20);
    return this;
  }

  @Override
  public BaichuanLoader chunkTokens(int chunkTokens) {
    this.chunkTokens = between("chunkTokens", chunkTokens, 1, 1 << 16);
    return this;
  }

  @Override
  public BaichuanLoader cacheType(KvType cacheType) {
    this.cacheType = Objects.requireNonNull(cacheType, "cacheType");
    return this;
  }

  @Override
  public BaichuanLoader cacheBytes(long cacheBytes) {
    if (cacheBytes < 1) {
      throw new InvalidRequestException(
          "cacheBytes", "cacheBytes has value " + cacheBytes + ", expected 1 or more");
    }
    this.cacheBytes = cacheBytes;
    return this;
  }

  @Override
  public BaichuanLoader contextScaling(ContextScaling contextScaling) {
    this.contextScaling = Objects.requireNonNull(contextScaling, "contextScaling");
    return this;
  }

  @Override
  public BaichuanLoader promptFormat(PromptFormat promptFormat) {
    this.promptFormat = Objects.requireNonNull(promptFormat, "promptFormat");
    return this;
  }

  @Override
  public BaichuanLoader draftModel(Path draftModel) {
    this.draft = Objects.requireNonNull(draftModel, "draftModel");
    return this;
  }

  @Override
  public BaichuanLoader adapterBytes(long adapterBytes) {
    this.adapterBytes = between("adapterBytes", adapterBytes, 1 << 12, 1L << 36);
    return this;
  }

  @Override
  public BaichuanLoader mergedAdapter(Path folder) {
    merged.add(Objects.requireNonNull(folder, "folder"));
    return this;
  }

  @Override
  public BaichuanLoader progress(ProgressListener progress) {
    this.progress = Objects.requireNonNull(progress, "progress");
    return this;
  }

  private static int between(String name, int value, int low, int high) {
    return (int) between(name, (long) value, low, high);
  }

  private static long between(String name, long value, long low, long high) {
    if (value < low || value > high) {
      throw new InvalidRequestException(
          name, name + " has value " + value + ", expected " + low + " to " + high);
    }
    return value;
  }

  @Override
  public MemoryPlan memoryPlan() {
    Optional<Checkpoint> checkpoint = checkpoint();
    Architecture model = checkpoint.map(Checkpoint::architecture).orElseGet(this::random);
    Optional<Checkpoint> guesses = draft(model, checkpoint.flatMap(TokenizerLoader::find));
    try (Ops ops = ops(where())) {
      MemoryBudget budget = budget(ops, checkpoint, guesses);
      return budget.plan(budget.pages(budget.weights()));
    }
  }

  private MemoryBudget budget(
      Ops ops, Optional<Checkpoint> checkpoint, Optional<Checkpoint> guesses) {
    Architecture model = checkpoint.map(Checkpoint::architecture).orElseGet(this::random);
    HeadSizes.require(model, ops, where());
    guesses.ifPresent(c -> HeadSizes.require(c.architecture(), ops, where()));
    return new MemoryBudget(
        ops,
        new MemoryEstimate(model, weights(checkpoint), factsFor(ops), checkpoint),
        cacheType(activations(ops, checkpoint), ops.facts()),
        guesses.map(
            c -> new MemoryEstimate(c.architecture(), weights(guesses), ops.facts(), guesses)),
        guesses.map(c -> cacheType(activations(ops, guesses), ops.facts())).orElse(null),
        context(model),
        cacheBytes,
        adapterBytes,
        chunkTokens,
        maxConcurrent);
  }

  /** The checkpoint of the draft model. */
  private Optional<Checkpoint> draft(Architecture model, Optional<Tokenizer> tokenizer) {
    if (draft == null) {
      return Optional.empty();
    }
    Checkpoint guesses = scaled(Checkpoint.open(draft));
    SameVocabulary.require(
        model.vocabularySize(),
        tokenizer,
        guesses.architecture().vocabularySize(),
        TokenizerLoader.find(guesses));
    return Optional.of(guesses);
  }

  @Override
  public Baichuan load() {
    long start = System.nanoTime();
    Optional<Checkpoint> checkpoint = checkpoint();
    Optional<Tokenizer> tokenizer = checkpoint.flatMap(TokenizerLoader::find);
    Optional<GenerationConfig> advice = checkpoint.flatMap(Checkpoint::generationConfig);
    GenerationOptions defaults = advice.map(AdvisedOptions::of).orElse(GenerationOptions.greedy());
    Architecture model = checkpoint.map(Checkpoint::architecture).orElseGet(this::random);
    Prompts prompts = Prompts.of(checkpoint, promptFormat);
    Optional<Checkpoint> guesses = draft(model, tokenizer);
    Device where = where();
    Ops ops = ops(where);
    try {
      MemoryBudget budget = budget(ops, checkpoint, guesses);
      Quant quant = weights(checkpoint);
      budget.requireRoom();
      Model loaded =
          checkpoint.isPresent()
              ? Model.load(ops, checkpoint.get(), quant, factsFor(ops), progress)
              : Model.random(ops, model, quant);
      loaded.adapters().limit(adapterBytes == 0 ? AdapterPool.USUAL_BYTES : adapterBytes);
      SavedSession.Origin origin =
          CacheOrigin.of(ops, model, quant, budget.cache(), exact, context(model), checkpoint);
      Optional<Draft> drafting =
          guesses.map(
              c ->
                  new Draft(
                      Model.load(ops, c, weights(guesses), progress),
                      ElementType.of(budget.draftCache())));
      int pages = budget.pages(0);
      ModelInfo info =
          info(loaded, where, budget.cache(), budget.plan(pages), quant, advice, prompts);
      Engine engine = engine(loaded, budget.cache(), pages, drafting);
      try {
        Baichuan loadedModel = new LoadedModel(engine, tokenizer, defaults, prompts, info, origin);
        tellOfLoad(info, start);
        return loadedModel;
      } catch (RuntimeException | Error e) {
        engine.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      ops.close();
      throw e;
    }
  }

  private void tellOfLoad(ModelInfo info, long start) {
    log.info(
        "loaded {} in {} ms: {} weights on {}, {} threads, context of {} tokens, {} MiB of which"
            + " {} are the cache",
        path == null ? "a random model" : path,
        (System.nanoTime() - start) / 1_000_000,
        info.weights(),
        info.device(),
        info.threads(),
        info.contextLength(),
        info.memory().total() >> 20,
        info.memory().cache() >> 20);
  }

  private Optional<Checkpoint> checkpoint() {
    if (path != null) {
      return Optional.of(MergedWeights.of(scaled(Checkpoint.open(path)), merged));
    }
    if (!merged.isEmpty()) {
      throw new InvalidRequestException(
          "mergedAdapter",
          "mergedAdapter has value " + merged + ", expected none: the model is random");
    }
    return Optional.empty();
  }

  private Architecture random() {
    return random.withPositions(ScaledPositions.of(random, contextScaling));
  }

  private Checkpoint scaled(Checkpoint checkpoint) {
    return checkpoint.withPositions(ScaledPositions.of(checkpoint.architecture(), contextScaling));
  }

  private static ElementType activations(Ops ops, Optional<Checkpoint> checkpoint) {
    return checkpoint.isPresent()
        ? Model.activations(ops, checkpoint.get())
        : Model.randomActivations(ops);
  }

  @Override
  public void quantize(Path target) {
    quantize(target, Optional.empty());
  }

  @Override
  public void quantize(Path target, Calibration calibration) {
    Objects.requireNonNull(target, "target");
    quantize(target, Optional.of(Objects.requireNonNull(calibration, "calibration")));
  }

  private void quantize(Path target, Optional<Calibration> calibration) {
    Objects.requireNonNull(target, "target");
    Checkpoint checkpoint =
        checkpoint()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "loader has no checkpoint, expected a folder or file"));
    if (device instanceof Device.Cuda) {
      throw new InvalidRequestException(
          "device", "device has value " + device + ", expected cpu, which quantizes here");
    }
    Quant quant = weights == null ? Quant.BF16 : weights;
    Optional<CalibrationTokens> tokens =
        calibration.map(text -> CalibrationText.tokens(text, checkpoint, promptFormat));
    QuantizedTarget.write(checkpoint, quant, tokens, target, threads, exact, progress);
  }

  private Quant weights(Optional<Checkpoint> checkpoint) {
    return weights != null
        ? weights
        : checkpoint.flatMap(Checkpoint::usualWeights).orElse(Quant.BF16);
  }

  private Engine engine(Model model, KvType cache, int pages, Optional<Draft> drafting) {
    Engine engine =
        new Engine(
            model,
            new Engine.Limits(
                context(model.architecture()),
                pages,
                ElementType.of(cache),
                chunkTokens,
                maxConcurrent,
                maxQueued),
            drafting);
    if (pin) {
      try {
        engine.pin();
      } catch (RuntimeException | Error e) {
        engine.close();
        throw e;
      }
    }
    return engine;
  }

  private ModelInfo info(
      Model loaded,
      Device where,
      KvType cache,
      MemoryPlan memory,
      Quant quant,
      Optional<GenerationConfig> advice,
      Prompts prompts) {
    Architecture model = loaded.architecture();
    Optional<ModelInfo.ChatRoles> roles = AdvisedOptions.roles(advice);
    long position = KvCache.pageBytes(model, ElementType.of(cache)) / Layout.PAGE;
    return new ModelInfo(
        model.shape(),
        roles,
        prompts.format(roles.isPresent()),
        prompts.toolForm(),
        AdvisedOptions.endIds(advice, model),
        context(model),
        advice
            .map(GenerationConfig::maxNewTokens)
            .orElse(OptionalInt.empty())
            .orElse(DEFAULT_NEW_TOKENS),
        where,
        loaded.ops().facts().threads(),
        quant,
        cache,
        memory,
        new ModelInfo.Traffic(loaded.bytesPerToken(), position),
        loaded.quantizationErrors());
  }

  /** What the model is put together by: one for adapters can have them of gate and up. */
  private DeviceFacts factsFor(Ops ops) {
    return adapterBytes > 0 ? ops.facts().withGateApart() : ops.facts();
  }

  private Device where() {
    return device != null ? device : exact ? Device.cpu() : Device.auto();
  }

  private Ops ops(Device where) {
    if (!(where instanceof Device.Cuda cuda)) {
      requireCores();
      return Ops.cpu(threads, exact);
    }
    if (pin) {
      throw new InvalidRequestException(
          "pin", "pin has value true, expected false on " + where + ": it is for CPU threads");
    }
    if (exact) {
      throw new InvalidRequestException(
          "exact", "exact has value true, expected false on " + where + ": use the CPU for it");
    }
    return cuda.stream() == 0 ? Ops.cuda(cuda.index()) : Ops.cuda(cuda.index(), cuda.stream());
  }

  /** Checks, before anything is loaded, that every thread can have a core. */
  private void requireCores() {
    int cores = Ops.cpuCores();
    if (pin && threads > cores) {
      throw new InvalidRequestException(
          "threads",
          "threads has value "
              + threads
              + ", expected at most "
              + cores
              + " with pin, the physical cores that the process may use");
    }
  }

  private KvType cacheType(ElementType activations, DeviceFacts facts) {
    // BF16 is what models were trained with, no value overflows it, and some processors multiply it
    // twice as fast as F16.
    KvType usual = activations == ElementType.F16 ? KvType.F16 : exact ? KvType.F32 : KvType.BF16;
    if (cacheType == null) {
      return usual;
    }
    if (!facts.takesCache(ElementType.of(cacheType), activations)) {
      throw new InvalidRequestException(
          "cacheType",
          "cacheType has value "
              + cacheType
              + ", expected INT8 or, on a GPU, "
              + usual
              + " as the weights");
    }
    return cacheType;
  }

  private int context(Architecture model) {
    return contextLength > 0 ? contextLength : model.maxPositions();
  }
}

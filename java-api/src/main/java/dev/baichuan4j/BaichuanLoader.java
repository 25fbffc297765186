package dev.baichuan4j;

import dev.baichuan4j.checkpoint.Checkpoint;
import dev.baichuan4j.checkpoint.GenerationConfig;
import dev.baichuan4j.checkpoint.ModelConfig;
import dev.baichuan4j.engine.Engine;
import dev.baichuan4j.nn.KvPages;
import dev.baichuan4j.nn.Model;
import dev.baichuan4j.nn.Ops;
import dev.baichuan4j.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Optional;

/** Settings of a load; every one has a default. For one thread. */
public final class BaichuanLoader {
  private final Path path;
  private Device device;
  private Quant weights = Quant.BF16;
  private boolean exact;
  private int threads;
  private int contextLength;
  private int maxConcurrent = 8;
  private int maxQueued = 256;
  private int chunkTokens = 512;
  private KvType cacheType;
  private PromptFormat promptFormat = PromptFormat.CURRENT;
  private long cacheBytes;
  private ProgressListener progress = ProgressListener.NONE;

  BaichuanLoader(Path path) {
    this.path = path;
  }

  /** Where to run; default {@link Device#auto()}. */
  public BaichuanLoader device(Device device) {
    this.device = device;
    return this;
  }

  /** How matrices are held; default {@link Quant#BF16}. */
  public BaichuanLoader weights(Quant weights) {
    this.weights = weights;
    return this;
  }

  /**
   * Keeps activations in f32 from end to end, the cache included. The default may round what enters
   * a matrix product to bf16 (16-bit weights) or int8 (quantized weights), and holds the cache in
   * f16.
   */
  public BaichuanLoader exact(boolean exact) {
    this.exact = exact;
    return this;
  }

  /** CPU threads; 0, the default, takes one per physical core that the process may use. */
  public BaichuanLoader threads(int threads) {
    this.threads = between("threads", threads, 0, 1024);
    return this;
  }

  /** Most tokens of a text, prompt included; default what the model was made for. */
  public BaichuanLoader contextLength(int contextLength) {
    this.contextLength = between("contextLength", contextLength, 2, 1 << 20);
    return this;
  }

  /** Most texts that are written at once; more wait. Default 8. */
  public BaichuanLoader maxConcurrent(int maxConcurrent) {
    this.maxConcurrent = between("maxConcurrent", maxConcurrent, 1, 1024);
    return this;
  }

  /** Most requests that wait; one more is a {@link QueueFullException}. Default 256. */
  public BaichuanLoader maxQueued(int maxQueued) {
    this.maxQueued = between("maxQueued", maxQueued, 1, 1 << 20);
    return this;
  }

  /** Most prompt tokens of one step; default 512. */
  public BaichuanLoader chunkTokens(int chunkTokens) {
    this.chunkTokens = between("chunkTokens", chunkTokens, 1, 1 << 16);
    return this;
  }

  /** How keys and values are held; default F16, or F32 with {@link #exact}. */
  public BaichuanLoader cacheType(KvType cacheType) {
    this.cacheType = cacheType;
    return this;
  }

  /**
   * Size of the key-value cache; default room for {@link #maxConcurrent} full texts, at most a
   * quarter of the free memory but never less than one text. Memory is committed as it fills.
   */
  public BaichuanLoader cacheBytes(long cacheBytes) {
    if (cacheBytes < 1) {
      throw new InvalidRequestException(
          "cacheBytes", "cacheBytes has value " + cacheBytes + ", expected 1 or more");
    }
    this.cacheBytes = cacheBytes;
    return this;
  }

  /**
   * How conversations are put to the model; default {@link PromptFormat#CURRENT}. A checkpoint does
   * not say which one it was trained with.
   */
  public BaichuanLoader promptFormat(PromptFormat promptFormat) {
    this.promptFormat = promptFormat;
    return this;
  }

  /** Told about the load. */
  public BaichuanLoader progress(ProgressListener progress) {
    this.progress = progress;
    return this;
  }

  private static int between(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new InvalidRequestException(
          name, name + " has value " + value + ", expected " + low + " to " + high);
    }
    return value;
  }

  /**
   * The memory that {@link #load} would take, without loading.
   *
   * @throws ModelFormatException when the folder is not a Baichuan checkpoint
   * @throws NativeLoadException when the native library does not load
   */
  public MemoryPlan memoryPlan() {
    requirePath();
    ModelConfig config = Checkpoint.open(path).config();
    try (Ops ops = ops()) {
      return plan(config, pages(config, ops));
    }
  }

  /**
   * Loads the checkpoint.
   *
   * @throws ModelFormatException when a file is missing, broken or not a Baichuan checkpoint
   * @throws NativeLoadException when the native library does not load
   * @throws DeviceException when the device is not there
   * @throws OutOfDeviceMemoryException when it is too small
   */
  public Baichuan load() {
    requirePath();
    Checkpoint checkpoint = Checkpoint.open(path);
    Tokenizer tokenizer = Tokenizer.load(checkpoint.tokenizerModel());
    if (tokenizer.vocabularySize() > checkpoint.config().vocabularySize()) {
      throw new ModelFormatException(
          checkpoint.tokenizerModel(),
          "tokenizer",
          "at most " + checkpoint.config().vocabularySize() + " pieces",
          tokenizer.vocabularySize() + " pieces");
    }
    Ops ops = ops();
    Model model = null;
    try {
      model = Model.load(ops, checkpoint, weights, progress);
      Engine engine = new Engine(model, limits(model.config(), ops));
      return new Baichuan(
          engine,
          Optional.of(tokenizer),
          checkpoint.generationConfig(),
          plan(model.config(), engine.limits().pages()),
          weights,
          promptFormat);
    } catch (RuntimeException | Error e) {
      ops.close();
      throw e;
    }
  }

  /**
   * A model of the given shape with random weights and without a tokenizer: for benchmarks.
   *
   * @throws OutOfDeviceMemoryException when the device is too small
   */
  public Baichuan random(ModelConfig config) {
    Ops ops = ops();
    try {
      Model model = Model.random(ops, config, weights);
      Engine engine = new Engine(model, limits(config, ops));
      return new Baichuan(
          engine,
          Optional.empty(),
          Optional.<GenerationConfig>empty(),
          plan(config, engine.limits().pages()),
          weights,
          promptFormat);
    } catch (RuntimeException | Error e) {
      ops.close();
      throw e;
    }
  }

  private void requirePath() {
    if (path == null) {
      throw new IllegalStateException("loader has no checkpoint, expected random(config)");
    }
  }

  private Ops ops() {
    Device where = device == null ? Device.auto() : device;
    return where instanceof Device.Cuda cuda
        ? Ops.cuda(cuda.index(), exact)
        : Ops.cpu(threads, exact);
  }

  private KvType cacheType() {
    return cacheType != null ? cacheType : exact ? KvType.F32 : KvType.F16;
  }

  private int context(ModelConfig config) {
    return contextLength > 0 ? contextLength : config.maxPositions();
  }

  private int pages(ModelConfig config, Ops ops) {
    int slots = KvPages.pagesFor(context(config));
    long page = KvPages.pageBytes(config, cacheType().type());
    if (cacheBytes > 0) {
      if (cacheBytes / page < 1) {
        throw new InvalidRequestException(
            "cacheBytes",
            "cacheBytes has value " + cacheBytes + ", expected at least one page of " + page);
      }
      return (int) Math.min(cacheBytes / page, Integer.MAX_VALUE);
    }
    long fitting = ops.memoryInfo()[0] / 4 / page;
    return (int) Math.max(slots, Math.min((long) slots * maxConcurrent, fitting));
  }

  private Engine.Limits limits(ModelConfig config, Ops ops) {
    return new Engine.Limits(
        context(config),
        pages(config, ops),
        cacheType().type(),
        chunkTokens,
        maxConcurrent,
        maxQueued);
  }

  private MemoryPlan plan(ModelConfig config, int pages) {
    return MemoryPlan.of(
        config, weights, cacheType(), pages, chunkTokens, Math.max(maxConcurrent, 64));
  }
}

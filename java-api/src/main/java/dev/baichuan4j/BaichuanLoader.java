package dev.baichuan4j;

import dev.baichuan4j.checkpoint.Checkpoint;
import dev.baichuan4j.checkpoint.GenerationConfig;
import dev.baichuan4j.checkpoint.ModelConfig;
import dev.baichuan4j.engine.Engine;
import dev.baichuan4j.nn.ElementType;
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

  /** Where to run; default {@link Device#auto()}, and the CPU with {@link #exact}. */
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
   * f16. For the CPU: a GPU has activations of 16 bits.
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

  /**
   * How keys and values are held; default BF16, or F32 with {@link #exact}. A GPU holds them as its
   * 16-bit activations, BF16 or F16 by the weights, or in INT8.
   */
  public BaichuanLoader cacheType(KvType cacheType) {
    this.cacheType = cacheType;
    return this;
  }

  /**
   * Size of the key-value cache; default room for {@link #maxConcurrent} full texts, at most a
   * quarter of the free memory (on a GPU, nine tenths of what the model leaves) but never less than
   * one text. On the CPU memory is committed as it fills.
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
    Checkpoint checkpoint = Checkpoint.open(path);
    ModelConfig config = checkpoint.config();
    try (Ops ops = ops()) {
      KvType cache = cacheType(Model.activations(ops, checkpoint), ops);
      long weightBytes = MemoryPlan.weightBytes(config, weights);
      return plan(config, ops, cache, pages(config, ops, cache, weightBytes));
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
    try {
      KvType cache = cacheType(Model.activations(ops, checkpoint), ops);
      requireRoom(checkpoint.config(), ops, cache);
      Model model = Model.load(ops, checkpoint, weights, progress);
      return baichuan(model, cache, Optional.of(tokenizer), checkpoint.generationConfig());
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
      KvType cache = cacheType(Model.randomActivations(ops), ops);
      requireRoom(config, ops, cache);
      Model model = Model.random(ops, config, weights);
      return baichuan(model, cache, Optional.empty(), Optional.empty());
    } catch (RuntimeException | Error e) {
      ops.close();
      throw e;
    }
  }

  private Baichuan baichuan(
      Model model,
      KvType cache,
      Optional<Tokenizer> tokenizer,
      Optional<GenerationConfig> generation) {
    ModelConfig config = model.config();
    int pages = pages(config, model.ops(), cache, 0);
    MemoryPlan plan = plan(config, model.ops(), cache, pages);
    Engine engine =
        new Engine(
            model,
            new Engine.Limits(
                context(config), pages, cache.type(), chunkTokens, maxConcurrent, maxQueued));
    return new Baichuan(engine, tokenizer, generation, plan, weights, promptFormat);
  }

  private void requirePath() {
    if (path == null) {
      throw new IllegalStateException("loader has no checkpoint, expected random(config)");
    }
  }

  private Ops ops() {
    Device where = device != null ? device : exact ? Device.cpu() : Device.auto();
    if (!(where instanceof Device.Cuda cuda)) {
      return Ops.cpu(threads, exact);
    }
    if (exact) {
      throw new InvalidRequestException(
          "exact", "exact has value true, expected false on " + where + ": use the CPU for it");
    }
    return cuda.stream() == 0 ? Ops.cuda(cuda.index()) : Ops.cuda(cuda.index(), cuda.stream());
  }

  private KvType cacheType(ElementType activations, Ops ops) {
    if (!ops.isGpu()) {
      // BF16 is what checkpoints hold: what models were trained to bear, and no value overflows.
      // Some
      // processors multiply it twice as fast as F16.
      return cacheType != null ? cacheType : exact ? KvType.F32 : KvType.BF16;
    }
    KvType usual = KvType.of(activations);
    if (cacheType == null || cacheType == usual) {
      return usual;
    }
    if (cacheType != KvType.INT8) {
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

  private int context(ModelConfig config) {
    return contextLength > 0 ? contextLength : config.maxPositions();
  }

  /**
   * Pages of the cache.
   *
   * @param toCome bytes that are still to be taken for weights
   */
  private int pages(ModelConfig config, Ops ops, KvType cache, long toCome) {
    int slots = KvPages.pagesFor(context(config));
    long page = KvPages.pageBytes(config, cache.type());
    if (cacheBytes > 0) {
      if (cacheBytes / page < 1) {
        throw new InvalidRequestException(
            "cacheBytes",
            "cacheBytes has value " + cacheBytes + ", expected at least one page of " + page);
      }
      return (int) Math.min(cacheBytes / page, Integer.MAX_VALUE);
    }
    long free = ops.memoryInfo()[0];
    // A GPU is the model's alone, and what is left after weights and buffers has no better use; a
    // tenth stays for scratch and recorded steps.
    long room =
        ops.isGpu() ? (free - toCome - plan(config, ops, cache, 0).workspace()) / 10 * 9 : free / 4;
    return (int) Math.max(slots, Math.min((long) slots * maxConcurrent, room / page));
  }

  private MemoryPlan plan(ModelConfig config, Ops ops, KvType cache, int pages) {
    return MemoryPlan.of(
        config,
        weights,
        cache,
        pages,
        ops.isGpu() ? 2 : 4,
        chunkTokens,
        Math.max(maxConcurrent, 64));
  }

  /** On a GPU: before anything is loaded, that it can hold the model and a cache. */
  private void requireRoom(ModelConfig config, Ops ops, KvType cache) {
    if (!ops.isGpu()) {
      return;
    }
    int pages = pages(config, ops, cache, MemoryPlan.weightBytes(config, weights));
    long needed = plan(config, ops, cache, pages).total();
    long free = ops.memoryInfo()[0];
    if (needed > free) {
      throw new OutOfDeviceMemoryException(needed, free);
    }
  }
}

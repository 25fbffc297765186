package dev.baichuan4j;

import java.nio.file.Path;

/**
 * Settings of a load; every one has a default. For one thread. A null argument is a {@link
 * NullPointerException} that names it.
 */
public interface BaichuanLoader {
  /** Where to run; default {@link Device#auto()}, and the CPU with {@link #exact}. */
  BaichuanLoader device(Device device);

  /**
   * How matrices are held; default as the checkpoint has them: {@link Quant#BF16}, or what {@link
   * #quantize} has made of it.
   */
  BaichuanLoader weights(Quant weights);

  /**
   * Keeps activations in f32 from end to end, the cache included. The default may round what enters
   * a matrix product to bf16 (16-bit weights) or int8 (quantized weights), and holds the cache as
   * {@link #cacheType} says. For the CPU: a GPU has activations of 16 bits.
   */
  BaichuanLoader exact(boolean exact);

  /** CPU threads; 0, the default, takes one per physical core that the process may use. */
  BaichuanLoader threads(int threads);

  /**
   * Binds each thread that computes to a physical core of those that the process may use; default
   * false. For a model that has its cores for itself: two that do this share the same cores unless
   * each process is given its own, with taskset or a cpuset. CPU on Linux only.
   */
  BaichuanLoader pin(boolean pin);

  /** Most tokens of a text, prompt included; default what the model was made for. */
  BaichuanLoader contextLength(int contextLength);

  /** Most texts that are written at once; more wait. Default 8. */
  BaichuanLoader maxConcurrent(int maxConcurrent);

  /** Most requests that wait; one more is a {@link QueueFullException}. Default 256. */
  BaichuanLoader maxQueued(int maxQueued);

  /** Most prompt tokens of one step; default 512. */
  BaichuanLoader chunkTokens(int chunkTokens);

  /**
   * How keys and values are held; default BF16, or F32 with {@link #exact}. A GPU holds them as its
   * 16-bit activations, BF16 or F16 by the weights, or in INT8.
   */
  BaichuanLoader cacheType(KvType cacheType);

  /**
   * Size of the key-value cache; default room for {@link #maxConcurrent} full texts, at most a
   * quarter of the free memory (on a GPU, nine tenths of what the model leaves) but never less than
   * one text. Texts that begin alike share it, and what ended texts left gives way when room is
   * needed; where that is not enough, the youngest text waits, and is the same text later. On the
   * CPU memory is committed as it fills.
   */
  BaichuanLoader cacheBytes(long cacheBytes);

  /**
   * What is done to positions where {@link #contextLength} is greater than the model was trained
   * with; default {@link ContextScaling#AS_PUBLISHED}. A checkpoint that has a {@code rope_scaling}
   * of its own cannot have another: {@link #load} refuses it.
   */
  BaichuanLoader contextScaling(ContextScaling contextScaling);

  /**
   * How conversations are put to the model; default {@link PromptFormat#TEMPLATE} for a relative of
   * the Baichuan models that has a chat template, else {@link PromptFormat#CURRENT}. A checkpoint
   * of Baichuan's does not say which one it was trained with. {@link #load} refuses {@link
   * PromptFormat#TEMPLATE} where there is no template, and a template that cannot be read, with its
   * line.
   */
  BaichuanLoader promptFormat(PromptFormat promptFormat);

  /**
   * Loads a smaller model too, which guesses the next tokens of a text; the model verifies several
   * of them in one step where that pays ({@link GenerationOptions#draftTokens()}), so texts are the
   * same and sooner there. It is held as {@link #weights} says, on the same device, has as many
   * pages of a cache, which count to {@link #cacheBytes}, and reads each prompt as well. Default
   * none: guesses come from the text alone.
   *
   * @param draftModel the folder of a checkpoint whose vocabulary is that of the model
   */
  BaichuanLoader draftModel(Path draftModel);

  /**
   * Adds a low-rank adapter (LoRA) to the weights before they are quantized: W + scale · B A in
   * f32, rounded once to the type of the checkpoint, or quantized as it is. May be called several
   * times; the adapters are added one after the other. Matrices that are changed are held in
   * memory, where others of 16 bits are mapped. A head that normalizes its rows does so after the
   * sum. To have adapters chosen by request, load them beside the weights instead.
   *
   * @param folder as peft writes it: {@code adapter_config.json}, and {@code
   *     adapter_model.safetensors} or {@code adapter_model.bin}
   */
  BaichuanLoader mergedAdapter(Path folder);

  /**
   * Most bytes of adapters that {@link Baichuan#loadAdapter} may have loaded at once; default 1
   * GiB. One more that does not fit is refused. Memory is taken when the first adapter is loaded;
   * on a CPU it is committed as it fills, and on a GPU it is kept free of the cache where it is
   * asked for here. A GPU computes gate and up in one product unless this is called: then they are
   * two, which adapters may change.
   */
  BaichuanLoader adapterBytes(long adapterBytes);

  /** Told about the load. */
  BaichuanLoader progress(ProgressListener progress);

  /**
   * Returns the memory that {@link #load} would take, without loading.
   *
   * @throws ModelFormatException when the folder is not a Baichuan checkpoint
   * @throws NativeLoadException when the native library does not load
   * @throws DeviceException when the device is not there, its driver is too old, or the system
   *     refuses the threads
   * @throws OperationInterruptedException when this thread is interrupted while files are read
   */
  MemoryPlan memoryPlan();

  /**
   * Loads the checkpoint, or makes the random model.
   *
   * @throws ModelFormatException when a file is missing, broken or not a Baichuan checkpoint
   * @throws InvalidRequestException when settings exclude each other, the device does not have what
   *     they ask for, or the draft model has another vocabulary
   * @throws NativeLoadException when the native library does not load
   * @throws DeviceException when the device is not there, its driver is too old, or the system
   *     refuses the threads
   * @throws OutOfDeviceMemoryException when it is too small
   * @throws OperationInterruptedException when this thread is interrupted while files are read, or
   *     before the last layer is loaded: nothing stays loaded then
   */
  Baichuan load();

  /**
   * Writes the checkpoint with its matrices quantized, as {@link #weights} says, to a folder, or to
   * one file where the name ends in {@code .bc4j}, that loads without quantizing again: its weights
   * are mapped. Needs the memory of a small block of weights; the target appears when all of it is
   * on the disk. Until then its files are in {@code .NAME.partial} beside it, which is removed when
   * the call fails; where the process is killed, the next call with the same target removes it.
   *
   * @param target the folder or file, which is not there yet; folders above it are created
   * @throws InvalidRequestException when something is there, the path is not one of the system's
   *     own files, or the weights are BF16 or STORED
   * @throws ModelFormatException when a file is missing, broken, quantized already or not a
   *     Baichuan checkpoint, or has weights that are not finite or too large to quantize
   * @throws OutputException when the disk is full, the folder cannot be written, or another call,
   *     of any process, writes it
   * @throws NativeLoadException when the native library does not load
   * @throws OperationInterruptedException when this thread is interrupted: nothing is left of the
   *     folder then
   * @throws IllegalStateException when this is not the loader of a checkpoint
   */
  void quantize(Path target);

  /**
   * Does the same with rounding that knows the activations of a text: what rounding a weight
   * changes in the products is made up for by the weights that are rounded after it. It takes
   * minutes where {@link #quantize(Path)} takes seconds, and the memory of the text's activations
   * and of a matrix of second moments besides; the model loses about half as much.
   *
   * @param calibration the text
   * @throws InvalidRequestException as above, and when the weights are INT8, the text cannot be
   *     read or has fewer than two tokens, the checkpoint has no tokenizer, conversations are given
   *     for a model that is none for chats, or there is too little memory
   * @throws ModelFormatException as above, and when a line of conversations is none, or the
   *     checkpoint is no folder
   */
  void quantize(Path target, Calibration calibration);
}

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.DeviceException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.NativeLoadException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.nn.Bindings.NativePlan;
import dev.baichuan4j.internal.nn.Bindings.NativeTensor;
import dev.baichuan4j.jni.bc_context;
import dev.baichuan4j.jni.bc_file;
import dev.baichuan4j.jni.bc_tensor;
import dev.baichuan4j.jni.global.baichuan;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A context on a device and the ops that run on it. One method for each op of baichuan.h, named
 * alike; shapes and types are checked on the native side and a wrong one is an {@link
 * InvalidRequestException} that names op, argument, value and expectation. One thread at a time.
 */
public final class Ops implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Ops.class);

  private final bc_context context = new bc_context();
  private final AtomicBoolean closed = new AtomicBoolean();

  private DeviceFacts facts;

  private Ops() {}

  /**
   * A context on the CPU.
   *
   * @param threads threads including the caller's; 0 for one per physical core
   * @param exact keep activations in f32 from end to end
   * @throws NativeLoadException when the native library does not load
   * @throws DeviceException when the system refuses the threads; none is left then
   */
  public static Ops cpu(int threads, boolean exact) {
    Bindings.load();
    Ops ops = new Ops();
    Bindings.check(
        baichuan.bc_context_create(baichuan.BC_CPU, 0, threads, exact ? 1 : 0, ops.context));
    return ops;
  }

  /**
   * A context on a GPU.
   *
   * @throws NativeLoadException when the native library does not load
   * @throws DeviceException when there is no such GPU, or its driver is too old
   */
  public static Ops cuda(int index) {
    Bindings.load();
    Ops ops = new Ops();
    Bindings.check(baichuan.bc_context_create(baichuan.BC_CUDA, index, 0, 0, ops.context));
    return ops;
  }

  /**
   * A context on a GPU whose work goes to a stream of the caller.
   *
   * @param stream address of a CUstream of that GPU, which outlives the context
   * @throws NativeLoadException when the native library does not load
   * @throws DeviceException when there is no such GPU, or its driver is too old
   */
  public static Ops cuda(int index, long stream) {
    Bindings.load();
    Ops ops = new Ops();
    try (Address address = new Address(stream)) {
      Bindings.check(baichuan.bc_context_on_stream(index, address, ops.context));
    }
    return ops;
  }

  private static final class Address extends Pointer {
    Address(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }

  /** The system and processor that the native library is for, such as linux-x86_64. */
  public static String platform() {
    return Bindings.platform();
  }

  /** Instruction sets that the CPU kernels use on this machine. */
  public static String cpuIsa() {
    Bindings.load();
    return Bindings.text(baichuan.bc_cpu_isa());
  }

  /** Version of the native library. */
  public static String nativeVersion() {
    Bindings.load();
    return Bindings.text(baichuan.bc_version());
  }

  /** GPUs that can be used. */
  public static int cudaDevices() {
    Bindings.load();
    return baichuan.bc_cuda_devices();
  }

  /** Why there is no GPU to use, with versions of the driver; empty if there is one. */
  public static String cudaReason() {
    Bindings.load();
    return Bindings.text(baichuan.bc_cuda_reason());
  }

  /** Version of the NVIDIA driver that is installed, sufficient or not; empty without one. */
  public static String cudaDriver() {
    Bindings.load();
    return Bindings.text(baichuan.bc_cuda_driver());
  }

  /** The oldest NVIDIA driver that suffices; empty where the library has no CUDA kernels. */
  public static String cudaDriverNeeded() {
    Bindings.load();
    return Bindings.text(baichuan.bc_cuda_driver_needed());
  }

  /**
   * Whether models run on a GPU unless told otherwise. Where a driver is installed and its GPUs
   * cannot be used, the log says why, since the processor that is taken instead is much slower.
   */
  public static boolean prefersCuda() {
    if (cudaDevices() > 0) {
      return true;
    }
    boolean hidden = System.getenv("CUDA_VISIBLE_DEVICES") != null;
    if (!cudaDriver().isEmpty() && !cudaDriverNeeded().isEmpty() && !hidden) {
      log.warn("The processor is used instead of a GPU: {}", cudaReason());
    }
    return false;
  }

  /** Physical cores that this process may use. */
  public static int cpuCores() {
    Bindings.load();
    return baichuan.bc_cpu_cores();
  }

  /** Version of the layout of packed weights on a CPU. */
  static int packedLayout() {
    Bindings.load();
    return baichuan.bc_packed_layout();
  }

  bc_context context() {
    if (closed.get()) {
      throw new IllegalStateException("context is closed");
    }
    return context;
  }

  /** What the context runs on, for people. */
  public String device() {
    try (BytePointer out = new BytePointer((Pointer) null)) {
      Bindings.check(baichuan.bc_context_device(context(), out));
      return Bindings.text(out);
    }
  }

  /** What may be relied on when a model is put together on this device. */
  public DeviceFacts facts() {
    if (facts == null) {
      facts = Bindings.facts(context());
    }
    return facts;
  }

  /**
   * Binds the calling thread, which is to be the one that drives this context, and every worker to
   * a physical core each.
   *
   * @throws InvalidRequestException on a GPU, with more threads than cores, a second time, and
   *     where the system cannot do it
   * @throws DeviceException when the system refuses
   */
  public void pin() {
    Bindings.check(baichuan.bc_context_pin(context()));
  }

  /**
   * Waits for what was given to the device.
   *
   * @throws DeviceException when an op failed there
   */
  public void synchronize() {
    Bindings.check(baichuan.bc_synchronize(context()));
  }

  /** Bytes that tensors of this context own. */
  public long memoryUsed() {
    long[] out = new long[1];
    Bindings.check(baichuan.bc_memory_used(context(), out));
    return out[0];
  }

  /** Free and total bytes of the device. */
  public long[] memoryInfo() {
    long[] available = new long[1];
    long[] total = new long[1];
    Bindings.check(baichuan.bc_memory_info(context(), available, total));
    return new long[] {available[0], total[0]};
  }

  /**
   * A new tensor of zeros.
   *
   * @throws OutOfDeviceMemoryException when the device has not that much free
   */
  public Tensor tensor(ElementType type, long... shape) {
    NativeTensor out = new NativeTensor();
    Bindings.check(
        baichuan.bc_tensor_create(
            context(), Bindings.code(type), shape, shape.length, out.pointer));
    return new Tensor(out, type, shape.clone());
  }

  /**
   * The same in RAM, from where a GPU reads it over the bus: for a table of which a step needs few
   * rows.
   *
   * @throws OutOfDeviceMemoryException when there is not that much RAM to be had
   */
  Tensor tensorOnHost(ElementType type, long... shape) {
    NativeTensor out = new NativeTensor();
    Bindings.check(
        baichuan.bc_tensor_create_on_host(
            context(), Bindings.code(type), shape, shape.length, out.pointer));
    return new Tensor(out, type, shape.clone());
  }

  /** A tensor whose bytes lie in a mapped file. */
  Tensor map(MappedFile file, long offset, ElementType type, long... shape) {
    NativeTensor out = new NativeTensor();
    bc_file from = file.handle().pointer;
    int code = Bindings.code(type);
    Bindings.check(
        baichuan.bc_tensor_map(context(), from, offset, code, shape, shape.length, out.pointer));
    return new Tensor(out, type, shape.clone());
  }

  /** The same in RAM, see {@link #tensorOnHost}. */
  Tensor mapOnHost(MappedFile file, long offset, ElementType type, long... shape) {
    NativeTensor out = new NativeTensor();
    bc_file from = file.handle().pointer;
    int code = Bindings.code(type);
    Bindings.check(
        baichuan.bc_tensor_map_on_host(
            context(), from, offset, code, shape, shape.length, out.pointer));
    return new Tensor(out, type, shape.clone());
  }

  static bc_tensor pointer(Tensor tensor) {
    return tensor.handle().pointer;
  }

  static bc_tensor optional(Tensor tensor) {
    return tensor == null ? null : pointer(tensor);
  }

  /**
   * Quantizes w [N,K] into out.
   *
   * @param rowScale [N] or null: factor of each row
   * @return sum of squared errors, sum of squares
   */
  public double[] quantize(Tensor out, Tensor w, Tensor rowScale) {
    double[] error = new double[2];
    bc_tensor scale = optional(rowScale);
    Bindings.check(baichuan.bc_quantize(context(), pointer(out), pointer(w), scale, error));
    return error;
  }

  /** Rows of out from a multiple of 16 on become codes [rows,K] with scales and zeros. */
  void packCodes(Tensor out, long row, Tensor codes, Tensor scales, Tensor zeros) {
    Bindings.check(
        baichuan.bc_pack_codes(
            context(), pointer(out), row, pointer(codes), pointer(scales), optional(zeros)));
  }

  /** out [N,K] = the numbers that w stands for. */
  public void dequantize(Tensor out, Tensor w) {
    Bindings.check(baichuan.bc_dequantize(context(), pointer(out), pointer(w)));
  }

  /**
   * Adds those of x [T,K], and the cross moments of y [T,K] - x with x, to moments that have such.
   */
  void secondMoments(Moments moments, Tensor x, Tensor y) {
    Bindings.check(
        baichuan.bc_second_moments(context(), pointer(moments.sums()), pointer(x), null));
    if (moments.cross() != null) {
      Bindings.check(
          baichuan.bc_second_moments(context(), pointer(moments.cross()), pointer(x), pointer(y)));
    }
  }

  /** Completes and damps moments, makes their factor, and returns the damping that it took. */
  double momentsFactor(Moments moments, float damping) {
    double[] used = new double[1];
    Bindings.check(
        baichuan.bc_moments_factor(
            context(), pointer(moments.factor()), pointer(moments.sums()), damping, used));
    return used[0];
  }

  /** Rounds w [N,K], rows times rowScale [N] or null; returns ||w - q||^2, ||w||^2 and the loss. */
  double[] roundWeights(
      Codes out, Tensor w, Tensor rowScale, Moments moments, int bits, int sweeps) {
    return Bindings.roundWeights(context(), out, w, optional(rowScale), moments, bits, sweeps);
  }

  /** out [M,N] = x in another of the types F32, F16 and BF16. */
  public void convert(Tensor out, Tensor x) {
    Bindings.check(baichuan.bc_convert(context(), pointer(out), pointer(x)));
  }

  /** out [N] = 1 / max(norm of row n, 1e-12). */
  public void rowNorms(Tensor out, Tensor w) {
    Bindings.check(baichuan.bc_row_norms(context(), pointer(out), pointer(w)));
  }

  /** out [T,C] = rows ids of table. */
  public void embed(Tensor out, Tensor ids, Tensor table) {
    Bindings.check(baichuan.bc_embed(context(), pointer(out), pointer(ids), pointer(table)));
  }

  /** out [T,C] = x / rms(x) * weight. */
  public void rmsNorm(Tensor out, Tensor x, Tensor weight, float eps) {
    Bindings.check(baichuan.bc_rms_norm(context(), pointer(out), pointer(x), pointer(weight), eps));
  }

  /** x [T,C] += delta; out = x / rms(x) * weight. */
  public void addRmsNorm(Tensor x, Tensor out, Tensor delta, Tensor weight, float eps) {
    Bindings.check(
        baichuan.bc_add_rms_norm(
            context(), pointer(x), pointer(out), pointer(delta), pointer(weight), eps));
  }

  /** out [T,N] = x [T,K] * w [N,K]^T, times rowScale [N] and plus bias [N] where not null. */
  public void matmul(Tensor out, Tensor x, Tensor w, Tensor rowScale, Tensor bias) {
    Bindings.check(
        baichuan.bc_matmul(
            context(), pointer(out), pointer(x), pointer(w), optional(rowScale), optional(bias)));
  }

  /** out [T,F] = silu(x * gate^T) * (x * up^T); w [2F,K] has the rows of gate and up in turn. */
  public void matmulSwiglu(Tensor out, Tensor x, Tensor w) {
    Bindings.check(baichuan.bc_matmul_swiglu(context(), pointer(out), pointer(x), pointer(w)));
  }

  /** Normalizes the heads of queries and keys of qkv [T,(H+2G)D] where asked, and rotates them. */
  void rope(Tensor qkv, Tensor positions, Rotation rotation, HeadNorms norms) {
    Bindings.check(
        baichuan.bc_rope(
            context(),
            pointer(qkv),
            pointer(positions),
            rotation.heads(),
            2 * rotation.frequencies().length,
            rotation.frequencies(),
            rotation.scale(),
            norms == null ? null : pointer(norms.query()),
            norms == null ? null : pointer(norms.key()),
            norms == null ? 0 : norms.eps()));
  }

  /** Stores keys and values of qkv [T,(H+2G)D] in the layer's pages. */
  void kvAppend(KvCache.Layer kv, Tensor qkv, StepInputs in) {
    Bindings.check(
        baichuan.bc_kv_append(
            context(),
            pointer(kv.pages()),
            optional(kv.scales()),
            pointer(qkv),
            pointer(in.positions()),
            pointer(in.offsets()),
            pointer(in.table())));
  }

  /** Copies page {@code from} of a layer, keys, values and scales, to page {@code to}. */
  void kvCopy(KvCache.Layer kv, int from, int to) {
    Bindings.check(
        baichuan.bc_kv_copy(context(), pointer(kv.pages()), optional(kv.scales()), from, to));
  }

  /**
   * out [T,HD] = causal attention over the layer's pages; slopes [H] or null; window in positions,
   * 0 for none.
   */
  void attention(
      Tensor out, Tensor qkv, KvCache.Layer kv, StepInputs in, Tensor slopes, int window) {
    Bindings.check(
        baichuan.bc_attention(
            context(),
            pointer(out),
            pointer(qkv),
            pointer(kv.pages()),
            optional(kv.scales()),
            pointer(in.positions()),
            pointer(in.offsets()),
            pointer(in.table()),
            optional(slopes),
            window));
  }

  /** out [T,F] = silu(gate) * up. */
  public void swiglu(Tensor out, Tensor gate, Tensor up) {
    Bindings.check(baichuan.bc_swiglu(context(), pointer(out), pointer(gate), pointer(up)));
  }

  /**
   * out [T,N] += scales[s] * (x [T,K] A^T) B for the adapter s of each token, with A [R,K] and B
   * [R,N] in the pool [bytes] I8 where table [S,4] says; adapterOf [T], -1 for none.
   */
  void lora(Tensor out, Tensor x, Tensor pool, Tensor table, Tensor scales, Tensor adapterOf) {
    Bindings.check(
        baichuan.bc_lora(
            context(),
            pointer(out),
            pointer(x),
            pointer(pool),
            pointer(table),
            pointer(scales),
            pointer(adapterOf)));
  }

  /** The k largest of each row, largest first, ties by lower index, NaN before every number. */
  public void topK(Tensor values, Tensor ids, Tensor x) {
    topK(values, ids, x, null, null);
  }

  /**
   * The same of what each row's mask allows; places without a number have -inf and id -1. masks
   * [M,W] of 32 bits a word, maskOf [T]: the mask of each row, -1 for none.
   */
  public void topK(Tensor values, Tensor ids, Tensor x, Tensor masks, Tensor maskOf) {
    Bindings.check(
        baichuan.bc_top_k(
            context(),
            pointer(values),
            pointer(ids),
            pointer(x),
            optional(masks),
            optional(maskOf)));
  }

  /** Records the ops that {@code pass} calls instead of running them. */
  public Plan record(Runnable pass) {
    Bindings.check(baichuan.bc_plan_begin(context()));
    NativePlan out = new NativePlan();
    boolean recorded = false;
    try {
      pass.run();
      recorded = true;
    } finally {
      int status = baichuan.bc_plan_end(context(), out.pointer);
      if (recorded) {
        Bindings.check(status);
      }
    }
    return new Plan(out);
  }

  /** Frees the context and every tensor and plan of it. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Bindings.check(baichuan.bc_context_free(context));
    }
  }
}

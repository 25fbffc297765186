package dev.baichuan4j.internal.nn;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.NativeLoadException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.checkpoint.CodeFormat;
import dev.baichuan4j.jni.bc_context;
import dev.baichuan4j.jni.bc_facts;
import dev.baichuan4j.jni.bc_file;
import dev.baichuan4j.jni.bc_plan;
import dev.baichuan4j.jni.bc_tensor;
import dev.baichuan4j.jni.global.baichuan;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Loads the native library once, turns its statuses into exceptions, and holds the handles of its
 * tensors, plans and files. This class, {@link Ops}, which has the context and its ops, and {@link
 * TrainOps}, which has those of training, are the only three that know JavaCPP.
 */
final class Bindings {
  private static final Map<ElementType, Integer> CODES =
      Map.of(
          ElementType.F32, baichuan.BC_F32,
          ElementType.F16, baichuan.BC_F16,
          ElementType.BF16, baichuan.BC_BF16,
          ElementType.I32, baichuan.BC_I32,
          ElementType.I8, baichuan.BC_I8,
          ElementType.Q8, baichuan.BC_Q8,
          ElementType.Q4, baichuan.BC_Q4);

  private static volatile boolean loaded;

  /** The library, loaded when this class is initialized. */
  private static final class Library {
    /** Why it could not be loaded; null when it could. */
    static final NativeLoadException FAILURE;

    static {
      // JavaCPP counts the whole process's memory against four times the Java heap and then refuses
      // to allocate: a model in native memory would trip it. It is not JavaCPP that allocates here,
      // so its limits are off unless set.
      if (System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes") == null) {
        System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
      }
      NativeLoadException failure = null;
      try {
        Loader.load(baichuan.class);
        baichuan.bc_version(); // may be refused by itself: the methods may be of another module
      } catch (LinkageError | RuntimeException e) {
        failure = LoadFailure.explain(e);
      }
      FAILURE = failure;
    }
  }

  private Bindings() {}

  /**
   * @throws NativeLoadException when the native library is not there or does not load
   * @throws DeviceException when the system refuses the thread that JavaCPP starts
   */
  static void load() {
    if (!loaded) {
      Threads.require("JavaCPP");
      loaded = true;
    }
    if (Library.FAILURE != null) {
      throw Library.FAILURE;
    }
  }

  /**
   * Throws the exception that a status other than BC_OK stands for, with the message of the native
   * side.
   */
  static void check(int status) {
    if (status == baichuan.BC_OK) {
      return;
    }
    throw exception(status, text(baichuan.bc_last_error()));
  }

  static DeviceFacts facts(bc_context context) {
    try (bc_facts facts = new bc_facts()) {
      check(baichuan.bc_context_facts(context, facts));
      Set<ElementType> cacheTypes = new HashSet<>();
      for (ElementType type : ElementType.constants()) {
        if ((facts.cache_types() >>> code(type) & 1) == 1) {
          cacheTypes.add(type);
        }
      }
      return new DeviceFacts(
          facts.threads(),
          facts.activation_bits(),
          cacheTypes,
          facts.head_sizes(),
          facts.smallest_piece(),
          facts.reads_host_memory() == 1,
          facts.fuses_swiglu() == 1);
    }
  }

  private static BaichuanException exception(int status, String message) {
    if (status == baichuan.BC_INVALID_ARGUMENT) {
      return new InvalidRequestException(message.replaceFirst(":.*", ""), message);
    }
    if (status == baichuan.BC_OUT_OF_MEMORY) {
      long[] needed = new long[1];
      long[] available = new long[1];
      baichuan.bc_last_error_bytes(needed, available);
      return new OutOfDeviceMemoryException(needed[0], available[0]);
    }
    return new DeviceException(message);
  }

  /** UTF-8, not the modified UTF-8 of a Java string made by JNI. */
  static String text(BytePointer pointer) {
    return pointer == null ? "" : pointer.getString(StandardCharsets.UTF_8);
  }

  /** The number that baichuan.h gives a type. */
  static int code(ElementType type) {
    return type.format().map(Bindings::code).orElseGet(() -> CODES.get(type));
  }

  /** BC_CODES. */
  private static int code(CodeFormat format) {
    int form =
        switch (format.form()) {
          case SYMMETRIC -> baichuan.BC_FORM_SYMMETRIC;
          case ZERO -> baichuan.BC_FORM_ZERO;
          case MIN -> baichuan.BC_FORM_MIN;
          case GRID -> baichuan.BC_FORM_GRID;
        };
    return 0x1000 | form << 8 | Integer.numberOfTrailingZeros(format.group()) << 4 | format.bits();
  }

  /** See {@link Ops#roundWeights}. */
  static double[] roundWeights(
      bc_context context,
      Codes out,
      Tensor w,
      bc_tensor rowScale,
      Moments moments,
      int bits,
      int sweeps) {
    double[] error = new double[3];
    check(
        baichuan.bc_round_weights(
            context,
            out.codes().handle().pointer,
            out.scales().handle().pointer,
            out.zeros().handle().pointer,
            w.handle().pointer,
            rowScale,
            moments.sums().handle().pointer,
            moments.factor().handle().pointer,
            moments.cross() == null ? null : moments.cross().handle().pointer,
            Moments.SHARE,
            bits,
            sweeps,
            error));
    return error;
  }

  /** JavaCPP's name of the system and processor, such as linux-x86_64. */
  static String platform() {
    return Loader.getPlatform();
  }

  /** A file of the jar with the native libraries, or null. */
  static URL resource(String path) {
    return baichuan.class.getResource(path);
  }

  /** The folder that JavaCPP extracts libraries to. */
  static File cacheFolder() throws IOException {
    return Loader.getCacheDir();
  }

  /** Extracts a library once more; null where JavaCPP does not say why it could not. */
  static File extract(URL library) throws IOException {
    return Loader.cacheResource(library);
  }

  /** The module that loads the library and the one that declares its methods. */
  static List<Module> modules() {
    return List.of(Loader.class.getModule(), baichuan.class.getModule());
  }

  /**
   * The native side of a tensor. It does not know whether it was freed: {@link Tensor} does, and
   * asks nothing of it afterwards.
   */
  static final class NativeTensor {
    final bc_tensor pointer = new bc_tensor();

    /**
     * The buffer that Java arrays pass through on their way in and out. It is kept for the next
     * time, so that a step allocates nothing.
     */
    private IntPointer ints;

    private FloatPointer floats;

    long bytes() {
      long[] bytes = new long[1];
      check(baichuan.bc_tensor_bytes(pointer, bytes));
      return bytes[0];
    }

    /** Rows [row, row + rows) and columns [column, column + columns); -1 columns for all. */
    NativeTensor view(long row, long rows, long column, long columns) {
      NativeTensor view = new NativeTensor();
      check(baichuan.bc_tensor_view(pointer, row, rows, column, columns, view.pointer));
      return view;
    }

    NativeTensor reshape(long... shape) {
      NativeTensor view = new NativeTensor();
      check(baichuan.bc_tensor_reshape(pointer, shape, shape.length, view.pointer));
      return view;
    }

    void write(int[] values, int count) {
      IntPointer buffer = ints(count).put(values, 0, count);
      check(baichuan.bc_tensor_write(pointer, 0, buffer, 4L * count));
    }

    void write(float[] values, int count) {
      FloatPointer buffer = floats(count).put(values, 0, count);
      check(baichuan.bc_tensor_write(pointer, 0, buffer, 4L * count));
    }

    /**
     * @param offset in elements
     */
    void read(long offset, float[] target, int count) {
      FloatPointer buffer = floats(count);
      check(baichuan.bc_tensor_read(pointer, 4 * offset, buffer, 4L * count));
      buffer.get(target, 0, count);
    }

    void read(int[] target, int count) {
      IntPointer buffer = ints(count);
      check(baichuan.bc_tensor_read(pointer, 0, buffer, 4L * count));
      buffer.get(target, 0, count);
    }

    /**
     * @param offset in bytes
     * @param target a direct buffer
     */
    void read(long offset, ByteBuffer target) {
      try (BytePointer buffer = new BytePointer(target)) {
        check(baichuan.bc_tensor_read(pointer, offset, buffer, target.remaining()));
      }
    }

    /**
     * @param offset in bytes
     * @param source a direct buffer
     */
    void write(long offset, ByteBuffer source) {
      try (BytePointer buffer = new BytePointer(source)) {
        check(baichuan.bc_tensor_write(pointer, offset, buffer, source.remaining()));
      }
    }

    void random(float deviation, long seed) {
      check(baichuan.bc_tensor_random(pointer, deviation, seed));
    }

    void free() {
      // Freeing the context first has freed the handle already; that is not an error here.
      baichuan.bc_tensor_free(pointer);
      free(ints);
      free(floats);
    }

    private IntPointer ints(int count) {
      if (ints == null || ints.capacity() < count) {
        free(ints);
        ints = new IntPointer(Math.max(count, 1));
      }
      return ints;
    }

    private FloatPointer floats(int count) {
      if (floats == null || floats.capacity() < count) {
        free(floats);
        floats = new FloatPointer(Math.max(count, 1));
      }
      return floats;
    }

    private static void free(Pointer buffer) {
      if (buffer != null) {
        buffer.deallocate();
      }
    }
  }

  /** The native side of a recorded step. */
  static final class NativePlan {
    final bc_plan pointer = new bc_plan();

    void run() {
      check(baichuan.bc_plan_run(pointer));
    }

    void free() {
      baichuan.bc_plan_free(pointer);
    }
  }

  /** The native side of a mapped file. */
  static final class NativeFile {
    final bc_file pointer = new bc_file();

    /**
     * @param name the system's own bytes of the path, and a zero
     * @throws IOException with the message of the native side when the file cannot be mapped
     */
    NativeFile(byte[] name) throws IOException {
      load();
      try (BytePointer path = new BytePointer(name)) {
        if (baichuan.bc_file_open(path, pointer) != baichuan.BC_OK) {
          throw new IOException(text(baichuan.bc_last_error()));
        }
      }
    }

    void readAhead(long offset, long bytes) {
      check(baichuan.bc_file_read_ahead(pointer, offset, bytes));
    }

    void free() {
      check(baichuan.bc_file_free(pointer));
    }
  }
}

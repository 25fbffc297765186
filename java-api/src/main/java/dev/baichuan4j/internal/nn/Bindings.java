package dev.baichuan4j.internal.nn;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.NativeLoadException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.jni.bc_context;
import dev.baichuan4j.jni.bc_facts;
import dev.baichuan4j.jni.global.baichuan;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;

/** Loads the native library once and turns its statuses into exceptions. */
final class Bindings {
  private static final Pattern NEEDED_FREE =
      Pattern.compile("needs (\\d+) bytes(?: of cuda:\\d+)?, free are (\\d+)");

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

  /** Throws what a status other than BC_OK stands for, with the message of the native side. */
  static void check(int status) {
    if (status == baichuan.BC_OK) {
      return;
    }
    throw exception(status, text(baichuan.bc_last_error()));
  }

  static DeviceFacts facts(bc_context context) {
    try (bc_facts facts = new bc_facts()) {
      check(baichuan.bc_context_facts(context, facts));
      Set<ElementType> cacheTypes = EnumSet.noneOf(ElementType.class);
      for (ElementType type : ElementType.values()) {
        if ((facts.cache_types() >>> type.code() & 1) == 1) {
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
      Matcher m = NEEDED_FREE.matcher(message);
      return m.find()
          ? new OutOfDeviceMemoryException(Long.parseLong(m.group(1)), Long.parseLong(m.group(2)))
          : new OutOfDeviceMemoryException(-1, -1);
    }
    return new DeviceException(message);
  }

  /** UTF-8, not the modified UTF-8 of a Java string made by JNI. */
  static String text(BytePointer pointer) {
    return pointer == null ? "" : pointer.getString(StandardCharsets.UTF_8);
  }
}

package dev.baichuan4j.nn;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.NativeLoadException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.jni.global.baichuan;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;

/** Loads the native library once and turns its statuses into exceptions. */
final class Bindings {
  private static final Pattern NEEDED_FREE =
      Pattern.compile("needs (\\d+) bytes(?: of cuda:\\d+)?, free are (\\d+)");

  /** Name that JavaCPP gives the library of {@code dev.baichuan4j.jni.presets.baichuan}. */
  private static final String JNI_LIBRARY = "jnibaichuan";

  /** Why the library could not be loaded; null when it could. */
  private static final NativeLoadException FAILURE;

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
    } catch (LinkageError e) {
      failure = explain(e);
    }
    FAILURE = failure;
  }

  private Bindings() {}

  private static NativeLoadException explain(LinkageError error) {
    String platform = Loader.getPlatform();
    String library = "dev/baichuan4j/jni/" + platform + "/" + System.mapLibraryName(JNI_LIBRARY);
    URL found = baichuan.class.getResource("/" + library);
    if (found == null) {
      return new NativeLoadException(
          library,
          "it is not on the class path, and there is " + error.getMessage(),
          "add the artifact dev.baichuan4j:baichuan4j-natives with the classifier "
              + platform
              + " to the class path, or build it for this platform",
          error);
    }
    // JavaCPP goes on to java.library.path and puts first that nothing is there; why the file
    // itself did not load is the cause behind.
    Throwable reason = error;
    while (reason.getCause() != null) {
      reason = reason.getCause();
    }
    return new NativeLoadException(
        found.toString(),
        reason.getMessage(),
        "the file is damaged, or made for another system or processor: replace it by the artifact"
            + " dev.baichuan4j:baichuan4j-natives with the classifier "
            + platform
            + ", and delete what JavaCPP extracted (org.bytedeco.javacpp.cachedir, by default"
            + " ~/.javacpp/cache)",
        error);
  }

  /**
   * @throws NativeLoadException when the native library is not there or does not load
   */
  static void load() {
    if (FAILURE != null) {
      throw FAILURE;
    }
  }

  /** Throws what a status other than BC_OK stands for, with the message of the native side. */
  static void check(int status) {
    if (status == baichuan.BC_OK) {
      return;
    }
    throw exception(status, text(baichuan.bc_last_error()));
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

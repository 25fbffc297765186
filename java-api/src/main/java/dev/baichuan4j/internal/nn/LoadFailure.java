package dev.baichuan4j.internal.nn;

import dev.baichuan4j.NativeLoadException;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Says why the native library did not load, and what to do, from what the system did. */
final class LoadFailure {
  /** System property that names the folder JavaCPP extracts libraries to. */
  private static final String CACHE = "org.bytedeco.javacpp.cachedir";

  /** Name that JavaCPP gives the library of {@code dev.baichuan4j.jni.presets.baichuan}. */
  private static final String JNI_LIBRARY = "jnibaichuan";

  /** The same library without the bindings, which the other needs. */
  private static final String LIBRARY = "baichuan";

  private static final String ANOTHER_FOLDER =
      "name a folder that can be written and that programs may run from by the system property"
          + " -D"
          + CACHE
          + "=FOLDER";

  private LoadFailure() {}

  static NativeLoadException explain(Throwable error) {
    String path = path(JNI_LIBRARY);
    URL found = Bindings.resource(path);
    if (found == null) {
      return new NativeLoadException(
          path.substring(1),
          "it is not on the class path, and there is " + error.getMessage(),
          "add the artifact "
              + artifact()
              + " to the class path, or build it for this platform: mvn install",
          error);
    }
    String tried = found.toString();
    // JavaCPP goes on to java.library.path and puts first that nothing is there; why the file
    // itself did not load is the cause behind.
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    if (root instanceof IllegalCallerException) {
      return new NativeLoadException(tried, root.getMessage(), nativeAccess(), error);
    }
    NativeLoadException extraction = extraction(error);
    if (extraction != null) {
      return extraction;
    }
    String reason = String.valueOf(root.getMessage());
    if (reason.contains("failed to map segment") || reason.contains("not permitted")) {
      return new NativeLoadException(
          tried,
          // The message begins with the file that was loaded.
          "the system runs no code from "
              + reason.substring(0, reason.indexOf(':'))
              + ", whose folder may be mounted noexec: "
              + reason.substring(reason.lastIndexOf(": ") + 2),
          ANOTHER_FOLDER,
          error);
    }
    return new NativeLoadException(
        tried,
        reason,
        "the file is damaged, or made for another system or processor: replace it by the artifact "
            + artifact()
            + ", and delete what JavaCPP extracted ("
            + CACHE
            + ", by default ~/.javacpp/cache)",
        error);
  }

  private static String path(String library) {
    return "/dev/baichuan4j/jni/" + Bindings.platform() + "/" + System.mapLibraryName(library);
  }

  private static String artifact() {
    return "dev.baichuan4j:baichuan4j-natives with the classifier " + Bindings.platform();
  }

  /** Both the module that loads the library and the one that declares its methods need access. */
  private static String nativeAccess() {
    String modules =
        Bindings.modules().stream()
            .map(module -> module.isNamed() ? module.getName() : "ALL-UNNAMED")
            .distinct()
            .collect(Collectors.joining(","));
    return "start Java with --enable-native-access="
        + modules
        + ", or, where the program is started with java -jar, put Enable-Native-Access: ALL-UNNAMED"
        + " into the manifest of its jar";
  }

  /** What went wrong with extracting the libraries from their jar; null when nothing did. */
  private static NativeLoadException extraction(Throwable error) {
    File folder;
    try {
      folder = Bindings.cacheFolder();
    } catch (IOException e) {
      return new NativeLoadException(
          path(JNI_LIBRARY).substring(1),
          "it cannot be extracted: none of the folders "
              + cacheFolders()
              + " can be made and written",
          ANOTHER_FOLDER,
          error);
    }
    for (String library : List.of(JNI_LIBRARY, LIBRARY)) {
      URL resource = Bindings.resource(path(library));
      if (resource == null || resource.getProtocol().equals("file")) {
        continue; // it is loaded from where it lies
      }
      // JavaCPP keeps quiet about what failed: once more, for the system's own words.
      try {
        File file = Bindings.extract(resource);
        int size = resource.openConnection().getContentLength();
        if (file == null || file.length() != size) {
          return extraction(
              folder,
              "holds " + (file == null ? 0 : file.length()) + " bytes of " + size + " of it",
              error);
        }
      } catch (IOException | RuntimeException e) {
        return extraction(folder, "refuses it with " + e.getMessage(), error);
      }
    }
    return null;
  }

  private static NativeLoadException extraction(File folder, String what, Throwable error) {
    long free = folder.getUsableSpace() >> 20;
    return new NativeLoadException(
        path(JNI_LIBRARY).substring(1),
        "it cannot be extracted: the folder " + folder + " " + what + ", " + free + " MiB are free",
        "make room there, or " + ANOTHER_FOLDER,
        error);
  }

  /** The folders that JavaCPP tries, in order. */
  private static String cacheFolders() {
    String chosen = System.getProperty(CACHE);
    return (chosen == null ? "" : chosen + ", ")
        + Path.of(System.getProperty("user.home"), ".javacpp", "cache")
        + " and "
        + System.getProperty("java.io.tmpdir");
  }
}

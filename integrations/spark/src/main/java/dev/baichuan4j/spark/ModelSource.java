package dev.baichuan4j.spark;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.apache.spark.TaskContext;

/** A checkpoint and how an executor loads it. */
final class ModelSource implements Serializable {
  private static final long serialVersionUID = 1L;

  private final String path;
  private final Change<BaichuanLoader> change;

  /** Of the path and of the code of the change: the same in every task of a job. */
  private final String key;

  /**
   * @throws IllegalArgumentException if the change refers to what cannot be serialized
   */
  ModelSource(String path, Change<BaichuanLoader> change) {
    this.path = path;
    this.change = change;
    this.key = path + " " + fingerprint(change);
  }

  ModelSource with(Change<BaichuanLoader> another) {
    return new ModelSource(path, another);
  }

  /** Tells which tasks of an executor share a model: those with the same source and device. */
  String key() {
    return key + " " + device();
  }

  Baichuan load() {
    BaichuanLoader loader = Baichuan.loader(folder()).device(device());
    int cores = SparkEnv.get().conf().getInt("spark.executor.cores", 0);
    return change.apply(cores == 0 ? loader : loader.threads(cores)).load();
  }

  /** Returns the GPU that Spark has given to this task; without one, what the library chooses. */
  private static Device device() {
    return TaskContext.get().resourcesJMap().containsKey("gpu")
        ? Device.cuda(Integer.parseInt(TaskContext.get().resourcesJMap().get("gpu").addresses()[0]))
        : Device.auto();
  }

  private Path folder() {
    Path folder = Path.of(path);
    return folder.isAbsolute() ? folder : Path.of(SparkFiles.get(path));
  }

  private static String fingerprint(Change<BaichuanLoader> change) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(change);
    } catch (NotSerializableException e) {
      throw new IllegalArgumentException(
          "the change of the loader refers to a "
              + e.getMessage()
              + ", expected what is serializable: it travels to the executors",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Bytes in memory cannot fail.
    }
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}

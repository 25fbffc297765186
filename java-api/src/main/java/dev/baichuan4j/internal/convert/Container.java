package dev.baichuan4j.internal.convert;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A file that holds tensors: where they lie in it, and what lies around them. */
interface Container {
  /** Returns where a tensor begins. */
  long offset(int tensor);

  /** Returns the bytes that a tensor takes, those included that fill it up. */
  long bytes(int tensor);

  /** Returns the length of the file. */
  long end();

  /**
   * Returns what the file begins with.
   *
   * @param checksums CRC32C of the bytes of each tensor
   * @param losses of each tensor
   */
  ByteBuffer header(int[] checksums, double[] losses);

  /** Returns the file, where all that is written appears at a path. */
  Path file(Path content);

  /** Writes what lies beside the file. */
  void writeOthers(Path content) throws IOException;
}

package dev.baichuan4j.internal.checkpoint.gguf;

/** Turns a block of codes into the numbers that it stands for. */
interface BlockDecoder {
  /**
   * Decodes one block.
   *
   * @param in holds the block from {@code at} on
   * @param out takes its numbers from {@code to} on
   */
  void decode(byte[] in, int at, float[] out, int to);
}

package dev.baichuan4j.internal.checkpoint.gguf;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** How the numbers of a tensor are stored, by the number that a GGUF file has for it. */
public enum GgufKind {
  /** IEEE 754 binary32. */
  F32(0, 1, 4, GgufKind::f32),
  /** IEEE 754 binary16. */
  F16(1, 1, 2, (in, at, out, to) -> out[to] = Float16.f16(in, at)),
  /** Codes of 4 bits, a scale. */
  Q4_0(2, SmallBlocks.SIZE, 18, SmallBlocks::q4x0, new BlockCodes(4, false, BlockCodes::q4x0)),
  /** Codes of 4 bits, a scale and a least number. */
  Q4_1(3, SmallBlocks.SIZE, 20, SmallBlocks::q4x1, new BlockCodes(4, true, BlockCodes::q4x1)),
  /** Codes of 5 bits, a scale. */
  Q5_0(6, SmallBlocks.SIZE, 22, SmallBlocks::q5x0, new BlockCodes(5, false, BlockCodes::q5x0)),
  /** Codes of 5 bits, a scale and a least number. */
  Q5_1(7, SmallBlocks.SIZE, 24, SmallBlocks::q5x1, new BlockCodes(5, true, BlockCodes::q5x1)),
  /** Codes of 8 bits, a scale. */
  Q8_0(8, SmallBlocks.SIZE, 34, SmallBlocks::q8x0, new BlockCodes(8, false, BlockCodes::q8x0)),
  /** Codes of 2 bits in groups of 16. */
  Q2_K(10, SuperBlocks.SIZE, 84, SuperBlocks::q2k),
  /** Codes of 3 bits in groups of 16. */
  Q3_K(11, SuperBlocks.SIZE, 110, SuperBlocks::q3k),
  /** Codes of 4 bits in groups of 32. */
  Q4_K(12, SuperBlocks.SIZE, 144, SuperBlocks::q4k, new BlockCodes(4, true, BlockCodes::q4k)),
  /** Codes of 5 bits in groups of 32. */
  Q5_K(13, SuperBlocks.SIZE, 176, SuperBlocks::q5k, new BlockCodes(5, true, BlockCodes::q5k)),
  /** Codes of 6 bits in groups of 16. */
  Q6_K(14, SuperBlocks.SIZE, 210, SuperBlocks::q6k),
  /** Codes of 4 bits for numbers of a table, a scale. */
  IQ4_NL(20, SmallBlocks.SIZE, 18, SmallBlocks::iq4nl, new BlockCodes(8, false, BlockCodes::iq4nl)),
  /** Codes of 4 bits for numbers of a table, in groups of 32. */
  IQ4_XS(23, SuperBlocks.SIZE, 136, SuperBlocks::iq4xs),
  /** The upper half of a binary32. */
  BF16(30, 1, 2, GgufKind::bf16);

  /** Kinds of ggml.h that are not read, for messages. */
  private static final Map<Integer, String> OTHERS =
      Map.ofEntries(
          Map.entry(9, "Q8_1"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(26, "I32"),
          Map.entry(27, "I64"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"),
          Map.entry(40, "NVFP4"),
          Map.entry(41, "Q1_0"),
          Map.entry(42, "Q2_0"));

  private final int id;
  private final int blockSize;
  private final int blockBytes;
  private final BlockDecoder decoder;
  private final BlockCodes codes; // null where codes have no form here

  GgufKind(int id, int blockSize, int blockBytes, BlockDecoder decoder) {
    this(id, blockSize, blockBytes, decoder, null);
  }

  GgufKind(int id, int blockSize, int blockBytes, BlockDecoder decoder, BlockCodes codes) {
    this.id = id;
    this.blockSize = blockSize;
    this.blockBytes = blockBytes;
    this.decoder = decoder;
    this.codes = codes;
  }

  /** Returns the kind of a number. */
  static Optional<GgufKind> of(int id) {
    return Arrays.stream(values()).filter(kind -> kind.id == id).findFirst();
  }

  /** Returns what a message calls a number. */
  static String name(int id) {
    return of(id).map(Enum::name).orElse(OTHERS.getOrDefault(id, Integer.toUnsignedString(id)));
  }

  /** Returns the kinds that are read. */
  static String names() {
    return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
  }

  /** Returns the number that a file has for this kind. */
  public int id() {
    return id;
  }

  /** Returns the numbers of a block. */
  public int blockSize() {
    return blockSize;
  }

  /** Returns the bytes of a block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Returns whether numbers are stored one by one. */
  public boolean isPlain() {
    return blockSize == 1;
  }

  /** Returns what reads the codes as they are, where groups of 32 have a scale each. */
  public Optional<BlockCodes> codes() {
    return Optional.ofNullable(codes);
  }

  /** Returns the bits that a number takes, its share of scales included. */
  public double bits() {
    return 8.0 * blockBytes / blockSize;
  }

  /**
   * Decodes whole blocks.
   *
   * @param in holds them from {@code at} on
   * @param count numbers, a multiple of {@link #blockSize}
   */
  void decode(byte[] in, int at, float[] out, int count) {
    for (int to = 0; to < count; to += blockSize) {
      decoder.decode(in, at + to / blockSize * blockBytes, out, to);
    }
  }

  private static void f32(byte[] in, int at, float[] out, int to) {
    int bits =
        in[at] & 0xff
            | (in[at + 1] & 0xff) << 8
            | (in[at + 2] & 0xff) << 16
            | (in[at + 3] & 0xff) << 24;
    out[to] = Float.intBitsToFloat(bits);
  }

  private static void bf16(byte[] in, int at, float[] out, int to) {
    out[to] = Float.intBitsToFloat((in[at] & 0xff) << 16 | in[at + 1] << 24);
  }
}

package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.FuzzInputs;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.TensorSpec;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A {@code .bc4j} file is read as it was written, and refused where it is not. */
class PackedFileTest {
  private static final String CONFIG =
      """
      {"architectures": ["BaichuanForCausalLM"], "model_type": "baichuan", "hidden_size": 32,
       "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 32, "vocab_size": 48,
       "rms_norm_eps": 1e-6, "model_max_length": 64, "position_embedding": "alibi",
       "norm_head": false, "eos_token_id": 2, "pad_token_id": 0, "bos_token_id": 1}
      """;

  @TempDir Path folder;

  private static List<PackedTensorEntry> tensors(Quant quant) {
    List<PackedTensorEntry> tensors = new ArrayList<>();
    var model = ConfigFile.parse(bytes(CONFIG), "config");
    List<String> matrices = model.matrices().stream().map(TensorSpec::name).toList();
    for (TensorSpec spec : model.tensors()) {
      PackedTensorKind kind =
          quant.isQuantized() && matrices.contains(spec.name())
              ? PackedTensorKind.of(quant)
              : PackedTensorKind.BF16;
      tensors.add(new PackedTensorEntry(spec.name(), kind, spec.shape(), 0, 0, 0, 0));
    }
    return tensors;
  }

  /** The kind of weights that a table says. */
  private static Optional<Quant> weights(List<PackedTensorEntry> tensors) {
    Set<PackedTensorKind> panels = new HashSet<>();
    tensors.stream()
        .map(PackedTensorEntry::kind)
        .filter(PackedTensorKind::isPanels)
        .forEach(panels::add);
    return panels.size() == 1
        ? Optional.of(panels.iterator().next().quant().orElse(Quant.STORED))
        : Optional.of(Quant.STORED).filter(stored -> !panels.isEmpty());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A file whose tensors have random bytes. */
  private static byte[] file(List<PackedTensorEntry> tensors, String config) {
    return file(tensors, weights(tensors), config);
  }

  private static byte[] file(
      List<PackedTensorEntry> tensors, Optional<Quant> weights, String config) {
    return file(tensors, weights, config, 0);
  }

  private static byte[] file(
      List<PackedTensorEntry> tensors, Optional<Quant> weights, String config, int checksum) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("config.json", bytes(config));
    files.put("chat_template.jinja", bytes("{{ 1 }}"));
    PackedFileHeader header = new PackedFileHeader("a test", files, weights, tensors);
    byte[] all = new byte[(int) header.end()];
    new Random(5).nextBytes(all);
    int[] checksums = new int[tensors.size()];
    checksums[checksums.length - 1] = checksum;
    ByteBuffer head = header.bytes(checksums, new double[tensors.size()]);
    int begin = (int) header.tensors().get(0).offset();
    Arrays.fill(all, 0, begin, (byte) 0);
    head.get(all, 0, head.remaining());
    return all;
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("model.bc4j"), bytes);
  }

  @Test
  void aFileIsReadAsItWasWritten() throws IOException {
    for (Quant quant : new Quant[] {Quant.BF16, Quant.INT8, Quant.INT4, Quant.INT2}) {
      Path path = write(file(tensors(quant), CONFIG));
      PackedFile read = PackedFile.open(path);
      assertEquals("a test", read.writer());
      assertArrayEquals(bytes(CONFIG), read.files().read("config.json", 1 << 20, "a config"));
      List<PackedTensorEntry> expected = tensors(quant);
      assertEquals(expected.size(), read.entries().size());
      for (int i = 0; i < expected.size(); i++) {
        PackedTensorEntry entry = read.entries().get(i);
        assertEquals(expected.get(i).name(), entry.name());
        assertEquals(expected.get(i).kind(), entry.kind());
        assertArrayEquals(expected.get(i).shape(), entry.shape());
        assertEquals(0, entry.offset() % 64);
      }
      Checkpoint checkpoint = Checkpoint.open(path);
      checkpoint.checkShapes();
      assertEquals(
          quant.isQuantized() ? quant : null,
          checkpoint.packed().map(PackedWeights::quant).orElse(null));
    }
  }

  private static List<PackedTensorEntry> withKind(
      List<PackedTensorEntry> tensors, String name, PackedTensorKind kind) {
    return new ArrayList<>(
        tensors.stream()
            .map(
                t ->
                    t.name().contains(name)
                        ? new PackedTensorEntry(t.name(), kind, t.shape(), 0, 0, 0, 0)
                        : t)
            .toList());
  }

  @Test
  void matricesMayBeOfSeveralKinds() throws IOException {
    PackedTensorKind int2 = PackedTensorKind.of(Quant.INT2);
    List<PackedTensorEntry> mixed = withKind(tensors(Quant.INT4), "down_proj", int2);
    Checkpoint checkpoint = Checkpoint.open(write(file(mixed, Optional.of(Quant.INT4), CONFIG)));
    checkpoint.checkShapes();
    PackedWeights packed = checkpoint.packed().orElseThrow();
    assertEquals(Quant.INT4, packed.quant());
    assertEquals(int2, packed.kindOf("model.layers.0.mlp.down_proj.weight"));
    assertEquals(PackedTensorKind.Q4, packed.kindOf("lm_head.weight"));
    // The table has to say what they are as a whole, and a matrix may not be missing among them.
    assertRefused("weights has no name", file(mixed, Optional.empty(), CONFIG));
    assertRefused(
        "as it is not in panels",
        file(withKind(mixed, "up_proj", PackedTensorKind.BF16), Optional.of(Quant.INT4), CONFIG));
  }

  @Test
  void everyFormOfCodesIsReadAsItWasWritten() throws IOException {
    for (int bits : CodeFormat.BITS) {
      for (CodeFormat.Form form : CodeFormat.Form.values()) {
        if (form == CodeFormat.Form.GRID && bits > 4) {
          continue;
        }
        PackedTensorKind kind = PackedTensorKind.of(new CodeFormat(bits, 32, form));
        List<PackedTensorEntry> codes = withKind(tensors(Quant.BF16), "proj", kind);
        Checkpoint checkpoint =
            Checkpoint.open(write(file(codes, Optional.of(Quant.STORED), CONFIG)));
        checkpoint.checkShapes();
        assertEquals(Quant.STORED, checkpoint.packed().orElseThrow().quant());
        assertEquals(kind, checkpoint.packed().get().kindOf("model.layers.0.mlp.up_proj.weight"));
        TensorSpec up =
            checkpoint.architecture().matrices().stream()
                .filter(spec -> spec.name().contains("up_proj"))
                .findFirst()
                .orElseThrow();
        long groups = 32 * 32 / 32;
        double number = bits + form.bits() / 32.0;
        assertEquals(groups * 32 * number / 8, checkpoint.tensor(up.name()).bytes());
        if (form != CodeFormat.Form.GRID) {
          assertRefused("stored, with matrices", file(codes, Optional.of(Quant.INT4), CONFIG));
        }
      }
    }
  }

  /** The checksums of the table tell files apart: no tensor is read. */
  @Test
  void theFingerprintIsThatOfTheChecksums() throws IOException {
    byte[] whole = file(tensors(Quant.INT4), CONFIG);
    Checkpoint checkpoint = Checkpoint.open(write(whole));
    String before = Fingerprint.of(checkpoint);
    byte[] other = file(tensors(Quant.INT4), Optional.of(Quant.INT4), CONFIG, 1);
    assertNotEquals(before, Fingerprint.of(Checkpoint.open(write(other))));
    byte[] longer = file(tensors(Quant.INT4), CONFIG + " ");
    assertEquals(before, Fingerprint.of(Checkpoint.open(write(longer))));
  }

  /** Files that an earlier state of the library wrote, whose tables say less. */
  @Test
  void anOlderFileIsReadAsEver() throws IOException, URISyntaxException {
    List<Quant> read = new ArrayList<>();
    for (byte[] older : FuzzInputs.of(ReaderFuzzTest.class, "packed")) {
      Checkpoint checkpoint = Checkpoint.open(write(older));
      checkpoint.checkShapes();
      read.add(checkpoint.packed().map(PackedWeights::quant).orElse(Quant.BF16));
    }
    assertTrue(read.containsAll(List.of(Quant.BF16, Quant.INT4, Quant.INT8)), "" + read);
  }

  @Test
  void aFileThatWasCutOffIsRefused() throws IOException {
    byte[] whole = file(tensors(Quant.INT4), CONFIG);
    for (int length = 0; length < whole.length; length += length < 4096 ? 13 : 1021) {
      Path path = write(Arrays.copyOf(whole, length));
      assertThrows(ModelFormatException.class, () -> Checkpoint.open(path), length + " bytes");
    }
    Path longer = write(Arrays.copyOf(whole, whole.length + 8192));
    assertThrows(ModelFormatException.class, () -> Checkpoint.open(longer));
  }

  /** The header and the table have checksums, so that no changed bit passes. */
  @Test
  void aChangedBitOfTheHeaderOrTheTableIsRefused() throws IOException {
    byte[] whole = file(tensors(Quant.INT8), CONFIG);
    int table = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(12);
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      byte[] changed = whole.clone();
      changed[i < 24 ? i : random.nextInt(24 + table)] ^= (byte) (1 << random.nextInt(8));
      Path path = write(changed);
      assertThrows(ModelFormatException.class, () -> PackedFile.open(path));
    }
  }

  @Test
  void aNewerVersionSaysWhatToDo() throws IOException {
    byte[] newer = file(tensors(Quant.BF16), CONFIG);
    ByteBuffer.wrap(newer).order(ByteOrder.LITTLE_ENDIAN).putInt(8, 2);
    Path path = write(newer);
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> PackedFile.open(path));
    assertEquals(
        path + ": version has 2, expected 1 to 1; a newer one needs a newer library",
        e.getMessage());
  }

  private void assertRefused(String message, byte[] changed) throws IOException {
    Path path = write(sealed(changed));
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> Checkpoint.open(path).checkShapes());
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  private static byte[] sealed(byte[] bytes) {
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    all.putInt(16, PackedFileHeader.checksum(all.slice(24, all.getInt(12))));
    all.putInt(20, PackedFileHeader.checksum(all.slice(0, 20)));
    return bytes;
  }

  /** Replaces the first place where a long has a value, in a file whose checksums are right. */
  private static byte[] replaced(byte[] bytes, long from, long to) {
    ByteBuffer all = ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN);
    int end = 24 + all.getInt(12) - 8;
    for (int at = 24; at <= end; at++) {
      if (all.getLong(at) == from) {
        all.putLong(at, to);
        return all.array();
      }
    }
    throw new IllegalStateException("no " + from);
  }

  @Test
  void placesAndSizesThatOverflowAreRefused() throws IOException {
    byte[] whole = file(tensors(Quant.INT4), CONFIG);
    PackedTensorEntry first = PackedFile.open(write(whole)).entries().get(0);
    for (long offset :
        new long[] {
          -64, Long.MIN_VALUE, Long.MAX_VALUE - 63, 0, 1L << 32, first.offset() + 1, 64
        }) {
      assertRefused("bytes behind those", replaced(whole, first.offset(), offset));
    }
    for (long bytes : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 0, first.bytes() + 64}) {
      assertRefused(" bytes for BF16[48, 32]", replaced(whole, first.bytes(), bytes));
    }
    for (long rows : new long[] {-48, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 60, 1L << 32}) {
      ModelFormatException e =
          assertThrows(
              ModelFormatException.class,
              () -> PackedFile.open(write(sealed(replaced(whole, 48, rows)))));
      assertTrue(
          e.getMessage().contains("sizes that fit the file")
              || e.getMessage().contains(" bytes for "),
          e.getMessage());
    }
  }

  @Test
  void aKindThatIsNotKnownIsRefusedByItsName() throws IOException {
    byte[] whole = file(tensors(Quant.INT4), CONFIG);
    String text = new String(whole, StandardCharsets.ISO_8859_1);
    byte[] other = text.replace("q4\0", "q3\0").getBytes(StandardCharsets.ISO_8859_1);
    assertRefused("kind q3 of 4 bits in groups of 32, form grid, layout 1", other);
    byte[] form = text.replace("grid\0", "odd!\0").getBytes(StandardCharsets.ISO_8859_1);
    assertRefused("form odd!, layout 1", form);
  }

  @Test
  void aModelThatItsTensorsDoNotFitIsRefused() throws IOException {
    List<PackedTensorEntry> fewer = tensors(Quant.INT8);
    fewer.remove(3);
    assertRefused("a tensor", file(fewer, CONFIG));
    assertRefused(
        "hidden_size", file(tensors(Quant.INT8), CONFIG.replace("size\": 32,\n", "size\": 31,\n")));
    List<PackedTensorEntry> twice = tensors(Quant.BF16);
    twice.add(twice.get(0));
    assertRefused("one tensor of that name", file(twice, CONFIG));
    Path another = write(bytes("bc4jSESS and more than 24 bytes of it"));
    assertThrows(ModelFormatException.class, () -> PackedFile.open(another));
  }
}

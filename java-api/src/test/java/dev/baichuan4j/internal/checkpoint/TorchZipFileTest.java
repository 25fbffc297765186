package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.assertRefused;
import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static dev.baichuan4j.internal.checkpoint.TestFiles.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import net.razorvine.pickle.Opcodes;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchZipFileTest {

  private static final long[] SHAPE = {2, 3};
  private static final long[] ROW_MAJOR = {3, 1};

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameFile() {
    file = folder.resolve("pytorch_model.bin");
  }

  private void refuses(String message) {
    assertRefused(file, message, () -> TorchZipFile.open(file));
  }

  private void zip(byte[] pickle, byte[] storage) throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("archive/data.pkl", pickle).stored("archive/data/0", storage);
    }
  }

  private void refuses(byte[] pickle, String message) throws IOException {
    zip(pickle, new byte[12]);
    refuses(message);
    Files.delete(file);
  }

  @Test
  void findsStorageBehindTheLocalHeadersOwnPadding() throws IOException {
    zip(PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR), utf8("abcdefghijkl"));
    TensorEntry entry = TorchZipFile.open(file).tensors().get("w");
    assertEquals(DType.BF16, entry.dtype());
    assertEquals("[2, 3]", Arrays.toString(entry.shape()));
    byte[] bytes = Files.readAllBytes(file);
    assertEquals(
        "abcdefghijkl",
        new String(bytes, (int) entry.offset(), (int) entry.bytes(), StandardCharsets.UTF_8));
  }

  @Test
  void readsTensorsThatShareAStorageInAStateDictWithAttributes() throws IOException {
    byte[] pickle =
        new PickleBuilder()
            .orderedDict()
            .op(Opcodes.MARK)
            .string("a")
            .tensor("0", 6, 0, new long[] {2}, new long[] {1})
            .string("b")
            .global("torch._utils", "_rebuild_parameter")
            .op(Opcodes.MARK)
            .tensor("0", 6, 2, new long[] {1, 4}, new long[] {99, 1})
            .op(Opcodes.NEWTRUE)
            .orderedDict()
            .op(Opcodes.TUPLE, Opcodes.REDUCE, Opcodes.SETITEMS)
            .op(Opcodes.EMPTY_DICT)
            .string("_metadata")
            .orderedDict()
            .op(Opcodes.SETITEM, Opcodes.BUILD)
            .stop();
    zip(pickle, new byte[12]);
    Map<String, TensorEntry> tensors = TorchZipFile.open(file).tensors();
    assertEquals(List.of("a", "b"), List.copyOf(tensors.keySet()));
    assertEquals(tensors.get("a").offset() + 4, tensors.get("b").offset());
    assertEquals(8, tensors.get("b").bytes());
  }

  @Test
  void readsZip64() throws IOException {
    try (ZipBuilder zip = ZipBuilder.createZip64(file)) {
      zip.stored("m/data.pkl", PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR))
          .stored("m/byteorder", utf8("little"))
          .stored("m/data/0", new byte[12]);
    }
    assertEquals(12, TorchZipFile.open(file).tensors().get("w").bytes());
  }

  @Test
  void readsStoragesBeyondFourGibibytes() throws IOException {
    long hole = 5L << 30;
    try (ZipBuilder zip = ZipBuilder.createZip64(file)) {
      zip.stored("m/data.pkl", PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR))
          .skip(hole)
          .stored("m/data/0", utf8("abcdefghijkl"));
    }
    TensorEntry entry = TorchZipFile.open(file).tensors().get("w");
    assertEquals(5, entry.offset() >> 30);
    try (FileBytes bytes = FileBytes.open(file)) {
      assertEquals(
          "abcdefghijkl",
          new String(bytes.read(entry.offset(), 12, "data").array(), StandardCharsets.UTF_8));
    }
  }

  @Test
  void rejectsLegacyFormatAndSaysHowToConvert() throws IOException {
    write(file, new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10});
    refuses(
        "content has a bare pickle (before PyTorch 1.6), expected the zip format of torch.save;"
            + " convert it once in Python with torch.save(torch.load(f, map_location='cpu',"
            + " weights_only=True), f)");
    write(file, utf8("ustar"));
    refuses(
        "content has no zip file, expected the zip format of torch.save; convert it once in Python"
            + " with torch.save(torch.load(f, map_location='cpu', weights_only=True), f)");
  }

  @Test
  void rejectsTruncatedZip() throws IOException {
    zip(PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR), new byte[12]);
    byte[] bytes = Files.readAllBytes(file);
    write(file, Arrays.copyOf(bytes, bytes.length - 1));
    refuses(
        "zip directory has no end record in "
            + (bytes.length - 1)
            + " bytes, expected one at the end; the download may be incomplete");
    write(file, utf8("PK"));
    refuses(
        "zip directory has no end record in 2 bytes, expected one at the end; the download may be"
            + " incomplete");
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    zip(PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR), new byte[12]);
    byte[] bytes = Files.readAllBytes(file);
    for (int length = 0; length < bytes.length; length++) {
      write(file, Arrays.copyOf(bytes, length));
      assertThrows(ModelFormatException.class, () -> TorchZipFile.open(file));
    }
  }

  @Test
  void rejectsDeflatedStorageByName() throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("m/data.pkl", PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR))
          .entry("m/data/0", new byte[5], 12, 8, 0);
    }
    refuses(
        "zip entry m/data/0 has compression method 8, 5 bytes for 12, expected method 0 (stored),"
            + " as torch.save writes it");
  }

  @Test
  void rejectsEncryptedStorage() throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("m/data.pkl", PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR))
          .entry("m/data/0", new byte[12], 12, 0, 1);
    }
    refuses("zip entry m/data/0 has encrypted bytes, expected bytes that are not encrypted");
  }

  @Test
  void rejectsMissingStorage() throws IOException {
    refuses(
        PickleBuilder.one("7", 6, 0, SHAPE, ROW_MAJOR),
        "w has no storage, expected a zip entry archive/data/7");
    refuses(
        PickleBuilder.one("../data.pkl", 6, 0, SHAPE, ROW_MAJOR),
        "w has no storage, expected a zip entry archive/data/../data.pkl");
  }

  @Test
  void rejectsStorageOfWrongLength() throws IOException {
    refuses(
        PickleBuilder.one("0", 7, 0, SHAPE, ROW_MAJOR),
        "zip entry archive/data/0 has 12 bytes, expected 7 elements of BF16");
  }

  @Test
  void rejectsTensorOutsideItsStorage() throws IOException {
    refuses(
        PickleBuilder.one("0", 6, 1, SHAPE, ROW_MAJOR),
        "w has shape [2, 3] from element 1 on, expected a place inside its storage of 6 elements");
    refuses(
        PickleBuilder.one("0", 6, Long.MAX_VALUE, SHAPE, ROW_MAJOR),
        "w has shape [2, 3] from element 9223372036854775807 on, expected a place inside its"
            + " storage of 6 elements");
  }

  @Test
  void rejectsShapeWhoseProductOverflows() throws IOException {
    refuses(
        PickleBuilder.one("0", 6, 0, new long[] {1L << 32, 1L << 32}, new long[] {1L << 32, 1}),
        "w has shape [4294967296, 4294967296], expected sizes whose product fits the file");
  }

  @Test
  void rejectsTransposedTensorByName() throws IOException {
    refuses(
        PickleBuilder.one("0", 6, 0, SHAPE, new long[] {1, 2}),
        "w has strides [1, 2] for shape [2, 3], expected contiguous rows; save tensor.contiguous()"
            + " instead");
  }

  @Test
  void rejectsBigEndianFile() throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("m/data.pkl", PickleBuilder.one("0", 6, 0, SHAPE, ROW_MAJOR))
          .stored("m/byteorder", utf8("big"));
    }
    refuses("byteorder has big, expected little");
  }

  @Test
  void rejectsZipWithoutOrWithTwoPickles() throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("word/document.xml", new byte[1]);
    }
    refuses("zip file has 0 of them, expected one NAME/data.pkl");
    Files.delete(file);
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("a/data.pkl", new byte[1]).stored("b/data.pkl", new byte[1]);
    }
    refuses("zip file has 2 of them, expected one NAME/data.pkl");
  }

  @Test
  void rejectsNameThatIsThereTwice() throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("a/data.pkl", new byte[1]).stored("a/data.pkl", new byte[1]);
    }
    refuses("zip directory has a/data.pkl twice, expected each name once");
  }

  @Test
  void rejectsPickleTooLargeForTheHeap() throws IOException {
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("a/data.pkl", new byte[(16 << 20) + 1]);
    }
    refuses("data.pkl has 16777217 bytes, expected at most 16777216 bytes");
  }
}

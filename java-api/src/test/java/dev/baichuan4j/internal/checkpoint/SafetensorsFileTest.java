package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.assertRefused;
import static dev.baichuan4j.internal.checkpoint.TestFiles.longBytes;
import static dev.baichuan4j.internal.checkpoint.TestFiles.safetensors;
import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static dev.baichuan4j.internal.checkpoint.TestFiles.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.files.FileBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameFile() {
    file = folder.resolve("model.safetensors");
  }

  private void refuses(String message) {
    assertRefused(file, message, () -> SafetensorsFile.open(file));
  }

  private void refuses(String header, int dataBytes, String message) throws IOException {
    safetensors(file, header, dataBytes);
    refuses(message);
  }

  @Test
  void findsTensorsOfEveryKindInHeaderOrder() throws IOException {
    String header =
        "{\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[2,26]},"
            + "\"__metadata__\":{\"format\":\"pt\"},"
            + "\"scalar\":{\"data_offsets\":[0,2],\"shape\":[],\"dtype\":\"F16\",\"more\":[{}]},"
            + "\"empty\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[2,2]}}   ";
    safetensors(file, header, 26);
    SafetensorsFile tensors = SafetensorsFile.open(file);
    int data = 8 + header.length();
    assertEquals(List.of("b", "scalar", "empty"), List.copyOf(tensors.tensors().keySet()));
    assertEquals(
        new TensorEntry("b", DType.F32, new long[] {2, 3}, file, data + 2, 24),
        tensors.tensors().get("b"));
    assertEquals(
        new TensorEntry("scalar", DType.F16, new long[0], file, data, 2),
        tensors.tensors().get("scalar"));
    assertEquals(0, tensors.tensors().get("empty").bytes());
  }

  @Test
  void rejectsMissingFile() {
    refuses("path has nothing there, expected a file");
  }

  @Test
  void rejectsFolder() throws IOException {
    Files.createDirectory(file);
    refuses("path has a folder, expected a file");
  }

  @Test
  void rejectsGitLfsPointer() throws IOException {
    write(file, utf8("version https://git-lfs.github.com/spec/v1\noid sha256:79452955be6b\n"));
    refuses("content has a Git LFS pointer, expected the file itself; run `git lfs pull`");
  }

  @Test
  void rejectsFileWithoutHeaderLength() throws IOException {
    write(file, new byte[5]);
    refuses("header length has 8 bytes from offset 0 on, expected bytes inside the file's 5");
  }

  @Test
  void rejectsHeaderLongerThanFile() throws IOException {
    write(file, longBytes(1000), utf8("{}"));
    refuses("header has 1000 bytes, expected at most the 2 bytes that the file has for it");
  }

  @Test
  void rejectsHeaderLongerThan100MegabytesWithoutReadingIt() throws IOException {
    write(file, longBytes(100_000_001), utf8("{}"));
    refuses("header has 100000001 bytes, expected at most 100000000 bytes");
    write(file, longBytes(-1), utf8("{}"));
    refuses("header has 18446744073709551615 bytes, expected at most 100000000 bytes");
  }

  @Test
  void rejectsTruncatedFile() throws IOException {
    safetensors(file, "{\"w\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}", 7);
    refuses("w has data_offsets [0, 8], expected a range inside the 7 bytes of data");
  }

  @Test
  void rejectsOverlap() throws IOException {
    refuses(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}",
        7,
        "b has overlapping data at 3, expected its data to begin where the data before it ends, at"
            + " 4");
  }

  @Test
  void rejectsHole() throws IOException {
    refuses(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[5,7]}}",
        7,
        "b has a hole before its data at 5, expected its data to begin where the data before it"
            + " ends, at 4");
  }

  @Test
  void rejectsDataThatNoTensorOwns() throws IOException {
    refuses(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
        5,
        "data has 5 bytes, expected 4 bytes, as its tensors have");
  }

  @Test
  void rejectsUnknownType() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}",
        2,
        "w has dtype F4, expected one of [BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32,"
            + " U32, F32, F64, I64, U64]");
  }

  @Test
  void rejectsShapeThatDoesNotFitItsRange() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[0,6]}}",
        6,
        "w has data_offsets [0, 6], expected 8 bytes for BF16[2, 2]");
  }

  @Test
  void rejectsShapeWhoseProductOverflows() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"BF16\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
        0,
        "w has shape [4294967296, 4294967296], expected sizes whose product fits the file");
    refuses(
        "{\"w\":{\"dtype\":\"BF16\",\"shape\":[-2,-2],\"data_offsets\":[0,8]}}",
        8,
        "w has shape [-2, -2], expected sizes whose product fits the file");
  }

  @Test
  void rejectsRangeThatIsReversedOrNegative() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,2]}}",
        4,
        "w has data_offsets [4, 2], expected a range inside the 4 bytes of data");
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[-2,0]}}",
        4,
        "w has data_offsets [-2, 0], expected a range inside the 4 bytes of data");
  }

  @Test
  void rejectsNumbersThatAreNoIntegers() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[2.5],\"data_offsets\":[0,2]}}",
        2,
        "w has shape with 2.5, expected integers of at most 18 digits");
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,2]}}",
        2,
        "w has shape with 99999999999999999999, expected integers of at most 18 digits");
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":2,\"data_offsets\":[0,2]}}",
        2,
        "w has shape 2, expected a list of integers");
  }

  @Test
  void rejectsTooManyDimensions() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}",
        1,
        "w has shape of more numbers, expected at most 8 numbers");
  }

  @Test
  void rejectsEntryWithMissingFields() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[1]}}",
        1,
        "w has fewer, expected dtype, shape and data_offsets of two numbers");
    refuses("{\"w\":1}", 1, "w has none, expected an object with dtype, shape and data_offsets");
  }

  @Test
  void rejectsNameThatIsThereTwice() throws IOException {
    refuses(
        "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            + "\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
        2,
        "JSON has an error at line 1, column 57 (Duplicate field 'w'), expected well-formed JSON");
  }

  @Test
  void rejectsMalformedHeader() throws IOException {
    refuses("[]", 0, "header has none, expected a JSON object");
    refuses("{} {}", 0, "header has more, expected nothing but spaces behind its JSON object");
    refuses(
        "{\"w\":",
        0,
        "JSON has an error at line 1, column 6 (Unexpected end-of-input within/between Object"
            + " entries), expected well-formed JSON");
  }

  @Test
  void rejectsDeepNestingWithoutOverflowingTheStack() throws IOException {
    safetensors(file, "{\"__metadata__\":" + "[".repeat(100_000), 0);
    refuses(
        "JSON has an error (Document nesting depth (65) exceeds the maximum"
            + " allowed (64, from `StreamReadConstraints.getMaxNestingDepth()`)), expected"
            + " well-formed JSON");
  }

  @Test
  void rejectsMoreTensorsThanAnyModelHas() throws IOException {
    String header =
        IntStream.rangeClosed(0, 100_000)
            .mapToObj(i -> "\"" + i + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}")
            .collect(Collectors.joining(",", "{", "}"));
    refuses(header, 0, "header has more tensors, expected at most 100000 tensors");
  }

  @Test
  void writerRoundTrips() throws IOException {
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, "logits", 3, 20_000)) {
      for (int row = 0; row < 3; row++) {
        float[] values = new float[20_000];
        Arrays.fill(values, row + 0.5f);
        writer.row(values);
      }
    }
    TensorEntry entry = SafetensorsFile.open(file).tensors().get("logits");
    assertEquals(DType.F32, entry.dtype());
    assertEquals("[3, 20000]", Arrays.toString(entry.shape()));
    assertEquals(0, entry.offset() % 64);
    assertEquals(entry.offset() + 240_000, Files.size(file));
    try (FileBytes bytes = FileBytes.open(file)) {
      assertEquals(0.5f, bytes.read(entry.offset(), 240_000, "data").getFloat(0));
      assertEquals(2.5f, bytes.read(entry.offset(), 240_000, "data").getFloat(239_996));
    }
  }

  @Test
  void writerLeavesNoHalfFile() {
    SafetensorsWriter writer = SafetensorsWriter.create(file, "logits", 2, 4);
    writer.row(new float[4]);
    IllegalStateException e = assertThrows(IllegalStateException.class, writer::close);
    assertEquals(file + ": data has 16 bytes, expected 32", e.getMessage());
    assertTrue(Files.notExists(file));
  }

  @Test
  void writerRejectsMoreValuesThanTheShapeHolds() {
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, "logits", 1, 4)) {
      writer.row(new float[4]);
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> writer.row(new float[1]));
      assertEquals(file + ": data has more bytes, expected 16 as the shapes say", e.getMessage());
    }
  }
}

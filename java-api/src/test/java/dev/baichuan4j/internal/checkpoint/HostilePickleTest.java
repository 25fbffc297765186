package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.assertRefused;
import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.Unpickler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles that would run code, eat the heap, or never end. */
class HostilePickleTest {

  private static final String NOT_ALLOWED =
      ", expected only what tensors need; the file may run code when it is opened in Python";

  @TempDir Path folder;

  private static void refuses(byte[] pickle, String message) {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> TensorUnpickler.read(pickle, "m.bin"));
    assertEquals("m.bin: " + message, e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "posix, system",
    "nt, system",
    "subprocess, Popen",
    "builtins, eval",
    "builtins, exec",
    "__builtin__, eval",
    "builtins, getattr",
    "torch, load",
    "torch.hub, load",
    "torch._utils, _rebuild_sparse_tensor",
    "numpy.core.multiarray, _reconstruct",
    // Names that the library itself would let through.
    "datetime, datetime",
    "decimal, Decimal",
    "builtins, bytearray",
    "builtins, set",
    "builtins, SystemExit",
    "array, array",
    "operator, attrgetter",
    "copy_reg, _reconstructor",
    "_codecs, encode"
  })
  void namesTheCallAndNeverRunsIt(String module, String name) throws IOException {
    Path proof = folder.resolve("proof");
    byte[] argument = utf8("touch " + proof);
    byte[] pickle =
        new PickleBuilder()
            .global(module, name)
            .op(Opcodes.SHORT_BINUNICODE, argument.length)
            .raw(argument)
            .op(Opcodes.TUPLE1, Opcodes.REDUCE)
            .stop();
    Path file = folder.resolve("pytorch_model.bin");
    try (ZipBuilder zip = ZipBuilder.create(file)) {
      zip.stored("archive/data.pkl", pickle);
    }
    assertRefused(
        file,
        "data.pkl has global " + module + "." + name + NOT_ALLOWED,
        () -> TorchZipFile.open(file));
    assertTrue(Files.notExists(proof));
  }

  @Test
  void namesACallThatIsHiddenInAStackGlobal() {
    refuses(
        new PickleBuilder().string("posix").string("system").op(Opcodes.STACK_GLOBAL).stop(),
        "data.pkl has global posix.system" + NOT_ALLOWED);
  }

  @Test
  void ignoresWhatOthersRegisteredWithTheLibrary() {
    AtomicBoolean ran = new AtomicBoolean();
    Unpickler.registerConstructor(
        "elsewhere",
        "Registered",
        arguments -> {
          ran.set(true);
          return "constructed";
        });
    refuses(
        new PickleBuilder()
            .global("elsewhere", "Registered")
            .op(Opcodes.EMPTY_TUPLE, Opcodes.REDUCE)
            .stop(),
        "data.pkl has global elsewhere.Registered" + NOT_ALLOWED);
    assertFalse(ran.get());
  }

  @ParameterizedTest
  @ValueSource(
      chars = {
        Opcodes.INST,
        Opcodes.OBJ,
        Opcodes.NEWOBJ,
        Opcodes.NEWOBJ_EX,
        Opcodes.EXT1,
        Opcodes.EXT4,
        Opcodes.PERSID,
        Opcodes.DUP,
        Opcodes.LONG,
        Opcodes.LONG4,
        Opcodes.BINBYTES8,
        Opcodes.BYTEARRAY8,
        Opcodes.FROZENSET,
        Opcodes.NEXT_BUFFER,
        0xff
      })
  void rejectsInstructionsThatPlainDataDoesNotNeed(char opcode) {
    refuses(
        new PickleBuilder().op(opcode).raw(utf8("posix\nsystem\n")).stop(),
        String.format(
            "data.pkl has pickle opcode 0x%02x, expected only the instructions of plain data",
            (int) opcode));
  }

  @Test
  void buildNeverCallsSetState() {
    // The library would call the target's public __setstate__ by reflection.
    byte[] pickle =
        new PickleBuilder()
            .orderedDict()
            .op(Opcodes.EMPTY_DICT)
            .string("__setstate__")
            .string("posix.system")
            .op(Opcodes.SETITEM, Opcodes.BUILD)
            .stop();
    assertEquals(0, TensorUnpickler.read(pickle, "m.bin").tensors().size());
  }

  @Test
  void rejectsStringLongerThanThePickleBeforeAllocatingIt() {
    refuses(
        new PickleBuilder().op(Opcodes.BINUNICODE).raw(PickleBuilder.int32(-1)).stop(),
        "data.pkl has a string of 4294967295 bytes, expected a string inside the pickle");
  }

  @Test
  void rejectsMillionsOfInstructions() {
    PickleBuilder pickle = new PickleBuilder();
    byte[] lists = new byte[1_000_001];
    Arrays.fill(lists, (byte) Opcodes.EMPTY_LIST);
    refuses(pickle.raw(lists).stop(), "data.pkl has more, expected at most 1000000 instructions");
  }

  @Test
  void tuplesThatDoubleWithEachLevelTakeNoTime() {
    PickleBuilder pickle = new PickleBuilder().op(Opcodes.EMPTY_LIST, Opcodes.BINPUT, 0);
    for (int level = 0; level < 200; level++) {
      pickle.op(Opcodes.BINGET, 0, Opcodes.TUPLE2, Opcodes.BINPUT, 0);
      pickle.op(Opcodes.BINGET, 0);
    }
    byte[] bytes = pickle.op(Opcodes.TUPLE2).stop();
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> refuses(bytes, "data.pkl has a tuple of 2, expected a dictionary of tensors"));
  }

  @Test
  void rejectsKeysWhoseHashWouldTakeForever() {
    refuses(
        new PickleBuilder()
            .op(Opcodes.EMPTY_DICT, Opcodes.EMPTY_LIST, Opcodes.NONE, Opcodes.SETITEM)
            .stop(),
        "data.pkl has a key that is a list, expected strings as keys");
  }

  @Test
  void rejectsListThatContainsItself() {
    byte[] pickle =
        new PickleBuilder()
            .op(Opcodes.EMPTY_DICT)
            .string("w")
            .op(Opcodes.EMPTY_LIST, Opcodes.BINPUT, 0, Opcodes.BINGET, 0, Opcodes.APPEND)
            .op(Opcodes.SETITEM)
            .stop();
    refuses(pickle, "w has a list, expected a tensor");
  }

  @Test
  void rejectsMalformedPickles() {
    refuses(
        new byte[0],
        "data.pkl has an error (java.io.IOException: premature end of file), expected a"
            + " well-formed pickle");
    refuses(
        new PickleBuilder().op(Opcodes.TUPLE3).stop(),
        "data.pkl has an error (java.lang.IndexOutOfBoundsException: Index -1 out of bounds for"
            + " length 0), expected a well-formed pickle");
    refuses(
        new PickleBuilder().op(Opcodes.NONE).stop(),
        "data.pkl has None, expected a dictionary of tensors");
    refuses(
        new PickleBuilder().op(Opcodes.EMPTY_LIST).string("k").op(Opcodes.NONE, 's').stop(),
        "data.pkl has a list, expected a dictionary to put items into");
  }

  @Test
  void rejectsCallsThatTorchDoesNotWrite() {
    refuses(
        new PickleBuilder()
            .global("torch._utils", "_rebuild_tensor_v2")
            .op(Opcodes.EMPTY_TUPLE, Opcodes.REDUCE)
            .stop(),
        "data.pkl has a call of Callable, expected calls as torch.save writes them");
    refuses(
        new PickleBuilder().string("posix").op(Opcodes.EMPTY_TUPLE, Opcodes.REDUCE).stop(),
        "data.pkl has a call of the constant posix, expected calls as torch.save writes them");
    refuses(
        new PickleBuilder().string("storage").op(Opcodes.TUPLE1, Opcodes.BINPERSID).stop(),
        "data.pkl has another persistent id, expected storage ids as torch.save writes them");
  }

  @Test
  void rejectsSizesThatAreNoIntegersFromZeroOn() {
    refuses(
        PickleBuilder.one("0", 6, -1, new long[] {6}, new long[] {1}),
        "data.pkl has -1, expected an integer from 0 to 2^63-1");
    refuses(
        PickleBuilder.one("0", 6, 0, new long[] {6}, new long[] {1, 1}),
        "data.pkl has 1 sizes, 2 strides, expected as many strides as sizes");
    refuses(
        PickleBuilder.one("0", 6, 0, new long[9], new long[9]),
        "data.pkl has a tuple of 9, expected sizes and strides of at most 8 dimensions");
  }

  @Test
  void messageCannotSteerATerminal() {
    refuses(
        new PickleBuilder().global("os\u001b[2J", "system\r").stop(),
        "data.pkl has global os\uFFFD[2J.system " + NOT_ALLOWED);
  }
}

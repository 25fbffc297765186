package dev.baichuan4j.internal.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.razorvine.pickle.Opcodes;

/**
 * An assembler of pickles: instructions go in one after the other, as {@code torch.save} or an
 * attacker writes them.
 */
final class PickleBuilder {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  PickleBuilder() {
    op(Opcodes.PROTO, 2);
  }

  PickleBuilder op(int... opcodes) {
    for (int opcode : opcodes) {
      bytes.write(opcode);
    }
    return this;
  }

  PickleBuilder raw(byte[] more) {
    bytes.writeBytes(more);
    return this;
  }

  PickleBuilder global(String module, String name) {
    return op(Opcodes.GLOBAL).raw(TestFiles.utf8(module + "\n" + name + "\n"));
  }

  PickleBuilder string(String text) {
    byte[] utf8 = TestFiles.utf8(text);
    return op(Opcodes.BINUNICODE).raw(int32(utf8.length)).raw(utf8);
  }

  PickleBuilder integer(long value) {
    return op(Opcodes.LONG1, 8).raw(TestFiles.longBytes(value));
  }

  PickleBuilder tuple(long... values) {
    op(Opcodes.MARK);
    for (long value : values) {
      integer(value);
    }
    return op(Opcodes.TUPLE);
  }

  /** A storage: BINPERSID of ("storage", torch.TYPE, key, "cpu", elements). */
  PickleBuilder storage(String type, String key, long elements) {
    op(Opcodes.MARK).string("storage").global("torch", type).string(key).string("cpu");
    return integer(elements).op(Opcodes.TUPLE, Opcodes.BINPERSID);
  }

  PickleBuilder orderedDict() {
    return global("collections", "OrderedDict").op(Opcodes.EMPTY_TUPLE, Opcodes.REDUCE);
  }

  /** A tensor of BF16 over a storage of its own. */
  PickleBuilder tensor(String key, long elements, long offset, long[] shape, long[] strides) {
    global("torch._utils", "_rebuild_tensor_v2").op(Opcodes.MARK);
    storage("BFloat16Storage", key, elements).integer(offset).tuple(shape).tuple(strides);
    return op(Opcodes.NEWFALSE).orderedDict().op(Opcodes.TUPLE, Opcodes.REDUCE);
  }

  byte[] stop() {
    return op(Opcodes.STOP).bytes.toByteArray();
  }

  /** {"w": tensor}. */
  static byte[] one(String key, long elements, long offset, long[] shape, long[] strides) {
    return new PickleBuilder()
        .op(Opcodes.EMPTY_DICT)
        .string("w")
        .tensor(key, elements, offset, shape, strides)
        .op(Opcodes.SETITEM)
        .stop();
  }

  static byte[] int32(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }
}

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.PickleUtils;
import net.razorvine.pickle.Unpickler;

/**
 * Reads the {@code data.pkl} of a file that {@code torch.save} wrote: a dictionary of tensors. Two
 * kinds of other values that bitsandbytes puts beside tensors are read as well ({@link Contents}).
 *
 * <p>A pickle is a program, and in Python it may call anything. Here it may not: every instruction
 * passes {@link #dispatch}, which runs only those that plain data needs and resolves the names of
 * {@link #GLOBALS} itself. The library's own registry, which is shared by the whole JVM and lets
 * {@code datetime}, {@code decimal} and whatever else was registered through, is never consulted,
 * and its reflective {@code __setstate__} is never reached. Keys are strings, so that hashing them
 * is cheap; lengths are checked against the input before anything is allocated; the number of
 * instructions bounds the rest.
 */
final class TensorUnpickler extends Unpickler {

  /**
   * A storage, which is an entry of the zip file.
   *
   * @param key the entry's name below {@code data/}
   * @param dtype the element type
   * @param elements the number of elements
   */
  record Storage(String key, DType dtype, long elements) {}

  /**
   * A view of a storage.
   *
   * @param storage what is viewed
   * @param offset the first element
   * @param shape the sizes, outermost first
   * @param strides the elements from one index to the next, for each size
   */
  record Tensor(Storage storage, long offset, long[] shape, long[] strides) {}

  /**
   * What a dictionary holds. The elements of a list {@code NAME.quant_state}, in which bitsandbytes
   * 0.41 keeps what codes need, have the list's name, a dot and their index; so have those of lists
   * in it.
   *
   * @param tensors by name, in the order of the pickle
   * @param constants elements of such lists that are no tensors, and the strings {@code
   *     NAME.weight_format}
   */
  record Contents(Map<String, Tensor> tensors, Map<String, String> constants) {}

  private enum Callable {
    REBUILD_TENSOR,
    REBUILD_PARAMETER,
    ORDERED_DICT,
    SIZE
  }

  /** Bytes of a {@code data.pkl}; a 13B model's has about 60,000. */
  static final int MAX_BYTES = 16 << 20;

  /** A tensor takes some 35 instructions, so this is enough for 28,000 tensors. */
  private static final int MAX_INSTRUCTIONS = 1_000_000;

  private static final int MAX_RANK = 8;
  private static final int MAX_LIST_DEPTH = 3;
  private static final int MAX_LIST = 16;

  /** Lists may be shared, so that their elements are bounded besides their instructions. */
  private static final int MAX_VALUES = 100_000;

  private static final String LIST = ".quant_state";
  private static final String FORMAT = ".weight_format";

  private static final Map<String, Object> GLOBALS =
      Map.ofEntries(
          Map.entry("torch._utils._rebuild_tensor_v2", Callable.REBUILD_TENSOR),
          Map.entry("torch._utils._rebuild_parameter", Callable.REBUILD_PARAMETER),
          Map.entry("collections.OrderedDict", Callable.ORDERED_DICT),
          Map.entry("torch.Size", Callable.SIZE),
          Map.entry("torch.float16", "float16"),
          Map.entry("torch.bfloat16", "bfloat16"),
          Map.entry("torch.float32", "float32"),
          Map.entry("torch.DoubleStorage", DType.F64),
          Map.entry("torch.FloatStorage", DType.F32),
          Map.entry("torch.HalfStorage", DType.F16),
          Map.entry("torch.BFloat16Storage", DType.BF16),
          Map.entry("torch.LongStorage", DType.I64),
          Map.entry("torch.IntStorage", DType.I32),
          Map.entry("torch.ShortStorage", DType.I16),
          Map.entry("torch.CharStorage", DType.I8),
          Map.entry("torch.ByteStorage", DType.U8),
          Map.entry("torch.BoolStorage", DType.BOOL),
          Map.entry("torch.storage.UntypedStorage", DType.U8));

  private final String file;
  private int instructions;

  private TensorUnpickler(String file) {
    this.file = file;
  }

  /**
   * Reads a dictionary of tensors.
   *
   * @param pickle the bytes of a {@code data.pkl}
   * @param file the file it comes from, for messages
   * @throws ModelFormatException if the pickle is malformed, names something that tensors do not
   *     need, or holds something else than a dictionary of tensors
   */
  static Contents read(byte[] pickle, String file) {
    TensorUnpickler unpickler = new TensorUnpickler(file);
    Object value;
    try {
      value = unpickler.load(new ByteArrayInputStream(pickle));
    } catch (ModelFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The library reports an empty stack, a wrong operand or an early end as what they cause.
      throw new ModelFormatException(
          file, "data.pkl", "a well-formed pickle", "an error (" + e + ")", e);
    }
    if (!(value instanceof Map<?, ?> dictionary)) {
      throw unpickler.wrong("a dictionary of tensors", kind(value));
    }
    Contents contents = new Contents(new LinkedHashMap<>(), new LinkedHashMap<>());
    for (Map.Entry<?, ?> entry : dictionary.entrySet()) {
      unpickler.put((String) entry.getKey(), entry.getValue(), contents);
    }
    return contents;
  }

  private void put(String name, Object value, Contents contents) {
    if (value instanceof Tensor tensor) {
      contents.tensors.put(name, tensor);
    } else if (value instanceof String text && name.endsWith(FORMAT)) {
      contents.constants.put(name, text);
    } else if (value instanceof List<?> list && name.endsWith(LIST)) {
      putElements(name, list, 1, contents);
    } else {
      throw new ModelFormatException(file, name, "a tensor", kind(value));
    }
  }

  private void putElements(String name, List<?> list, int depth, Contents contents) {
    int values = contents.tensors.size() + contents.constants.size();
    if (list.size() > MAX_LIST || values > MAX_VALUES) {
      throw new ModelFormatException(
          file, name, "a list of at most " + MAX_LIST + " elements", list.size() + " elements");
    }
    for (int i = 0; i < list.size(); i++) {
      String element = name + "." + i;
      Object value = list.get(i);
      if (value instanceof Tensor tensor) {
        contents.tensors.put(element, tensor);
      } else if (value instanceof List<?> inner && depth < MAX_LIST_DEPTH) {
        putElements(element, inner, depth + 1, contents);
      } else if (value instanceof long[] sizes) {
        contents.constants.put(element, Arrays.toString(sizes));
      } else if (value instanceof String || value instanceof Number || value instanceof Boolean) {
        contents.constants.put(element, value.toString());
      } else if (value != null) {
        throw new ModelFormatException(
            file, element, "what a state of bitsandbytes holds", kind(value));
      }
    }
  }

  @Override
  protected Object dispatch(short opcode) throws IOException {
    if (++instructions > MAX_INSTRUCTIONS) {
      throw wrong("at most " + MAX_INSTRUCTIONS + " instructions", "more");
    }
    switch (opcode) {
      case Opcodes.PROTO,
          Opcodes.FRAME,
          Opcodes.STOP,
          Opcodes.MARK,
          Opcodes.NONE,
          Opcodes.NEWTRUE,
          Opcodes.NEWFALSE,
          Opcodes.BININT,
          Opcodes.BININT1,
          Opcodes.BININT2,
          Opcodes.LONG1,
          Opcodes.BINFLOAT,
          Opcodes.SHORT_BINUNICODE,
          Opcodes.EMPTY_TUPLE,
          Opcodes.TUPLE,
          Opcodes.TUPLE1,
          Opcodes.TUPLE2,
          Opcodes.TUPLE3,
          Opcodes.EMPTY_LIST,
          Opcodes.APPEND,
          Opcodes.APPENDS,
          Opcodes.BINPUT,
          Opcodes.LONG_BINPUT,
          Opcodes.MEMOIZE,
          Opcodes.BINGET,
          Opcodes.LONG_BINGET,
          Opcodes.BINPERSID -> {
        return super.dispatch(opcode);
      }
      case Opcodes.BINUNICODE -> stack.add(readString());
      case Opcodes.EMPTY_DICT -> stack.add(new LinkedHashMap<String, Object>());
      case Opcodes.SETITEM -> {
        Object value = stack.pop();
        Object key = stack.pop();
        putAll(Arrays.asList(key, value));
      }
      case Opcodes.SETITEMS -> putAll(stack.pop_all_since_marker());
      case Opcodes.GLOBAL -> {
        String module = PickleUtils.readline(input);
        stack.add(global(module, PickleUtils.readline(input)));
      }
      case Opcodes.STACK_GLOBAL -> {
        String name = (String) stack.pop();
        stack.add(global((String) stack.pop(), name));
      }
      case Opcodes.REDUCE -> {
        Object[] arguments = (Object[]) stack.pop();
        stack.add(call(stack.pop(), arguments));
      }
      case Opcodes.BUILD -> stack.pop(); // attributes, such as the _metadata of a state_dict
      default ->
          throw wrong(
              "only the instructions of plain data", String.format("pickle opcode 0x%02x", opcode));
    }
    return NO_RETURN_VALUE;
  }

  private String readString() throws IOException {
    long length = PickleUtils.bytes_to_uint(PickleUtils.readbytes(input, Integer.BYTES), 0);
    if (length > input.available()) {
      throw wrong("a string inside the pickle", "a string of " + length + " bytes");
    }
    return new String(input.readNBytes((int) length), StandardCharsets.UTF_8);
  }

  private void putAll(List<Object> keysAndValues) {
    if (!(stack.peek() instanceof LinkedHashMap<?, ?>)) {
      throw wrong("a dictionary to put items into", kind(stack.peek()));
    }
    @SuppressWarnings("unchecked") // dictionaries are made by this class alone
    Map<String, Object> dictionary = (Map<String, Object>) stack.peek();
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      if (!(keysAndValues.get(i) instanceof String key)) {
        throw wrong("strings as keys", "a key that is " + kind(keysAndValues.get(i)));
      }
      dictionary.put(key, keysAndValues.get(i + 1));
    }
  }

  private Object global(String module, String name) {
    Object global = GLOBALS.get(module + "." + name);
    if (global == null) {
      throw wrong(
          "only what tensors need; the file may run code when it is opened in Python",
          "global " + module + "." + name);
    }
    return global;
  }

  private Object call(Object callable, Object[] arguments) {
    if (callable == Callable.ORDERED_DICT && arguments.length == 0) {
      return new LinkedHashMap<String, Object>();
    }
    if (callable == Callable.SIZE && arguments.length == 1) {
      return integers(arguments[0]);
    }
    if (callable == Callable.REBUILD_PARAMETER
        && arguments.length == 3
        && arguments[0] instanceof Tensor data) {
      return data;
    }
    // (storage, storage_offset, size, stride, requires_grad, backward_hooks[, metadata])
    if (callable == Callable.REBUILD_TENSOR
        && (arguments.length == 6 || arguments.length == 7)
        && arguments[0] instanceof Storage storage) {
      long[] shape = integers(arguments[2]);
      long[] strides = integers(arguments[3]);
      if (shape.length != strides.length) {
        throw wrong(
            "as many strides as sizes", shape.length + " sizes, " + strides.length + " strides");
      }
      return new Tensor(storage, integer(arguments[1]), shape, strides);
    }
    throw wrong("calls as torch.save writes them", "a call of " + kind(callable));
  }

  /** A storage's id is ("storage", type, key, device, elements). */
  @Override
  protected Object persistentLoad(Object id) {
    if (id instanceof Object[] parts
        && parts.length == 5
        && "storage".equals(parts[0])
        && parts[1] instanceof DType dtype
        && parts[2] instanceof String key) {
      return new Storage(key, dtype, integer(parts[4]));
    }
    throw wrong("storage ids as torch.save writes them", "another persistent id");
  }

  private long[] integers(Object value) {
    if (!(value instanceof Object[] tuple) || tuple.length > MAX_RANK) {
      throw wrong("sizes and strides of at most " + MAX_RANK + " dimensions", kind(value));
    }
    long[] integers = new long[tuple.length];
    for (int i = 0; i < tuple.length; i++) {
      integers[i] = integer(tuple[i]);
    }
    return integers;
  }

  private long integer(Object value) {
    if ((value instanceof Integer || value instanceof Long) && ((Number) value).longValue() >= 0) {
      return ((Number) value).longValue();
    }
    throw wrong("an integer from 0 to 2^63-1", value instanceof Number ? value + "" : kind(value));
  }

  /** Names a value's kind; the value itself may nest without end. */
  private static String kind(Object value) {
    if (value instanceof Map) {
      return "a dictionary";
    }
    if (value instanceof List) {
      return "a list";
    }
    if (value instanceof Object[] tuple) {
      return "a tuple of " + tuple.length;
    }
    if (value instanceof Number || value instanceof String) {
      return "the constant " + value;
    }
    return value == null ? "None" : value.getClass().getSimpleName();
  }

  private ModelFormatException wrong(String expected, String found) {
    return new ModelFormatException(file, "data.pkl", expected, found);
  }
}

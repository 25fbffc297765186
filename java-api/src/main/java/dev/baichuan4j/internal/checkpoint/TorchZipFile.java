package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors of a {@code pytorch_model*.bin}: a zip file that {@code torch.save} wrote (since
 * PyTorch 1.6), with a pickle {@code NAME/data.pkl} that describes the tensors and one stored entry
 * {@code NAME/data/KEY} for each storage. Tensors may share a storage.
 */
public final class TorchZipFile implements TensorSource {

  private static final String PICKLE = "/data.pkl";

  private final FileBytes bytes;
  private final ZipDirectory zip;
  private final Map<TensorUnpickler.Storage, ZipDirectory.Range> storages = new HashMap<>();
  private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private TorchZipFile(FileBytes bytes) {
    this.bytes = bytes;
    this.zip = ZipDirectory.read(bytes);
  }

  /**
   * Reads which tensors a file has and where they lie.
   *
   * @throws ModelFormatException if the file cannot be read or is in another format, its pickle
   *     names something that tensors do not need, a storage is missing, compressed or of a wrong
   *     length, or a tensor is not contiguous or not inside its storage
   */
  public static TorchZipFile open(Path file) {
    try (FileBytes bytes = FileBytes.open(file)) {
      if (!bytes.startsWith("PK")) {
        throw new ModelFormatException(
            file,
            "content",
            "the zip format of torch.save; convert it once in Python with torch.save(torch.load("
                + "f, map_location='cpu', weights_only=True), f)",
            bytes.startsWith("\u0080") ? "a bare pickle (before PyTorch 1.6)" : "no zip file");
      }
      TorchZipFile result = new TorchZipFile(bytes);
      result.readTensors();
      return result;
    }
  }

  /** Returns the file. */
  @Override
  public Path file() {
    return bytes.file();
  }

  /** Returns the tensors by name, in the order of the pickle. */
  @Override
  public Map<String, TensorEntry> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** Returns what is in the pickle beside tensors, see {@link TensorUnpickler.Contents}. */
  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  private void readTensors() {
    List<String> pickles = zip.names().stream().filter(TorchZipFile::isPickle).toList();
    if (pickles.size() != 1) {
      throw wrong("zip file", "one NAME/data.pkl", pickles.size() + " of them");
    }
    String pickle = pickles.get(0);
    String root = pickle.substring(0, pickle.length() - PICKLE.length());
    zip.locate(root + "/byteorder").ifPresent(this::checkByteOrder);
    ZipDirectory.Range range = zip.locate(pickle).orElseThrow();
    if (range.bytes() > TensorUnpickler.MAX_BYTES) {
      throw wrong(
          "data.pkl", "at most " + TensorUnpickler.MAX_BYTES + " bytes", range.bytes() + " bytes");
    }
    byte[] data = bytes.read(range.offset(), range.bytes(), "data.pkl").array();
    TensorUnpickler.Contents contents = TensorUnpickler.read(data, file().toString());
    contents.tensors().forEach((name, tensor) -> tensors.put(name, entry(root, name, tensor)));
    metadata.putAll(contents.constants());
  }

  private static boolean isPickle(String name) {
    return name.endsWith(PICKLE) && name.indexOf('/') == name.length() - PICKLE.length();
  }

  private void checkByteOrder(ZipDirectory.Range range) {
    byte[] order = bytes.read(range.offset(), Math.min(range.bytes(), 16), "byteorder").array();
    String text = new String(order, StandardCharsets.US_ASCII);
    if (!text.equals("little")) {
      throw wrong("byteorder", "little", text);
    }
  }

  private TensorEntry entry(String root, String name, TensorUnpickler.Tensor tensor) {
    TensorUnpickler.Storage storage = tensor.storage();
    ZipDirectory.Range range =
        storages.computeIfAbsent(storage, unseen -> locate(root, name, unseen));
    long[] shape = tensor.shape();
    long elements;
    try {
      elements = TensorEntry.elements(shape);
    } catch (ArithmeticException e) {
      throw wrong(name, "sizes whose product fits the file", "shape " + Arrays.toString(shape));
    }
    if (elements > storage.elements() || tensor.offset() > storage.elements() - elements) {
      throw wrong(
          name,
          "a place inside its storage of " + storage.elements() + " elements",
          "shape " + Arrays.toString(shape) + " from element " + tensor.offset() + " on");
    }
    checkContiguous(name, shape, tensor.strides());
    int size = storage.dtype().size();
    return new TensorEntry(
        name,
        storage.dtype(),
        shape,
        file(),
        range.offset() + tensor.offset() * size,
        elements * size);
  }

  private ZipDirectory.Range locate(String root, String name, TensorUnpickler.Storage storage) {
    String entry = root + "/data/" + storage.key();
    ZipDirectory.Range range =
        zip.locate(entry).orElseThrow(() -> wrong(name, "a zip entry " + entry, "no storage"));
    // Divided, not multiplied: the number of elements may be anything.
    int size = storage.dtype().size();
    if (range.bytes() % size != 0 || range.bytes() / size != storage.elements()) {
      throw wrong(
          "zip entry " + entry,
          storage.elements() + " elements of " + storage.dtype(),
          range.bytes() + " bytes");
    }
    return range;
  }

  private void checkContiguous(String name, long[] shape, long[] strides) {
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      // The stride of a single row is never used, and torch.save writes any.
      if (shape[i] > 1 && strides[i] != stride) {
        throw wrong(
            name,
            "contiguous rows; save tensor.contiguous() instead",
            "strides " + Arrays.toString(strides) + " for shape " + Arrays.toString(shape));
      }
      stride *= Math.max(shape[i], 1);
    }
  }

  private ModelFormatException wrong(String subject, String expected, String found) {
    return new ModelFormatException(file(), subject, expected, found);
  }
}

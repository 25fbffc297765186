package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The central directory of a zip file, for finding where stored entries lie. Files and entries
 * larger than 4 GiB are read (zip64). {@link java.util.zip.ZipFile} does not tell offsets, which
 * mapping needs.
 *
 * <p>Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3.
 */
final class ZipDirectory {

  /**
   * A range of the file.
   *
   * @param offset the first byte's offset
   * @param bytes the length
   */
  record Range(long offset, long bytes) {}

  private record Entry(int flags, int method, long stored, long bytes, long header) {}

  private static final int LOCAL_HEADER = 0x04034b50;
  private static final int CENTRAL_HEADER = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int ZIP64_END = 0x06064b50;
  private static final int ZIP64_LOCATOR = 0x07064b50;

  private static final int LOCAL_HEADER_BYTES = 30;
  private static final int CENTRAL_HEADER_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final int ZIP64_END_BYTES = 56;
  private static final int ZIP64_LOCATOR_BYTES = 20;
  private static final int ZIP64_EXTRA = 0x0001;

  /** In a 16-bit or 32-bit field: the value stands in the zip64 record. */
  private static final int IN_ZIP64_16 = 0xffff;

  private static final long IN_ZIP64_32 = 0xffffffffL;

  private static final int ENCRYPTED = 1;
  private static final int STORED = 0;

  /** Some 300 entries of 70 bytes are usual. */
  private static final long MAX_DIRECTORY_BYTES = 16 << 20;

  private final FileBytes file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private long directoryOffset;
  private long directoryBytes;
  private long directoryEntries;

  private ZipDirectory(FileBytes file) {
    this.file = file;
  }

  /**
   * Reads the directory. The file must stay open while {@link #locate} is used.
   *
   * @throws ModelFormatException if the file is no zip file, is truncated, or its directory does
   *     not fit the file
   */
  static ZipDirectory read(FileBytes file) {
    ZipDirectory zip = new ZipDirectory(file);
    zip.readEnd();
    zip.readEntries();
    return zip;
  }

  /** Returns the entries' names, in the order of the directory. */
  Set<String> names() {
    return entries.keySet();
  }

  /**
   * Finds where an entry's bytes lie.
   *
   * @return the range, or empty if there is no such entry
   * @throws ModelFormatException if the entry is compressed, encrypted or not inside the file
   */
  Optional<Range> locate(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      return Optional.empty();
    }
    String subject = "zip entry " + name;
    ByteBuffer local = file.read(entry.header, LOCAL_HEADER_BYTES, subject);
    if (local.getInt(0) != LOCAL_HEADER) {
      throw wrong(subject, "a local header at offset " + entry.header, "something else");
    }
    if (((entry.flags | local.getShort(6)) & ENCRYPTED) != 0) {
      throw wrong(subject, "bytes that are not encrypted", "encrypted bytes");
    }
    int method = entry.method != STORED ? entry.method : u16(local, 8);
    if (method != STORED || entry.stored != entry.bytes) {
      throw wrong(
          subject,
          "method 0 (stored), as torch.save writes it",
          "compression method " + method + ", " + entry.stored + " bytes for " + entry.bytes);
    }
    // The local header has its own name and padding, which differ from the directory's.
    long offset = entry.header + LOCAL_HEADER_BYTES + u16(local, 26) + u16(local, 28);
    if (entry.bytes > directoryOffset - offset) {
      throw wrong(
          subject,
          "an end before the zip directory at " + directoryOffset,
          entry.bytes + " bytes from offset " + offset + " on");
    }
    return Optional.of(new Range(offset, entry.bytes));
  }

  private void readEnd() {
    // The end record is the last of the file but for a comment of up to 65535 bytes.
    long tail = Math.min(file.size(), END_BYTES + 0xffff);
    long start = file.size() - tail;
    ByteBuffer buffer = file.read(start, tail, "zip end record");
    int at = (int) tail - END_BYTES;
    while (at >= 0 && (buffer.getInt(at) != END || at + END_BYTES + u16(buffer, at + 20) != tail)) {
      at--;
    }
    if (at < 0) {
      throw wrong(
          "zip directory",
          "one at the end; the download may be incomplete",
          "no end record in " + file.size() + " bytes");
    }
    directoryEntries = u16(buffer, at + 10);
    directoryBytes = u32(buffer, at + 12);
    directoryOffset = u32(buffer, at + 16);
    int part = u16(buffer, at + 4);
    if (part != 0 && part != IN_ZIP64_16) {
      throw wrong("zip file", "one part", "several parts");
    }
    long end = start + at;
    if (directoryEntries == IN_ZIP64_16
        || directoryBytes == IN_ZIP64_32
        || directoryOffset == IN_ZIP64_32) {
      end = readZip64End(end);
    }
    boolean inside =
        directoryOffset >= 0
            && directoryBytes >= 0
            && directoryBytes <= MAX_DIRECTORY_BYTES
            && directoryOffset <= end - directoryBytes;
    if (!inside) {
      throw wrong(
          "zip directory",
          "at most " + MAX_DIRECTORY_BYTES + " bytes, which end before " + end,
          Long.toUnsignedString(directoryBytes)
              + " bytes from offset "
              + Long.toUnsignedString(directoryOffset)
              + " on");
    }
  }

  private long readZip64End(long end) {
    String subject = "zip64 end record";
    ByteBuffer locator = file.read(end - ZIP64_LOCATOR_BYTES, ZIP64_LOCATOR_BYTES, subject);
    if (locator.getInt(0) != ZIP64_LOCATOR) {
      throw wrong(subject, "a locator before the end record", "none");
    }
    long at = locator.getLong(8);
    ByteBuffer record = file.read(at, ZIP64_END_BYTES, subject);
    if (record.getInt(0) != ZIP64_END) {
      throw wrong(subject, "its signature at offset " + at, "something else");
    }
    directoryEntries = record.getLong(32);
    directoryBytes = record.getLong(40);
    directoryOffset = record.getLong(48);
    return at;
  }

  private void readEntries() {
    ByteBuffer buffer = file.read(directoryOffset, directoryBytes, "zip directory");
    while (buffer.hasRemaining()) {
      int at = buffer.position();
      if (buffer.remaining() < CENTRAL_HEADER_BYTES || buffer.getInt(at) != CENTRAL_HEADER) {
        throw wrong("zip directory", "an entry at its byte " + at, "something else");
      }
      int nameBytes = u16(buffer, at + 28);
      int extraBytes = u16(buffer, at + 30);
      int length = CENTRAL_HEADER_BYTES + nameBytes + extraBytes + u16(buffer, at + 32);
      if (length > buffer.remaining()) {
        throw wrong("zip directory", "an entry that ends inside it", "one that does not");
      }
      int nameAt = at + CENTRAL_HEADER_BYTES;
      String name = new String(buffer.array(), nameAt, nameBytes, StandardCharsets.UTF_8);
      Entry entry = entry(name, buffer, at, buffer.slice(nameAt + nameBytes, extraBytes));
      if (entries.put(name, entry) != null) {
        throw wrong("zip directory", "each name once", name + " twice");
      }
      buffer.position(at + length);
    }
    if (entries.size() != directoryEntries) {
      throw wrong(
          "zip directory", directoryEntries + " entries, as it says", entries.size() + " entries");
    }
  }

  private Entry entry(String name, ByteBuffer buffer, int at, ByteBuffer extra) {
    long bytes = u32(buffer, at + 24);
    long stored = u32(buffer, at + 20);
    long header = u32(buffer, at + 42);
    // The zip64 field holds, in this order, only those of the three that are marked.
    ByteBuffer wide = zip64Field(name, extra.order(buffer.order()));
    bytes = bytes == IN_ZIP64_32 ? wide(name, wide) : bytes;
    stored = stored == IN_ZIP64_32 ? wide(name, wide) : stored;
    header = header == IN_ZIP64_32 ? wide(name, wide) : header;
    return new Entry(u16(buffer, at + 8), u16(buffer, at + 10), stored, bytes, header);
  }

  private ByteBuffer zip64Field(String name, ByteBuffer extra) {
    while (extra.remaining() >= 4) {
      int id = Short.toUnsignedInt(extra.getShort());
      int length = Short.toUnsignedInt(extra.getShort());
      if (length > extra.remaining()) {
        throw wrong("zip entry " + name, "extra fields that end inside it", "one that does not");
      }
      if (id == ZIP64_EXTRA) {
        return extra.slice(extra.position(), length).order(extra.order());
      }
      extra.position(extra.position() + length);
    }
    return ByteBuffer.allocate(0);
  }

  private long wide(String name, ByteBuffer field) {
    if (field.remaining() < Long.BYTES) {
      throw wrong("zip entry " + name, "a zip64 field with its sizes", "none");
    }
    long value = field.getLong();
    if (value < 0) {
      throw wrong("zip entry " + name, "sizes of at most 63 bits", Long.toUnsignedString(value));
    }
    return value;
  }

  private ModelFormatException wrong(String subject, String expected, String found) {
    return new ModelFormatException(file.file(), subject, expected, found);
  }

  private static int u16(ByteBuffer buffer, int at) {
    return Short.toUnsignedInt(buffer.getShort(at));
  }

  private static long u32(ByteBuffer buffer, int at) {
    return Integer.toUnsignedLong(buffer.getInt(at));
  }
}

package dev.baichuan4j.internal.session;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.SessionFormatException;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.files.TableVerifier;
import dev.baichuan4j.internal.session.format.MessageRole;
import dev.baichuan4j.internal.session.format.MessageTable;
import dev.baichuan4j.internal.session.format.SessionTable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Reads a session's file, which may be damaged or hostile. The table of contents is checked when
 * the file is opened; each page is mapped, and checked when it is asked for. For one thread. The
 * file must not be shortened meanwhile.
 */
public final class SessionFile implements Closeable {
  /**
   * The header: 8 bytes of magic, then i32: version, length and CRC32C of the table, CRC32C of
   * these.
   */
  static final int HEADER = 24;

  /** What the first page begins at a multiple of: a block of a disk. */
  static final int ALIGNMENT = 4096;

  /** Most bytes of the table of contents. */
  static final int MAX_TABLE = 1 << 28;

  /** A newer version may have everything else otherwise than the magic and the version. */
  private static final int VERSION = 1;

  private static final String MAGIC = "bc4jSESS";
  private static final String IDENTIFIER = "BC4S";
  private static final long WINDOW = 256 << 20; // bytes that are mapped at once, or a page

  private final Path file;
  private final FileChannel channel;
  private final SavedSession session;
  private final long firstPage;
  private final int[] checksums;
  private ByteBuffer window; // pages from windowStart on
  private int windowStart;

  private SessionFile(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    ByteBuffer bytes = table();
    try {
      verify(bytes);
    } catch (TableVerifier.Damage e) {
      throw damaged("table of contents", e.getMessage(), "one that was written whole", e);
    }
    SessionTable table = SessionTable.getRootAsSessionTable(bytes);
    this.checksums = new int[table.checksumsLength()];
    for (int i = 0; i < checksums.length; i++) {
      checksums[i] = (int) table.checksums(i);
    }
    this.firstPage = table.pageOffset();
    this.session =
        new SavedSession(
            new SavedSession.Origin(table.model(), table.computation()),
            messages(table),
            tokens(table),
            checksums.length,
            table.pageBytes());
    checkSize(bytes.limit());
  }

  /**
   * Opens a file and reads its table of contents.
   *
   * @throws SessionFormatException if there is no such file, it cannot be read, or it is damaged,
   *     of a newer version or no session
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public static SessionFile open(Path file) {
    if (!PathProblem.isOfTheSystem(file)) {
      throw new SessionFormatException(
          file, "path", "one of the system's own files: it is mapped", "another file system", null);
    }
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (!attributes.isRegularFile()) {
        String found = attributes.isDirectory() ? "a folder" : "something that is no regular file";
        throw new SessionFormatException(file, "path", "a session's file", found, null);
      }
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        return new SessionFile(file, channel);
      } catch (IOException | RuntimeException | Error e) {
        channel.close();
        throw e;
      }
    } catch (NoSuchFileException e) {
      throw new SessionFormatException(file, "path", "a session's file", "nothing there", e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** What the file says. */
  public SavedSession session() {
    return session;
  }

  /**
   * The bytes of some pages, one after the other, in the file itself.
   *
   * @param from the first one
   * @param count of at most 2 GiB together
   * @throws SessionFormatException if they are not those that were written
   */
  public ByteBuffer pages(int from, int count) {
    int length = (int) session.pageBytes();
    ByteBuffer bytes = map(from, count, length);
    for (int i = 0; i < count; i++) {
      int found = checksum(bytes.slice(i * length, length));
      int expected = checksums[from + i];
      if (found != expected) {
        throw damaged(
            "page " + (from + i),
            "checksum " + Integer.toHexString(found),
            Integer.toHexString(expected) + "; the file is damaged",
            null);
      }
    }
    return bytes;
  }

  private ByteBuffer map(int from, int count, int length) {
    int end = windowStart + (window == null ? 0 : window.capacity() / length);
    if (window == null || from < windowStart || from + count > end) {
      long pages = Math.min(checksums.length - from, Math.max(count, WINDOW / length));
      try {
        window =
            channel.map(
                FileChannel.MapMode.READ_ONLY, firstPage + (long) from * length, pages * length);
      } catch (IOException e) {
        throw unreadable(file, e);
      }
      windowStart = from;
    }
    return window.slice((from - windowStart) * length, count * length);
  }

  /** The first bytes of every file of this kind. */
  static byte[] magic() {
    return MAGIC.getBytes(StandardCharsets.US_ASCII);
  }

  /** The header in front of a table of contents. */
  static ByteBuffer header(ByteBuffer table) {
    ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    header.put(magic()).putInt(VERSION).putInt(table.remaining()).putInt(checksum(table));
    return header.putInt(checksum(header.duplicate().flip())).flip();
  }

  private static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  /** Reads the table of contents and checks that it is what was written. */
  private ByteBuffer table() throws IOException {
    ByteBuffer header = read(0, (int) Math.min(HEADER, channel.size()), "header");
    byte[] magic = magic();
    if (header.remaining() < magic.length
        || !header.slice(0, magic.length).equals(ByteBuffer.wrap(magic))) {
      throw damaged("file", "another kind of content", "a session's file", null);
    }
    if (header.remaining() < HEADER) {
      throw damaged("file", header.remaining() + " bytes", "a session's file whole", null);
    }
    int version = header.getInt(8);
    if (version > VERSION) {
      throw damaged(
          "version",
          Integer.toString(version),
          "at most " + VERSION + "; use a newer library",
          null);
    }
    int length = header.getInt(12);
    if (version != VERSION
        || header.getInt(20) != checksum(header.slice(0, HEADER - 4))
        || length < 0
        || length > MAX_TABLE) {
      throw damaged("header", "a wrong checksum", "the one that was written", null);
    }
    ByteBuffer table = read(HEADER, length, "table of contents");
    if (header.getInt(16) != checksum(table)) {
      throw damaged("table of contents", "a wrong checksum", "the one that was written", null);
    }
    return table;
  }

  private ByteBuffer read(long offset, int length, String subject) throws IOException {
    if (offset + length > channel.size()) {
      throw damaged("file", channel.size() + " bytes", "a whole " + subject, null);
    }
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) {
        throw damaged("file", "an early end", "a file that nobody shortens meanwhile", null);
      }
    }
    return buffer.flip();
  }

  /** Checks the table against the schema, field by field. */
  static void verify(ByteBuffer bytes) throws TableVerifier.Damage {
    TableVerifier verifier = new TableVerifier(bytes);
    int session = verifier.root(IDENTIFIER);
    verifier.string(session, 0, "model");
    verifier.string(session, 1, "computation");
    int messages = verifier.vector(session, 2, Integer.BYTES, "messages");
    for (int i = 0; i < verifier.length(messages); i++) {
      String name = "message " + i;
      int message = verifier.table(verifier.follow(messages + i * Integer.BYTES, name), name);
      verifier.field(message, 0, Byte.BYTES, name + "'s role");
      verifier.string(message, 1, name + "'s content");
    }
    verifier.vector(session, 3, Integer.BYTES, "tokens");
    verifier.field(session, 4, Long.BYTES, "page_bytes");
    verifier.field(session, 5, Long.BYTES, "page_offset");
    verifier.vector(session, 6, Integer.BYTES, "checksums");
  }

  private List<ChatMessage> messages(SessionTable table) {
    List<ChatMessage> messages = new ArrayList<>(table.messagesLength());
    for (int i = 0; i < table.messagesLength(); i++) {
      MessageTable message = table.messages(i);
      ChatMessage.Role role =
          switch (message.role()) {
            case MessageRole.SYSTEM -> ChatMessage.Role.SYSTEM;
            case MessageRole.USER -> ChatMessage.Role.USER;
            case MessageRole.ASSISTANT -> ChatMessage.Role.ASSISTANT;
            default ->
                throw damaged("message " + i, "role " + message.role(), "a role from 0 to 2", null);
          };
      messages.add(new ChatMessage(role, message.content()));
    }
    return List.copyOf(messages);
  }

  private static int[] tokens(SessionTable table) {
    int[] tokens = new int[table.tokensLength()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = table.tokens(i);
    }
    return tokens;
  }

  private void checkSize(int tableBytes) throws IOException {
    long pageBytes = session.pageBytes();
    long size = HEADER + (long) tableBytes;
    if (checksums.length > 0) {
      if (pageBytes < 1
          || pageBytes > Integer.MAX_VALUE
          || firstPage < size
          || firstPage % ALIGNMENT != 0
          || firstPage > size + ALIGNMENT) {
        throw damaged(
            "table of contents",
            "pages of " + pageBytes + " bytes from " + firstPage + " on",
            "pages behind it",
            null);
      }
      size = firstPage + checksums.length * pageBytes;
    }
    if (channel.size() != size) {
      throw damaged("file", channel.size() + " bytes", size + "; it is not whole", null);
    }
  }

  private SessionFormatException damaged(
      String subject, String found, String expected, Exception cause) {
    return new SessionFormatException(file, subject, expected, found, cause);
  }

  private static RuntimeException unreadable(Path file, IOException e) {
    OperationInterruptedException.check("reading " + file);
    return new SessionFormatException(
        file, "content", "a readable file", PathProblem.words(e, file), e);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }
}

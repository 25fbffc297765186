package dev.baichuan4j.internal.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.SessionFormatException;
import dev.baichuan4j.internal.files.TableVerifier;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Files of sessions: what is written is read, and what is damaged is refused. */
class SessionFileTest {
  private static final int PAGE = 96;
  private static final SavedSession SESSION =
      new SavedSession(
          new SavedSession.Origin("a model", "cache BF16, CPU"),
          List.of(ChatMessage.system("你是百川"), ChatMessage.user(""), ChatMessage.assistant("好😀\0")),
          new int[] {195, 5, 0, 63_999},
          3,
          PAGE);

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void write() {
    file = folder.resolve("chat.session");
    write(SESSION);
  }

  private void write(SavedSession session) {
    SessionWriter.write(
        file,
        session,
        piece -> {
          ByteBuffer all = ByteBuffer.allocateDirect(session.pages() * PAGE);
          for (int page = 0; page < session.pages(); page++) {
            all.put(content(page));
          }
          all.flip();
          while (all.hasRemaining()) { // less than a page, and more
            int length = Math.min(all.remaining(), all.position() == 0 ? 32 : 150);
            piece.accept(all.slice(all.position(), length));
            all.position(all.position() + length);
          }
        });
  }

  private static byte[] content(int page) {
    byte[] bytes = new byte[PAGE];
    new SplittableRandom(page).nextBytes(bytes);
    return bytes;
  }

  /** Reads all that is in the file. */
  private static void read(Path file) {
    try (SessionFile opened = SessionFile.open(file)) {
      for (int page = 0; page < opened.session().pages(); page++) {
        opened.pages(page, 1);
      }
    }
  }

  @Test
  void whatIsWrittenIsRead() {
    try (SessionFile opened = SessionFile.open(file)) {
      SavedSession session = opened.session();
      assertEquals(SESSION.origin(), session.origin());
      assertEquals(SESSION.messages(), session.messages());
      assertArrayEquals(SESSION.tokens(), session.tokens());
      assertEquals(PAGE, session.pageBytes());
      for (int page : new int[] {0, 1, 2, 0}) {
        ByteBuffer bytes = opened.pages(page, 1);
        assertTrue(bytes.isDirect(), "mapped");
        assertEquals(ByteBuffer.wrap(content(page)), bytes);
      }
      assertEquals(ByteBuffer.wrap(content(2)), opened.pages(1, 2).slice(PAGE, PAGE));
    }
  }

  @Test
  void aConversationNeedsNoPagesAndNoMessages() {
    write(new SavedSession(SESSION.origin(), List.of(), new int[0], 0, PAGE));
    try (SessionFile opened = SessionFile.open(file)) {
      assertEquals(List.of(), opened.session().messages());
      assertEquals(0, opened.session().pages());
    }
  }

  @Test
  void whatIsNoTextIsWrittenAsTheTokenizerReadsIt() {
    List<ChatMessage> messages = List.of(ChatMessage.user("a\uD83D b"));
    write(new SavedSession(SESSION.origin(), messages, new int[0], 0, PAGE));
    try (SessionFile opened = SessionFile.open(file)) {
      assertEquals("a\uFFFD b", opened.session().messages().get(0).content());
    }
  }

  @Test
  void aConversationThatIsTooLongForAFileIsRefused() {
    ChatMessage large = ChatMessage.user("a".repeat(10_000_000));
    List<ChatMessage> messages = Collections.nCopies(10, large);
    assertThrows(
        InvalidRequestException.class,
        () -> write(new SavedSession(SESSION.origin(), messages, new int[0], 0, PAGE)));
    read(file); // the former one
  }

  @Test
  void everyShorterFileIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length += length < 100 ? 1 : 13) {
      Files.write(file, Arrays.copyOf(whole, length));
      refused("length " + length);
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    refused("a byte too many");
  }

  @Test
  void everyByteCounts() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    SplittableRandom random = new SplittableRandom(1);
    int gap = SessionFile.HEADER + ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(12);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int at = 0; at < whole.length; at++) {
        at = at == gap ? whole.length - 3 * PAGE : at; // zeros that nobody reads
        byte damaged = (byte) (whole[at] ^ 1 << random.nextInt(8));
        channel.write(ByteBuffer.wrap(new byte[] {damaged}), at);
        refused("byte " + at);
        channel.write(ByteBuffer.wrap(whole, at, 1), at);
      }
    }
    read(file);
  }

  private void refused(String how) {
    SessionFormatException e =
        assertThrows(SessionFormatException.class, () -> read(file), () -> how + " was accepted");
    assertEquals(file.toString(), e.file());
  }

  /** Whoever makes a table on purpose makes its checksums too. */
  @Test
  void aHostileTableIsReadOrRefusedAndNothingElse() throws IOException {
    long seed = Long.getLong("baichuan4j.test.seed", 14);
    SplittableRandom random = new SplittableRandom(seed);
    byte[] whole = Files.readAllBytes(file);
    int length = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(12);
    int refused = 0;
    int times = Integer.getInteger("baichuan4j.test.mutations", 2_000);
    for (int i = 0; i < times; i++) {
      byte[] table = Arrays.copyOfRange(whole, SessionFile.HEADER, SessionFile.HEADER + length);
      for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
        int at = random.nextInt(table.length / 4) * 4;
        switch (random.nextInt(4)) {
          case 0 -> table[at + random.nextInt(4)] = (byte) random.nextInt();
          case 1 -> ByteBuffer.wrap(table).putInt(at, random.nextInt());
          case 2 ->
              ByteBuffer.wrap(table)
                  .order(ByteOrder.LITTLE_ENDIAN)
                  .putInt(at, random.nextInt(-table.length, table.length));
          default -> table = Arrays.copyOf(table, at + 4);
        }
      }
      try {
        SessionFile.verify(ByteBuffer.wrap(table));
        Files.write(file, withTable(whole, table));
        read(file);
      } catch (TableVerifier.Damage | SessionFormatException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ", mutation " + i, e);
      }
    }
    assertTrue(refused > times / 4, refused + " of " + times + " were refused");
  }

  private static byte[] withTable(byte[] whole, byte[] table) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.max(whole.length, SessionFile.HEADER + table.length));
    bytes.put(whole).clear();
    bytes.put(SessionFile.header(ByteBuffer.wrap(table))).put(table);
    return bytes.array();
  }

  @Test
  void overlappingMessagesDoNotMakeASmallFileALargeConversation() throws Exception {
    List<ChatMessage> messages = new ArrayList<>(List.of(ChatMessage.user("x".repeat(10_000))));
    messages.addAll(Collections.nCopies(99, ChatMessage.user("y")));
    write(new SavedSession(SESSION.origin(), messages, new int[0], 0, PAGE));
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer table =
        bytes.slice(SessionFile.HEADER, bytes.getInt(12)).order(ByteOrder.LITTLE_ENDIAN);
    SessionFile.verify(table);
    int root = table.getInt(0);
    int field = root + table.getShort(root - table.getInt(root) + 4 + 2 * 2);
    int vector = field + table.getInt(field) + 4;
    int first = vector + table.getInt(vector);
    for (int i = 0; i < 100; i++) {
      table.putInt(vector + 4 * i, first - (vector + 4 * i)); // each is the first one
    }
    TableVerifier.Damage damage =
        assertThrows(TableVerifier.Damage.class, () -> SessionFile.verify(table));
    assertTrue(damage.getMessage().contains("overlaps"), damage.getMessage());
  }

  @Test
  void eachReasonIsNamed() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    expect("nothing there", () -> SessionFile.open(folder.resolve("none")));
    expect("path has a folder", () -> SessionFile.open(folder));
    Files.writeString(file, "[{\"role\": \"user\"}]");
    expect("another kind of content", () -> SessionFile.open(file));
    byte[] newer = whole.clone();
    newer[8] = 9;
    Files.write(file, newer);
    expect("version has 9, expected at most 1", () -> SessionFile.open(file));
    byte[] page = whole.clone();
    page[whole.length - PAGE - 1] ^= 1;
    Files.write(file, page);
    try (SessionFile opened = SessionFile.open(file)) {
      opened.pages(0, 1);
      expect("page 1 has checksum", () -> opened.pages(0, 3));
      opened.pages(2, 1);
    }
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));
    expect("it is not whole", () -> SessionFile.open(file));
  }

  private static void expect(String words, Executable call) {
    String message = assertThrows(SessionFormatException.class, call).getMessage();
    assertTrue(message.contains(words), message);
  }

  /** As docs/sessions.md has it: other versions have written some. */
  @Test
  void theChecksumIsCrc32cAndTheHeaderIsAsDescribed() throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals("bc4jSESS", new String(bytes.array(), 0, 8, StandardCharsets.US_ASCII));
    assertEquals(1, bytes.getInt(8));
    CRC32C crc = new CRC32C();
    crc.update(bytes.array(), 24, bytes.getInt(12));
    assertEquals((int) crc.getValue(), bytes.getInt(16));
    crc.reset();
    crc.update(bytes.array(), 0, 20);
    assertEquals((int) crc.getValue(), bytes.getInt(20));
    assertEquals(4096, bytes.capacity() - 3 * PAGE);
  }
}

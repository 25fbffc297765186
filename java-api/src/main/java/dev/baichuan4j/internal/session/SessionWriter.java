package dev.baichuan4j.internal.session;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.files.OutputFile;
import dev.baichuan4j.internal.session.format.MessageRole;
import dev.baichuan4j.internal.session.format.MessageTable;
import dev.baichuan4j.internal.session.format.SessionTable;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * Writes a session's file: a header, the table of contents and, from a multiple of {@link
 * SessionFile#ALIGNMENT} on, the pages one after the other. The header and the table are written
 * last, because they have the checksums of what lies behind them.
 */
public final class SessionWriter {
  /** Hands out the bytes of all pages, in order, in pieces of any size. */
  public interface Pages {
    void read(Consumer<ByteBuffer> piece);
  }

  private SessionWriter() {}

  /**
   * Writes a file, in place of the one that has the name.
   *
   * @throws InvalidRequestException if something else than a file has the name, or the messages are
   *     too long for a file
   * @throws dev.baichuan4j.OutputException if the file cannot be written or has another writer; the
   *     one that had the name stays
   * @throws dev.baichuan4j.OperationInterruptedException if the thread is interrupted; the same
   */
  public static void write(Path file, SavedSession session, Pages pages) {
    long most = 4L * (session.tokens().length + session.pages());
    for (ChatMessage message : session.messages()) {
      most += 3L * message.content().length() + 64;
    }
    if (most > SessionFile.MAX_TABLE) {
      throw new InvalidRequestException(
          "messages",
          "messages have up to " + most + " bytes, expected at most " + SessionFile.MAX_TABLE);
    }
    long tableBytes = table(session, 0, new int[session.pages()]).remaining();
    long firstPage =
        (SessionFile.HEADER + tableBytes + SessionFile.ALIGNMENT - 1)
            / SessionFile.ALIGNMENT
            * SessionFile.ALIGNMENT;
    try (OutputFile output = OutputFile.create(file, SessionFile.magic())) {
      Checksums checksums = new Checksums(session);
      pages.read(
          piece -> {
            long offset = firstPage + checksums.bytes;
            checksums.update(piece.duplicate());
            output.write(piece, offset);
          });
      ByteBuffer table = table(session, firstPage, checksums.ofPages);
      output.write(SessionFile.header(table), 0);
      output.write(table, SessionFile.HEADER);
      output.commit();
    }
  }

  /** Cuts the bytes into pages again. */
  private static final class Checksums {
    final int[] ofPages;
    final long pageBytes;
    final CRC32C crc = new CRC32C();
    long bytes; // so far

    Checksums(SavedSession session) {
      this.ofPages = new int[session.pages()];
      this.pageBytes = session.pageBytes();
    }

    void update(ByteBuffer piece) {
      while (piece.hasRemaining()) {
        int left = (int) Math.min(piece.remaining(), pageBytes - bytes % pageBytes);
        crc.update(piece.slice(piece.position(), left));
        piece.position(piece.position() + left);
        bytes += left;
        if (bytes % pageBytes == 0) {
          ofPages[(int) (bytes / pageBytes) - 1] = (int) crc.getValue();
          crc.reset();
        }
      }
    }
  }

  /** Has the same length whatever the numbers are. */
  private static ByteBuffer table(SavedSession session, long firstPage, int[] checksums) {
    FlatBufferBuilder builder = new FlatBufferBuilder().forceDefaults(true);
    List<ChatMessage> messages = session.messages();
    int[] offsets = new int[messages.size()];
    for (int i = 0; i < offsets.length; i++) {
      int content = builder.createString(utf8(messages.get(i).content()));
      MessageTable.startMessageTable(builder);
      MessageTable.addContent(builder, content);
      MessageTable.addRole(builder, role(messages.get(i).role()));
      offsets[i] = MessageTable.endMessageTable(builder);
    }
    int model = builder.createString(session.origin().model());
    int computation = builder.createString(session.origin().computation());
    int conversation = SessionTable.createMessagesVector(builder, offsets);
    int tokens = SessionTable.createTokensVector(builder, session.tokens());
    SessionTable.startChecksumsVector(builder, checksums.length);
    for (int i = checksums.length - 1; i >= 0; i--) {
      builder.addInt(checksums[i]);
    }
    int sums = builder.endVector();
    SessionTable.finishSessionTableBuffer(
        builder,
        SessionTable.createSessionTable(
            builder,
            model,
            computation,
            conversation,
            tokens,
            session.pageBytes(),
            firstPage,
            sums));
    return builder.dataBuffer();
  }

  private static byte role(ChatMessage.Role role) {
    return switch (role) {
      case SYSTEM -> MessageRole.SYSTEM;
      case USER -> MessageRole.USER;
      case ASSISTANT -> MessageRole.ASSISTANT;
    };
  }

  /** An unpaired surrogate, which is no text, is U+FFFD here, as it is for the tokenizer. */
  private static ByteBuffer utf8(String text) {
    try {
      return StandardCharsets.UTF_8
          .newEncoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .replaceWith("\uFFFD".getBytes(StandardCharsets.UTF_8))
          .encode(CharBuffer.wrap(text));
    } catch (CharacterCodingException e) {
      throw new IllegalStateException(e); // what is malformed is replaced
    }
  }
}

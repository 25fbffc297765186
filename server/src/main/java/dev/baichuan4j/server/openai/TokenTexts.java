package dev.baichuan4j.server.openai;

import dev.baichuan4j.PieceType;
import dev.baichuan4j.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What tokens are in a report of log-probabilities. */
final class TokenTexts {
  private final Tokenizer tokenizer;

  TokenTexts(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Returns the bytes that a token writes; of a control piece and the unknown one those of its
   * name.
   */
  byte[] bytes(int id) {
    PieceType type = tokenizer.type(id);
    return type == PieceType.CONTROL || type == PieceType.UNKNOWN
        ? tokenizer.piece(id).getBytes(StandardCharsets.UTF_8)
        : tokenizer.bytes(id);
  }

  /** Returns the text of bytes; as OpenAI writes it where they are not whole characters. */
  static String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      StringBuilder text = new StringBuilder("bytes:");
      for (byte b : bytes) {
        text.append(String.format("\\x%02x", b & 0xFF));
      }
      return text.toString();
    }
  }

  String text(int id) {
    return text(bytes(id));
  }
}

package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.StreamDecoder;

/** A decoder whose text is taken after each id, or after all of them. */
public abstract class TextStream implements StreamDecoder {
  /** What was decoded since the text was taken last. */
  final StringBuilder out = new StringBuilder();

  @Override
  public final String append(int id) {
    decode(id);
    return take();
  }

  @Override
  public final String flush() {
    end();
    return take();
  }

  /** Decodes an id into {@link #out}. */
  abstract void decode(int id);

  /** Ends the text: what waits for the rest of its character is decoded as it is. */
  abstract void end();

  private String take() {
    String text = out.toString();
    out.setLength(0);
    return text;
  }
}

package dev.baichuan4j.internal.engine.constrain.schema;

/**
 * The text since the beginning of an item that is to be compared with others, as a chain of bytes.
 * Interned by {@link JsonMachine}, so that equal ones are the same object.
 */
record Capture(Capture before, int last, int length) {
  static final Capture EMPTY = new Capture(null, 0, 0);

  /** The bytes from a place on. */
  byte[] from(int place) {
    byte[] bytes = new byte[length - place];
    Capture at = this;
    for (int i = bytes.length - 1; i >= 0; i--) {
      bytes[i] = (byte) at.last;
      at = at.before;
    }
    return bytes;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Capture c
        && before == c.before // interned before it
        && last == c.last
        && length == c.length;
  }

  @Override
  public int hashCode() {
    return 31 * System.identityHashCode(before) + last;
  }
}

package dev.baichuan4j.internal.jinja;

/** Python's {@code None}, and JSON's {@code null}. */
public enum None {
  NONE
}

package dev.baichuan4j.internal.jinja;

/**
 * A part of a template.
 *
 * @param value the text of data, a name or an operator, or the value of a literal
 * @param line where it begins, from 1
 */
record Token(Kind kind, Object value, int line) {
  enum Kind {
    /** Text that stands for itself. */
    DATA,
    /** The beginning of an expression that is printed. */
    PRINT,
    /** The beginning of a statement. */
    TAG,
    /** The end of either. */
    END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    /** The end of the template. */
    EOF
  }

  boolean isName(String name) {
    return kind == Kind.NAME && value.equals(name);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && value.equals(operator);
  }

  String describe() {
    return switch (kind) {
      case EOF -> "the end of the template";
      case END -> "the end of a tag";
      case DATA, PRINT, TAG -> "text";
      default -> "'" + value + "'";
    };
  }
}

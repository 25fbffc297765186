package dev.baichuan4j.internal.jinja;

/** A template that cannot be read or run, with the line that shows it. */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  public enum Kind {
    /** The text is no template. */
    SYNTAX,
    /** The template refuses its input: it called {@code raise_exception}. */
    RAISED,
    /** An operation that its values do not have. */
    FAILED,
    /** More work, or deeper nesting, than a template may take. */
    LIMIT
  }

  private final Kind kind;
  private final int line;

  private TemplateException(Kind kind, int line, String message) {
    super(message);
    this.kind = kind;
    this.line = line;
  }

  static TemplateException syntax(int line, String message) {
    return new TemplateException(Kind.SYNTAX, line, message);
  }

  static TemplateException raised(String message) {
    return new TemplateException(Kind.RAISED, 0, message);
  }

  static TemplateException failed(String message) {
    return new TemplateException(Kind.FAILED, 0, message);
  }

  static TemplateException limit(String message) {
    return new TemplateException(Kind.LIMIT, 0, message);
  }

  /** Returns the same at a line, unless it has one. */
  TemplateException at(int line) {
    if (this.line > 0) {
      return this;
    }
    TemplateException there = new TemplateException(kind, line, getMessage());
    there.setStackTrace(getStackTrace());
    return there;
  }

  /** Returns what went wrong. */
  public Kind kind() {
    return kind;
  }

  /** Returns the line of the template, from 1. */
  public int line() {
    return line;
  }
}

package dev.baichuan4j.internal.jinja;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;

/** A template that is read. Immutable, for any number of threads. */
public final class Template {
  private static final int MAX_LENGTH = 1 << 20; // the longest published one has 20 KB

  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /**
   * Reads a template.
   *
   * @throws TemplateException if it is none, with the line
   */
  public static Template parse(String template) {
    if (template.length() > MAX_LENGTH) {
      throw TemplateException.syntax(
          1, template.length() + " characters, expected at most " + MAX_LENGTH);
    }
    return new Template(Parser.parse(template));
  }

  /**
   * Returns the text that the template writes.
   *
   * @param variables values by name: {@link Text}, {@code Long}, {@code Double}, {@code Boolean},
   *     {@link None}, {@code List} of such, and {@code Map} of such by {@link Text}
   * @param now the time that a template may ask for
   * @throws TemplateException if it cannot be run, with the line
   */
  public Text render(Map<String, Object> variables, LocalDateTime now) {
    Run run = new Run(variables, now);
    try {
      run.execute(statements);
    } catch (TemplateException e) {
      throw e.at(Math.max(1, run.line()));
    }
    return run.out().toText();
  }
}

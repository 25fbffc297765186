package dev.baichuan4j.internal.jinja;

/**
 * What a name or attribute is that is not there: empty where it is printed or iterated, an error
 * where more is done with it.
 *
 * @param message what is missing
 */
record Undefined(String message) {
  TemplateException failure() {
    return TemplateException.failed(message);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Undefined;
  }

  @Override
  public int hashCode() {
    return 0;
  }
}

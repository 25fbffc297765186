package dev.baichuan4j;

import dev.baichuan4j.internal.spi.EntryPoints;
import java.util.ServiceLoader;

/**
 * The one way from this package to the code behind it. That code imports the types of this package,
 * so this package names none of its classes: Java finds them as a service.
 */
final class Library {
  private static EntryPoints<BaichuanLoader, ModelShape, Tokenizer, Constraint, FineTuner>
      entryPoints;

  private Library() {}

  @SuppressWarnings("unchecked") // a class token has no type arguments
  static synchronized EntryPoints<BaichuanLoader, ModelShape, Tokenizer, Constraint, FineTuner>
      entryPoints() {
    if (entryPoints == null) {
      entryPoints =
          ServiceLoader.load(EntryPoints.class, Library.class.getClassLoader())
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalStateException(
                          "baichuan4j: jar has no META-INF/services/"
                              + EntryPoints.class.getName()
                              + ", expected the file of the jar as published; keep"
                              + " META-INF/services where jars are put together"));
    }
    return entryPoints;
  }
}

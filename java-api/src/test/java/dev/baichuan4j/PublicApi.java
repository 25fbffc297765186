package dev.baichuan4j;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/** The types that users of the library see. */
final class PublicApi {
  static final List<String> PACKAGES = List.of("dev.baichuan4j", "dev.baichuan4j.tools");

  private PublicApi() {}

  /** Public types of the public packages, with the public types nested in them. */
  static List<Class<?>> types() throws IOException, URISyntaxException, ClassNotFoundException {
    Path classes =
        Path.of(Baichuan.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Deque<Class<?>> found = new ArrayDeque<>();
    for (String name : PACKAGES) {
      try (Stream<Path> files = Files.list(classes.resolve(name.replace('.', '/')))) {
        for (Path file : files.sorted().toList()) {
          String simple = file.getFileName().toString();
          if (simple.endsWith(".class") && !simple.contains("$") && !simple.contains("-")) {
            found.add(Class.forName(name + "." + simple.replace(".class", "")));
          }
        }
      }
    }
    List<Class<?>> types = new ArrayList<>();
    while (!found.isEmpty()) {
      Class<?> type = found.poll();
      if (Modifier.isPublic(type.getModifiers())) {
        types.add(type);
        found.addAll(Arrays.asList(type.getDeclaredClasses()));
      }
    }
    return types;
  }
}

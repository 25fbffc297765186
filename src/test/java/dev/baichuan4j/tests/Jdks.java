package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The JDKs of this machine. */
final class Jdks {
  private Jdks() {}

  /** The java of a JDK of a version; where there is none, the test is skipped. */
  static Path java(int version) {
    List<String> homes = new ArrayList<>();
    if (Runtime.version().feature() == version) {
      homes.add(System.getProperty("java.home"));
    }
    String variable = "JAVA_HOME_" + version;
    if (System.getenv(variable) != null) {
      homes.add(System.getenv(variable));
    }
    homes.add("/usr/lib/jvm/temurin-" + version + "-jdk-amd64");
    homes.add("/usr/lib/jvm/java-" + version + "-openjdk-amd64");
    Path java =
        homes.stream()
            .map(home -> Path.of(home, "bin", "java"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(
        java != null, "no JDK " + version + " was found; " + variable + " may name its folder");
    return java;
  }
}

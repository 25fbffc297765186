package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program of docs/tools.md is compiled and run as it stands there. */
class DocumentedToolsTest {
  private static final Pattern PROGRAM = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void theProgramCallsItsFunctionAndGoesOn() throws Exception {
    Matcher program =
        PROGRAM.matcher(
            Files.readString(Fixtures.model("../docs/tools.md"), StandardCharsets.UTF_8));
    assertTrue(program.find());
    Path source = Files.writeString(folder.resolve("Weather.java"), program.group(1));
    String classPath = System.getProperty("java.class.path");
    int failures =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-encoding",
                "UTF-8",
                "-proc:none",
                "-cp",
                classPath,
                "-d",
                folder.toString(),
                source.toString());
    assertEquals(0, failures);
    Path out = folder.resolve("out");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Dstdout.encoding=UTF-8",
                    "-Dfile.encoding=UTF-8",
                    "-cp",
                    folder + File.pathSeparator + classPath,
                    "Weather",
                    Fixtures.model("tiny-baichuan2-13b-chat").toString()))
            .redirectOutput(out.toFile())
            .redirectError(folder.resolve("err").toFile())
            .start();
    if (!process.waitFor(240, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    assertEquals(0, process.waitFor(), () -> read("err"));
    String printed = read("out");
    assertTrue(
        printed.matches("(?s)\ncalls get_weather with \\{\"city\": \"[^\n]{0,150}\"\\}\n.+"),
        printed);
  }

  private String read(String file) {
    try {
      return Files.readString(folder.resolve(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.baichuan4j.server.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The document has the options that there are. */
class DocumentedOptionsTest {
  private static final Path ROOT = Path.of(System.getProperty("baichuan4j.root"));

  /** Options of programs that a document names beside the server's. */
  private static final Set<String> OTHERS = Set.of("--help", "--version");

  private static Set<String> options() {
    Set<String> names = new TreeSet<>();
    new CommandLine(new ServeCommand())
        .getCommandSpec()
        .options()
        .forEach(option -> names.add(option.longestName()));
    names.removeAll(OTHERS);
    return names;
  }

  private static Set<String> documented() throws IOException {
    Set<String> names = new TreeSet<>();
    Matcher all =
        Pattern.compile("(?<![-\\w])--[a-z]+[-a-z]*")
            .matcher(Files.readString(ROOT.resolve("docs/server.md")));
    while (all.find()) {
      names.add(all.group());
    }
    names.removeAll(OTHERS);
    return names;
  }

  @Test
  void theDocumentHasEveryOptionAndNoOther() throws IOException {
    assertEquals(options(), documented());
  }
}

package dev.baichuan4j.server.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The documents and the files for deployment name the options that there are. */
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

  private static Set<String> found(String file, String pattern, UnaryOperator<String> option)
      throws IOException {
    Set<String> names = new TreeSet<>();
    Matcher all = Pattern.compile(pattern).matcher(Files.readString(ROOT.resolve(file)));
    while (all.find()) {
      names.add(option.apply(all.group(1)));
    }
    return names;
  }

  @Test
  void theDocumentHasEveryOptionAndNoOther() throws Exception {
    assertEquals(options(), found("docs/server.md", "(?<![-\\w])(--[a-z]+[-a-z]*)", name -> name));
  }

  @Test
  void filesForDeploymentNameOptionsThatThereAre() throws Exception {
    Set<String> named = new TreeSet<>();
    named.addAll(found("deploy/systemd/server.conf", "(?m)^([-a-z]+) =", name -> "--" + name));
    for (String file : List.of("deploy/Dockerfile", "docs/server.md")) {
      named.addAll(
          found(
              file,
              "BAICHUAN4J_SERVER_([A-Z_]+)=",
              name -> "--" + name.toLowerCase(Locale.ROOT).replace('_', '-')));
    }
    named.addAll(found("deploy/kubernetes/base/deployment.yaml", "\"(--[a-z-]+)\"", name -> name));
    Set<String> unknown = new TreeSet<>(named);
    unknown.removeAll(options());
    assertEquals(Set.of(), unknown);
    assertEquals(true, named.size() > 5, "too few were found: " + named);
  }
}

package dev.baichuan4j.server.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** OpenAI's own client for JavaScript, where Node.js and npm are. */
@Timeout(600)
class NodeTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("baichuan4j.root"), "server", "contract", "src", "test", "node");

  private static final Path FOLDER =
      Path.of(System.getProperty("baichuan4j.root"), "server", "contract", "target", "node");

  @Test
  void everyCheckPasses() throws Exception {
    assumeTrue(has("node") && has("npm"), "Node.js and npm are not there");
    install();
    Path output = FOLDER.resolve("output.txt");
    int code =
        run(
            output,
            "node",
            "contract.mjs",
            ContractServer.url(),
            ContractServer.MODEL,
            ContractServer.POEM);
    String told = Files.readString(output);
    assertEquals(0, code, told);
    assertTrue(told.endsWith("all\n"), told);
    while (ContractServer.requests() > 0) {
      TimeUnit.MILLISECONDS.sleep(1); // the aborted one ends
    }
  }

  /** Installs what the lock file says, unless that was done before. */
  private static void install() throws Exception {
    Files.createDirectories(FOLDER);
    Path done = FOLDER.resolve("installed.json");
    Path lock = SOURCES.resolve("package-lock.json");
    boolean installed = Files.exists(done) && Files.mismatch(done, lock) < 0;
    for (String name : List.of("package.json", "package-lock.json", "contract.mjs")) {
      Files.copy(SOURCES.resolve(name), FOLDER.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
    if (!installed) {
      Path output = FOLDER.resolve("install.txt");
      int code = run(output, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
      assertEquals(0, code, Files.readString(output));
      Files.copy(lock, done, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static boolean has(String command) {
    for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
      if (Files.isExecutable(Path.of(folder, command))) {
        return true;
      }
    }
    return false;
  }

  private static int run(Path output, String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .directory(FOLDER.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    process.getOutputStream().close();
    if (!process.waitFor(5, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(Files.readString(output, StandardCharsets.UTF_8));
    }
    return process.exitValue();
  }
}

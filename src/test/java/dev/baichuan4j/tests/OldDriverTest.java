package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A GPU whose driver is older than CUDA 13 needs, on the emulator: both versions are told. */
class OldDriverTest {
  private static final String REASON =
      "NVIDIA driver has version 535.104.05 (CUDA 12.2), expected version 580 or later (CUDA 13.0);"
          + " install a newer driver";
  private static final Map<String, String> OLD_DRIVER = Map.of("BC_SIMT_DRIVER", "535.104.05");

  @TempDir Path folder;

  private record Run(int code, String out, String err) {}

  /** Runs the command line with the library that has the emulator for a GPU. */
  private Run run(Map<String, String> environment, String... arguments) throws Exception {
    Path library = Path.of(System.getProperty("baichuan4j.root"), "native/target/cmake/lib/simt");
    assumeTrue(Files.exists(library), "the emulated GPU was not built (BC_TESTS=OFF)");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Dorg.bytedeco.javacpp.pathsFirst=true");
    command.add("-Djava.library.path=" + library);
    for (String property : new String[] {"baichuan4j.root", "org.bytedeco.javacpp.cachedir"}) {
      command.add("-D" + property + "=" + System.getProperty(property));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add("dev.baichuan4j.cli.Main");
    command.addAll(List.of(arguments));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().putAll(Map.of("LC_ALL", "C.UTF-8", "TERM", "dumb"));
    builder.environment().remove("CUDA_VISIBLE_DEVICES");
    builder.environment().putAll(environment);
    int code = builder.start().waitFor();
    return new Run(code, Files.readString(out), Files.readString(err));
  }

  private JsonNode doctor(Map<String, String> environment) throws Exception {
    String model = Fixtures.model("tiny-baichuan-7b").toString();
    Run run = run(environment, "doctor", "--json", "--device", "cpu", "--model", model);
    assertEquals(0, run.code, run.err);
    return Fixtures.JSON.readTree(run.out);
  }

  @Test
  void doctorPrintsTheVersionsOfTheDriver() throws Exception {
    JsonNode facts = doctor(OLD_DRIVER);
    assertEquals(0, facts.get("cuda_devices").asInt());
    assertEquals("535.104.05", facts.get("cuda_driver").asText());
    assertEquals("580", facts.get("cuda_driver_needed").asText());
    assertEquals("not used: " + REASON, facts.get("cuda").asText());
    JsonNode right = doctor(Map.of());
    assertEquals(1, right.get("cuda_devices").asInt());
    assertEquals("580.65.06", right.get("cuda_driver").asText());
  }

  @Test
  void whoAsksForTheGpuIsToldTheVersions() throws Exception {
    Run run = generate(OLD_DRIVER, "cuda:0");
    assertEquals(1, run.code, run.err);
    assertEquals("", run.out);
    assertTrue(run.err.contains("context: device cuda:0 is not available: " + REASON), run.err);
  }

  @Test
  void theProcessorIsNotTakenWithoutAWord() throws Exception {
    Run run = generate(OLD_DRIVER, "auto");
    assertEquals(0, run.code, run.err);
    assertTrue(run.out.length() > 0, run.err);
    assertTrue(run.err.contains("The processor is used instead of a GPU: " + REASON), run.err);
    Run hidden =
        generate(Map.of("BC_SIMT_DRIVER", "535.104.05", "CUDA_VISIBLE_DEVICES", ""), "auto");
    assertEquals(0, hidden.code, hidden.err);
    assertTrue(!hidden.err.contains("instead of a GPU"), hidden.err);
  }

  private Run generate(Map<String, String> environment, String device) throws Exception {
    String model = Fixtures.model("tiny-baichuan-7b").toString();
    return run(
        environment,
        "generate",
        "--model",
        model,
        "--device",
        device,
        "--prompt",
        "baichuan",
        "--max-new-tokens",
        "2");
  }
}

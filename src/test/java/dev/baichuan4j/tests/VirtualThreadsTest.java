package dev.baichuan4j.tests;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A virtual thread that waits for a model leaves its carrier to others. */
class VirtualThreadsTest {
  /**
   * Object.wait pins a virtual thread to its carrier on JDK 21 to 23. The engine's own thread,
   * which is none, may use it.
   */
  @Test
  void whatCallersWaitForIsNoMonitor() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.baichuan4j.internal.engine.Engine")
        .should()
        .callMethod(Object.class, "wait")
        .orShould()
        .callMethod(Object.class, "wait", long.class)
        .orShould()
        .callMethod(TimeUnit.class, "timedWait", Object.class, long.class)
        .check(new ClassFileImporter().importPackages("dev.baichuan4j.internal"));
  }

  @Test
  void oneCarrierIsEnoughForAllWhoWait(@TempDir Path folder) throws Exception {
    Path java = Jdks.java(25);
    Path err = folder.resolve("err");
    Process process =
        new ProcessBuilder(
                java.toString(),
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Djdk.virtualThreadScheduler.parallelism=1",
                "-Djdk.virtualThreadScheduler.maxPoolSize=1",
                "-Dorg.bytedeco.javacpp.cachedir="
                    + System.getProperty("org.bytedeco.javacpp.cachedir", folder.toString()),
                "-cp",
                System.getProperty("java.class.path"),
                VirtualThreads.class.getName(),
                Fixtures.model("tiny-baichuan2-13b-chat").toString())
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .redirectError(err.toFile())
            .start();
    String out = new String(process.getInputStream().readAllBytes());
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(List.of("done"), out.lines().toList(), Files.readString(err));
  }
}

package dev.baichuan4j.tests;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The packages of the library and of the command line form layers, and JavaCPP stays in one. */
class LayersTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importPackages("dev.baichuan4j")
          .that(
              resideOutsideOfPackages(
                  "dev.baichuan4j.tests..", "dev.baichuan4j.jni..", "dev.baichuan4j.natives.."));

  private static final class EachPackage implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass type) {
      return SliceIdentifier.of(type.getPackageName());
    }

    @Override
    public String getDescription() {
      return "each package";
    }
  }

  @Test
  void packagesHaveNoCycle() {
    slices().assignedFrom(new EachPackage()).should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void eachPackageKnowsTheOnesBelowItAlone() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("public")
        .definedBy("dev.baichuan4j")
        .layer("spi")
        .definedBy("dev.baichuan4j.internal.spi")
        .layer("files")
        .definedBy("dev.baichuan4j.internal.files")
        .layer("json")
        .definedBy("dev.baichuan4j.internal.json")
        .layer("arch")
        .definedBy("dev.baichuan4j.internal.arch")
        .layer("gguf")
        .definedBy("dev.baichuan4j.internal.checkpoint.gguf")
        .layer("quantized")
        .definedBy("dev.baichuan4j.internal.checkpoint.quantized")
        .layer("checkpoint")
        .definedBy(
            "dev.baichuan4j.internal.checkpoint", "dev.baichuan4j.internal.checkpoint.format")
        .layer("lora")
        .definedBy("dev.baichuan4j.internal.lora")
        .layer("tokenizer")
        .definedBy("dev.baichuan4j.internal.tokenizer")
        .layer("nn")
        .definedBy("dev.baichuan4j.internal.nn")
        .layer("math")
        .definedBy("dev.baichuan4j.internal.math")
        .layer("sampling")
        .definedBy("dev.baichuan4j.internal.sampling")
        .layer("session")
        .definedBy("dev.baichuan4j.internal.session..")
        .layer("engine")
        .definedBy("dev.baichuan4j.internal.engine", "dev.baichuan4j.internal.engine.draft")
        .layer("constrain")
        .definedBy("dev.baichuan4j.internal.engine.constrain")
        .layer("schema")
        .definedBy("dev.baichuan4j.internal.engine.constrain.schema")
        .layer("jinja")
        .definedBy("dev.baichuan4j.internal.jinja")
        .layer("chat")
        .definedBy("dev.baichuan4j.internal.chat")
        .layer("convert")
        .definedBy("dev.baichuan4j.internal.convert")
        .layer("inspect")
        .definedBy("dev.baichuan4j.internal.inspect")
        .layer("train")
        .definedBy("dev.baichuan4j.internal.train")
        .layer("api")
        .definedBy("dev.baichuan4j.internal.api")
        .layer("micrometer")
        .definedBy("dev.baichuan4j.micrometer")
        .layer("tools")
        .definedBy("dev.baichuan4j.tools")
        .layer("evaluate")
        .definedBy("dev.baichuan4j.internal.evaluate")
        .layer("server")
        .definedBy("dev.baichuan4j.server")
        .layer("stream")
        .definedBy("dev.baichuan4j.server.stream")
        .layer("openai")
        .definedBy("dev.baichuan4j.server.openai")
        .layer("page")
        .definedBy("dev.baichuan4j.server.page")
        .layer("http")
        .definedBy("dev.baichuan4j.server.http")
        .layer("registry")
        .definedBy("dev.baichuan4j.server.registry")
        .layer("monitor")
        .definedBy("dev.baichuan4j.server.monitor")
        .layer("fastchat")
        .definedBy("dev.baichuan4j.server.fastchat")
        .layer("command")
        .definedBy("dev.baichuan4j.server.command")
        .layer("cli")
        .definedBy("dev.baichuan4j.cli")
        .whereLayer("spi")
        .mayNotAccessAnyLayer()
        .whereLayer("public")
        .mayOnlyAccessLayers("spi")
        .whereLayer("files")
        .mayOnlyAccessLayers("public")
        .whereLayer("json")
        .mayOnlyAccessLayers("public", "files")
        .whereLayer("arch")
        .mayOnlyAccessLayers("public", "files", "json")
        .whereLayer("gguf")
        .mayOnlyAccessLayers("public", "files", "json", "arch")
        .whereLayer("quantized")
        .mayOnlyAccessLayers("public", "files", "json", "gguf")
        .whereLayer("checkpoint")
        .mayOnlyAccessLayers("public", "files", "json", "arch", "gguf", "quantized")
        .whereLayer("lora")
        .mayOnlyAccessLayers("public", "files", "json", "arch", "checkpoint")
        .whereLayer("tokenizer")
        .mayOnlyAccessLayers("public", "files", "json")
        .whereLayer("nn")
        .mayOnlyAccessLayers("math", "public", "files", "arch", "checkpoint", "lora")
        .whereLayer("math")
        .mayNotAccessAnyLayer()
        .whereLayer("sampling")
        .mayOnlyAccessLayers("public", "nn", "math")
        .whereLayer("session")
        .mayOnlyAccessLayers("public", "files")
        .whereLayer("engine")
        .mayOnlyAccessLayers("public", "arch", "lora", "nn", "sampling")
        .whereLayer("constrain")
        .mayOnlyAccessLayers("public", "tokenizer", "sampling")
        .whereLayer("schema")
        .mayOnlyAccessLayers("public", "json", "constrain")
        .whereLayer("jinja")
        .mayNotAccessAnyLayer()
        .whereLayer("chat")
        .mayOnlyAccessLayers("public", "files", "json", "jinja")
        .whereLayer("convert")
        .mayOnlyAccessLayers(
            "public",
            "files",
            "json",
            "arch",
            "gguf",
            "checkpoint",
            "lora",
            "tokenizer",
            "nn",
            "chat")
        .whereLayer("inspect")
        .mayOnlyAccessLayers("public", "files", "arch", "checkpoint", "tokenizer", "chat")
        .whereLayer("train")
        .mayOnlyAccessLayers("public", "files", "json", "arch", "checkpoint", "lora", "nn")
        .whereLayer("api")
        .mayOnlyAccessLayers(
            "public",
            "spi",
            "files",
            "arch",
            "gguf",
            "checkpoint",
            "lora",
            "tokenizer",
            "nn",
            "sampling",
            "session",
            "engine",
            "constrain",
            "schema",
            "chat",
            "convert",
            "train")
        .whereLayer("micrometer")
        .mayOnlyAccessLayers("public")
        .whereLayer("tools")
        .mayOnlyAccessLayers("public", "json", "constrain", "schema")
        .whereLayer("evaluate")
        .mayOnlyAccessLayers("public", "files", "json", "math", "chat")
        .whereLayer("server")
        .mayOnlyAccessLayers("public")
        .whereLayer("stream")
        .mayOnlyAccessLayers("public", "server")
        .whereLayer("openai")
        .mayOnlyAccessLayers("public", "tools", "server", "stream")
        .whereLayer("page")
        .mayOnlyAccessLayers("server")
        .whereLayer("http")
        .mayOnlyAccessLayers("server")
        .whereLayer("registry")
        .mayOnlyAccessLayers("public", "server")
        .whereLayer("monitor")
        .mayOnlyAccessLayers("public", "server", "http", "registry")
        .whereLayer("fastchat")
        .mayOnlyAccessLayers("public", "server", "stream", "http", "monitor")
        .whereLayer("command")
        .mayOnlyAccessLayers(
            "public", "server", "http", "registry", "monitor", "openai", "page", "fastchat")
        .whereLayer("cli")
        .mayOnlyAccessLayers(
            "public", "checkpoint", "nn", "constrain", "evaluate", "convert", "inspect", "command")
        .ensureAllClassesAreContainedInArchitecture()
        .check(CLASSES);
  }

  /**
   * Object.wait pins a virtual thread to its carrier on JDK 21 to 23. The engine's own thread,
   * which is none, waits in its mailbox.
   */
  @Test
  void whatCallersWaitForIsNoMonitor() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.baichuan4j.internal.engine.Mailbox")
        .should()
        .callMethod(Object.class, "wait")
        .orShould()
        .callMethod(Object.class, "wait", long.class)
        .orShould()
        .callMethod(TimeUnit.class, "timedWait", Object.class, long.class)
        .check(CLASSES);
  }

  @Test
  void threeClassesKnowJavaCpp() {
    Set<String> users = new TreeSet<>();
    for (JavaClass type : CLASSES) {
      if (type.getDirectDependenciesFromSelf().stream()
          .anyMatch(dependency -> isOfJavaCpp(dependency.getTargetClass()))) {
        users.add(outermost(type).getName());
      }
    }
    assertEquals(
        Set.of(
            "dev.baichuan4j.internal.nn.Bindings",
            "dev.baichuan4j.internal.nn.Ops",
            "dev.baichuan4j.internal.nn.TrainOps"),
        users);
  }

  private static boolean isOfJavaCpp(JavaClass type) {
    String name = type.getBaseComponentType().getPackageName();
    return name.startsWith("org.bytedeco.") || name.startsWith("dev.baichuan4j.jni");
  }

  private static JavaClass outermost(JavaClass type) {
    JavaClass outer = type;
    while (outer.getEnclosingClass().isPresent()) {
      outer = outer.getEnclosingClass().get();
    }
    return outer;
  }
}

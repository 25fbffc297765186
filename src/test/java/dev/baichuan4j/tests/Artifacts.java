package dev.baichuan4j.tests;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where the build leaves what is published. */
final class Artifacts {
  static final Path ROOT = Path.of(System.getProperty("baichuan4j.root")).normalize();
  static final String VERSION = System.getProperty("baichuan4j.version");
  static final String PLATFORM = System.getProperty("baichuan4j.platform");

  /** An artifact with a jar, and the folder of its Maven module. */
  record Artifact(String id, String folder) {
    Path pom() {
      return ROOT.resolve(folder).resolve("pom.xml");
    }

    Path jar() {
      return target(id + "-" + VERSION + ".jar");
    }

    Path attached(String classifier) {
      return target("attached").resolve(id + "-" + VERSION + "-" + classifier + ".jar");
    }

    Path target(String name) {
      return ROOT.resolve(folder).resolve("target").resolve(name);
    }
  }

  static final Artifact API = new Artifact("baichuan4j", "java-api");
  static final Artifact NATIVES = new Artifact("baichuan4j-natives", "jni-gen");
  static final Artifact CLI = new Artifact("baichuan4j-cli", "cli");
  static final Artifact SERVER = new Artifact("baichuan4j-server", "server");
  static final List<Artifact> INTEGRATIONS =
      Stream.of("langchain4j", "spark", "spring-ai", "spring-boot-starter")
          .map(name -> new Artifact("baichuan4j-" + name, "integrations/" + name))
          .toList();
  static final List<Artifact> ALL =
      Stream.concat(Stream.of(API, NATIVES, CLI, SERVER), INTEGRATIONS.stream()).toList();

  static final Path LIBRARIES =
      NATIVES.target("baichuan4j-natives-" + VERSION + "-" + PLATFORM + ".jar");
  static final Path PARENT_POM = ROOT.resolve("pom.xml");
  static final Path BOM_POM = ROOT.resolve("bom/target/.flattened-pom.xml");

  private Artifacts() {}
}

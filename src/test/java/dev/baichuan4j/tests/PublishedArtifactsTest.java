package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.tests.Artifacts.Artifact;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;

/** What Maven Central requires of the artifacts, and what their users rely on. */
@Tag("packaged")
class PublishedArtifactsTest {
  private static final XPath XPATH = XPathFactory.newInstance().newXPath();

  static Stream<Artifact> artifacts() {
    return Artifacts.ALL.stream();
  }

  static Stream<Path> jars() {
    return Stream.concat(
        artifacts().flatMap(a -> Stream.of(a.jar(), a.attached("sources"), a.attached("javadoc"))),
        Stream.of(Artifacts.LIBRARIES));
  }

  @ParameterizedTest
  @MethodSource("jars")
  void everyJarHoldsLicenceAndNotice(Path path) throws Exception {
    try (JarFile jar = new JarFile(path.toFile())) {
      for (String name : List.of("LICENSE", "NOTICE")) {
        ZipEntry entry = jar.getEntry("META-INF/" + name);
        assertNotNull(entry, name);
        assertArrayEquals(
            Files.readAllBytes(Artifacts.ROOT.resolve(name)),
            jar.getInputStream(entry).readAllBytes(),
            name);
      }
    }
  }

  @Test
  void theNoticeNamesWhatIsLinkedIntoTheLibraries() throws Exception {
    String notice = Files.readString(Artifacts.ROOT.resolve("NOTICE"));
    String library = libraries().get(nativeFolder() + System.mapLibraryName("baichuan"));
    // Texts that these runtimes carry with them.
    if (library.contains("std::bad_alloc")) {
      assertTrue(notice.contains("GCC Runtime Library\n  Exception, version 3.1"), notice);
    }
    if (library.contains("cudaErrorInsufficientDriver")) {
      assertTrue(notice.contains("CUDA Toolkit End User License Agreement"), notice);
    }
  }

  @Test
  void theLibrariesNeedNoCompilersRuntimeAndNameNoFolderOfTheBuild() throws Exception {
    assertEquals(2, libraries().size());
    libraries()
        .forEach(
            (name, content) -> {
              assertFalse(content.contains("libstdc++.so"), name);
              assertFalse(content.contains("libgcc_s.so"), name);
              assertFalse(content.contains(Artifacts.ROOT.toString()), name);
            });
  }

  /** The bytes of the native libraries as characters, by path in their jar. */
  private static Map<String, String> libraries() throws IOException {
    Map<String, String> libraries = new TreeMap<>();
    try (JarFile jar = new JarFile(Artifacts.LIBRARIES.toFile())) {
      for (ZipEntry entry : Collections.list(jar.entries())) {
        if (entry.getName().startsWith(nativeFolder()) && !entry.isDirectory()) {
          byte[] bytes = jar.getInputStream(entry).readAllBytes();
          libraries.put(entry.getName(), new String(bytes, StandardCharsets.ISO_8859_1));
        }
      }
    }
    return libraries;
  }

  @ParameterizedTest
  @MethodSource("artifacts")
  void everyArtifactHasItsSourcesAndItsJavadoc(Artifact artifact) throws Exception {
    assertEquals(classes(artifact.jar()), names(artifact.attached("sources"), ".java"));
    try (JarFile javadoc = new JarFile(artifact.attached("javadoc").toFile())) {
      assertNotNull(javadoc.getEntry("index.html"));
    }
  }

  @ParameterizedTest
  @MethodSource("artifacts")
  void everyPomSaysWhatItIs(Artifact artifact) throws Exception {
    Document pom = xml(artifact.pom());
    present(pom, "/project/name", "/project/description");
    // The rest it has from its parent.
    assertEquals("baichuan4j-parent", XPATH.evaluate("/project/parent/artifactId", pom));
  }

  @Test
  void theParentAndTheBomSayWhereTheProjectIsAndWhoseItIs() throws Exception {
    for (Path path : List.of(Artifacts.PARENT_POM, Artifacts.BOM_POM)) {
      present(
          xml(path),
          "/project/name",
          "/project/description",
          "/project/url",
          "/project/scm/url",
          "/project/scm/connection",
          "/project/developers/developer/name",
          "/project/licenses/license/name",
          "/project/licenses/license/url");
    }
  }

  @Test
  void theBomManagesTheArtifactsOfThisProjectAlone() throws Exception {
    Document bom = xml(Artifacts.BOM_POM);
    assertEquals("", XPATH.evaluate("/project/parent", bom));
    assertEquals("", XPATH.evaluate("/project/properties", bom));
    assertEquals(Artifacts.VERSION, XPATH.evaluate("/project/version", bom));
    String dependency = "/project/dependencyManagement/dependencies/dependency";
    Set<String> managed = new TreeSet<>();
    int count = Integer.parseInt(XPATH.evaluate("count(" + dependency + ")", bom));
    for (int i = 1; i <= count; i++) {
      String at = dependency + "[" + i + "]/";
      assertEquals("dev.baichuan4j", XPATH.evaluate(at + "groupId", bom));
      String version = XPATH.evaluate(at + "version", bom);
      assertEquals(Artifacts.VERSION, version.replace("${project.version}", Artifacts.VERSION));
      managed.add(
          XPATH.evaluate(at + "artifactId", bom) + ":" + XPATH.evaluate(at + "classifier", bom));
    }
    for (Artifact artifact : Artifacts.ALL) {
      assertTrue(managed.contains(artifact.id() + ":"), managed::toString);
    }
    assertTrue(managed.contains("baichuan4j-natives:" + Artifacts.PLATFORM), managed::toString);
  }

  @ParameterizedTest
  @MethodSource("artifacts")
  void everyArtifactHasABillOfMaterials(Artifact artifact) throws Exception {
    assumeFalse(
        System.getProperty("baichuan4j.offline").endsWith("true"),
        "the CycloneDX plugin makes none under mvn -o");
    JsonNode bom = Fixtures.json(artifact.target("bom.json"));
    assertEquals("CycloneDX", bom.get("bomFormat").asText());
    assertEquals(artifact.id(), bom.at("/metadata/component/name").asText());
    boolean javacpp = false;
    for (JsonNode component : bom.get("components")) {
      assertFalse(component.at("/version").asText().isEmpty(), component::toString);
      assertTrue(component.at("/licenses").size() > 0, component::toString);
      javacpp |= component.at("/name").asText().equals("javacpp");
    }
    assertTrue(javacpp, bom::toString);
  }

  @Test
  void theModuleOfTheLibraryExportsThePublicApiAlone() {
    ModuleDescriptor module = module(Artifacts.API.jar(), "dev.baichuan4j");
    assertFalse(module.isAutomatic());
    assertEquals(
        Set.of("dev.baichuan4j", "dev.baichuan4j.micrometer", "dev.baichuan4j.tools"),
        module.exports().stream()
            .filter(e -> !e.isQualified())
            .map(ModuleDescriptor.Exports::source)
            .collect(Collectors.toSet()));
    assertEquals(
        Set.of("dev.baichuan4j.cli"),
        module.exports().stream().flatMap(e -> e.targets().stream()).collect(Collectors.toSet()));
  }

  @Test
  void everyOtherJarHasAModuleNameOfItsOwn() {
    module(Artifacts.NATIVES.jar(), "dev.baichuan4j.natives");
    module(Artifacts.CLI.jar(), "dev.baichuan4j.cli");
    module(Artifacts.SERVER.jar(), "dev.baichuan4j.server");
    for (Artifact artifact : Artifacts.INTEGRATIONS) {
      String name = artifact.id().replaceFirst("-starter$", "").replaceFirst("baichuan4j-", "");
      module(artifact.jar(), "dev.baichuan4j." + name.replace("-", ""));
    }
    module(Artifacts.LIBRARIES, "dev.baichuan4j.natives." + Artifacts.PLATFORM.replace('-', '.'));
  }

  @Test
  void theCommandLineMayLoadNativeLibraries() throws Exception {
    try (JarFile jar = new JarFile(Artifacts.CLI.jar().toFile())) {
      Attributes manifest = jar.getManifest().getMainAttributes();
      assertEquals("ALL-UNNAMED", manifest.getValue("Enable-Native-Access"));
    }
  }

  @ParameterizedTest
  @MethodSource("jars")
  void noJarHoldsTheTimeItWasBuilt(Path path) throws Exception {
    Set<LocalDateTime> times = new TreeSet<>();
    try (JarFile jar = new JarFile(path.toFile())) {
      jar.stream().forEach(e -> times.add(e.getTimeLocal()));
    }
    LocalDateTime expected =
        path.equals(Artifacts.LIBRARIES)
            ? timeOfLibraries()
            : LocalDateTime.parse(
                XPATH
                    .evaluate(
                        "/project/properties/project.build.outputTimestamp",
                        xml(Artifacts.PARENT_POM))
                    .replace("Z", ""));
    assertEquals(Set.of(expected), times);
  }

  /**
   * JavaCPP extracts a library again when its size or time differ from the file in its cache: other
   * content must have another time, and the same content the same.
   */
  private static LocalDateTime timeOfLibraries() throws IOException {
    CRC32 crc = new CRC32();
    libraries().values().forEach(c -> crc.update(c.getBytes(StandardCharsets.ISO_8859_1)));
    return LocalDateTime.ofInstant(
        Instant.parse("2000-01-01T00:00:00Z").plusSeconds(2 * (crc.getValue() % (1L << 29))),
        ZoneOffset.UTC);
  }

  private static String nativeFolder() {
    return "dev/baichuan4j/jni/" + Artifacts.PLATFORM + "/";
  }

  private static ModuleDescriptor module(Path jar, String name) {
    return ModuleFinder.of(jar).find(name).orElseThrow().descriptor();
  }

  /** Names of the top-level classes. */
  private static Set<String> classes(Path path) throws IOException {
    return names(path, ".class").stream()
        .filter(n -> !n.contains("$") && !n.equals("package-info"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Paths with this ending, without it; packages' comments and what a platform's jar has aside. */
  private static Set<String> names(Path path, String ending) throws IOException {
    try (JarFile jar = new JarFile(path.toFile())) {
      return jar.stream()
          .map(ZipEntry::getName)
          .filter(n -> n.endsWith(ending))
          .map(n -> n.substring(0, n.length() - ending.length()))
          .filter(n -> !n.endsWith("package-info") && !n.endsWith("PlatformLibraries"))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static Document xml(Path path) throws Exception {
    return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(path.toFile());
  }

  private static void present(Document pom, String... paths) throws Exception {
    for (String path : paths) {
      assertFalse(XPATH.evaluate(path, pom).isBlank(), path);
    }
  }
}

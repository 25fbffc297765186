package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIf;

/** The tests in {@code src/test/web}, which run in the browser. */
@EnabledIf(
    value = "dev.baichuan4j.server.page.Chromium#isInstalled",
    disabledReason = Chromium.MISSING)
class ModulesTest {
  @TestFactory
  List<DynamicTest> testsOfTheModulesPass() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    try (ScriptedModel server = new ScriptedModel();
        Tab tab = Chromium.newTab();
        InputStream script = ModulesTest.class.getResourceAsStream("tests.js")) {
      tab.open(server.address());
      tab.evaluate(new String(script.readAllBytes(), StandardCharsets.UTF_8) + "; null");
      for (JsonNode result : tab.evaluate("pageTests")) {
        tests.add(
            DynamicTest.dynamicTest(
                result.get("name").asText(),
                () -> {
                  if (!result.get("fault").isNull()) fail(result.get("fault").asText());
                }));
      }
    }
    assertTrue(tests.size() > 20, "the modules have " + tests.size() + " tests");
    return tests;
  }
}

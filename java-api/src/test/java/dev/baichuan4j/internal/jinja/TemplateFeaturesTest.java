package dev.baichuan4j.internal.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.internal.jinja.TemplateException.Kind;
import java.io.IOException;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Small templates, one or more for each feature, against what Python's Jinja gives. */
class TemplateFeaturesTest {
  private static final Map<String, Kind> KINDS =
      Map.of(
          "TemplateSyntaxError", Kind.SYNTAX,
          "SyntaxError", Kind.SYNTAX,
          "TemplateError", Kind.RAISED,
          "OverflowError", Kind.LIMIT);

  @TestFactory
  Stream<DynamicTest> givesWhatPythonGives() throws IOException {
    JsonNode file = Json.read("features.json");
    JsonNode cases = file.get("cases");
    assertTrue(cases.size() > 150);
    return StreamSupport.stream(cases.spliterator(), false)
        .map(
            feature ->
                DynamicTest.dynamicTest(
                    feature.get("name").asText(), () -> holds(feature, file.get("variables"))));
  }

  private static void holds(JsonNode feature, JsonNode variables) {
    String template = feature.get("template").asText();
    if (feature.has("text")) {
      Text text = Template.parse(template).render(Json.variables(variables), Json.NOW);
      assertEquals(feature.get("text").asText(), text.toString(), template);
      return;
    }
    TemplateException failure =
        assertThrows(
            TemplateException.class,
            () -> Template.parse(template).render(Json.variables(variables), Json.NOW),
            template);
    String error = feature.get("error").asText();
    assertEquals(KINDS.getOrDefault(error, Kind.FAILED), failure.kind(), failure::getMessage);
    assertTrue(failure.line() >= 1, template);
  }
}

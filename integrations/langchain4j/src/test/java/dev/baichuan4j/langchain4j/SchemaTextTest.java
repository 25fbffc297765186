package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.Constraint;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.json.JsonAnyOfSchema;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonBooleanSchema;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonNullSchema;
import dev.langchain4j.model.chat.request.json.JsonNumberSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SchemaTextTest {
  static Stream<Arguments> schemas() {
    return Stream.of(
        Arguments.of(
            JsonStringSchema.builder().description("城市 \"x\"").build(),
            "{\"description\":\"城市 \\\"x\\\"\",\"type\":\"string\"}"),
        Arguments.of(JsonIntegerSchema.builder().build(), "{\"type\":\"integer\"}"),
        Arguments.of(JsonNumberSchema.builder().build(), "{\"type\":\"number\"}"),
        Arguments.of(JsonBooleanSchema.builder().build(), "{\"type\":\"boolean\"}"),
        Arguments.of(new JsonNullSchema(), "{\"type\":\"null\"}"),
        Arguments.of(
            JsonEnumSchema.builder().enumValues("晴", "雨").build(),
            "{\"type\":\"string\",\"enum\":[\"晴\",\"雨\"]}"),
        Arguments.of(
            JsonArraySchema.builder().items(JsonIntegerSchema.builder().build()).build(),
            "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}"),
        Arguments.of(JsonArraySchema.builder().build(), "{\"type\":\"array\"}"),
        Arguments.of(
            JsonAnyOfSchema.builder()
                .anyOf(new JsonNullSchema(), JsonBooleanSchema.builder().build())
                .build(),
            "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"boolean\"}]}"),
        Arguments.of(
            JsonRawSchema.from("{\"type\": \"string\", \"minLength\": 2}"),
            "{\"type\":\"string\",\"minLength\":2}"),
        Arguments.of(JsonObjectSchema.builder().build(), "{\"type\":\"object\"}"),
        Arguments.of(
            JsonObjectSchema.builder().addStringProperty("a").required("a").build(),
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
                + "\"required\":[\"a\"],\"additionalProperties\":false}"),
        Arguments.of(
            JsonObjectSchema.builder().addStringProperty("a").additionalProperties(true).build(),
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
                + "\"additionalProperties\":true}"),
        Arguments.of(
            JsonObjectSchema.builder()
                .addProperty("next", JsonReferenceSchema.builder().reference("node").build())
                .definitions(
                    java.util.Map.of(
                        "node",
                        JsonObjectSchema.builder()
                            .addProperty(
                                "next", JsonReferenceSchema.builder().reference("node").build())
                            .build()))
                .build(),
            "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#/$defs/node\"}},"
                + "\"additionalProperties\":false,\"$defs\":{\"node\":{\"type\":\"object\","
                + "\"properties\":{\"next\":{\"$ref\":\"#/$defs/node\"}},"
                + "\"additionalProperties\":false}}}"));
  }

  @ParameterizedTest
  @MethodSource("schemas")
  void eachSchemaIsATextThatIsEnforced(JsonSchemaElement schema, String text) {
    assertThat(SchemaText.of(schema)).isEqualTo(text);
    assertThat(Constraint.jsonSchema(text)).isNotNull(); // none of it is refused
  }

  @Test
  void aToolOfWhoseParametersNothingIsSaidHasNone() {
    String none = "{\"type\":\"object\",\"additionalProperties\":false}";

    assertThat(SchemaText.ofParameters(null)).isEqualTo(none);
    assertThat(SchemaText.ofParameters(JsonObjectSchema.builder().build())).isEqualTo(none);
    assertThat(
            SchemaText.ofParameters(JsonObjectSchema.builder().additionalProperties(true).build()))
        .isEqualTo("{\"type\":\"object\",\"additionalProperties\":true}");
  }

  @Test
  void aRawSchemaThatIsNoJsonIsRefused() {
    assertThatThrownBy(() -> SchemaText.of(JsonRawSchema.from("{\"type\"")))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("{\"type\"");
  }

  @Test
  void aSchemaOfAnUnknownTypeIsRefused() {
    JsonSchemaElement unknown = () -> "of a later version";

    assertThatThrownBy(() -> SchemaText.of(unknown))
        .isExactlyInstanceOf(UnsupportedFeatureException.class);
  }
}

package dev.baichuan4j.langchain4j;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.Map;

/**
 * Schemas of LangChain4j as texts.
 *
 * <p>An object that names properties and does not say whether it may have others has no others:
 * what is read from the answer is a class with these members, and a model that may add to them
 * might never stop. A {@link JsonRawSchema} stays as it is.
 */
final class SchemaText {
  private static final ObjectMapper JSON = new ObjectMapper();

  private SchemaText() {}

  /**
   * @throws InvalidRequestException if a raw schema is no JSON
   * @throws UnsupportedFeatureException if a schema is of a type that is not known
   */
  static String of(JsonSchemaElement schema) {
    return node(schema).toString();
  }

  /** As {@link #of}, for the parameters of a tool: none where nothing is said of them. */
  static String ofParameters(JsonObjectSchema parameters) {
    JsonObjectSchema schema = parameters == null ? JsonObjectSchema.builder().build() : parameters;
    boolean hasNone = schema.properties().isEmpty() && schema.additionalProperties() == null;
    return of(hasNone ? schema.toBuilder().additionalProperties(false).build() : schema);
  }

  private static JsonNode node(JsonSchemaElement schema) {
    if (schema instanceof JsonObjectSchema object) {
      return object(object);
    } else if (schema instanceof JsonArraySchema array) {
      ObjectNode node = typed("array", array);
      if (array.items() != null) {
        node.set("items", node(array.items()));
      }
      return node;
    } else if (schema instanceof JsonEnumSchema values) {
      ObjectNode node = typed("string", values);
      values.enumValues().forEach(node.putArray("enum")::add);
      return node;
    } else if (schema instanceof JsonAnyOfSchema any) {
      ObjectNode node = described(any);
      any.anyOf().forEach(one -> node.withArray("anyOf").add(node(one)));
      return node;
    } else if (schema instanceof JsonReferenceSchema reference) {
      return JSON.createObjectNode().put("$ref", "#/$defs/" + reference.reference());
    } else if (schema instanceof JsonRawSchema raw) {
      return parse(raw.schema());
    }
    return typed(simpleType(schema), schema);
  }

  private static ObjectNode object(JsonObjectSchema schema) {
    ObjectNode node = typed("object", schema);
    putAll(node, "properties", schema.properties());
    if (!schema.required().isEmpty()) {
      schema.required().forEach(node.putArray("required")::add);
    }
    if (schema.additionalProperties() != null) {
      node.put("additionalProperties", schema.additionalProperties());
    } else if (!schema.properties().isEmpty()) {
      node.put("additionalProperties", false);
    }
    putAll(node, "$defs", schema.definitions());
    return node;
  }

  private static void putAll(
      ObjectNode node, String name, Map<String, JsonSchemaElement> elements) {
    if (!elements.isEmpty()) {
      ObjectNode members = node.putObject(name);
      elements.forEach((key, element) -> members.set(key, node(element)));
    }
  }

  private static String simpleType(JsonSchemaElement schema) {
    if (schema instanceof JsonStringSchema) {
      return "string";
    } else if (schema instanceof JsonIntegerSchema) {
      return "integer";
    } else if (schema instanceof JsonNumberSchema) {
      return "number";
    } else if (schema instanceof JsonBooleanSchema) {
      return "boolean";
    } else if (schema instanceof JsonNullSchema) {
      return "null";
    }
    throw new UnsupportedFeatureException(
        "a schema of type " + schema.getClass().getName() + " is not supported");
  }

  private static ObjectNode typed(String type, JsonSchemaElement schema) {
    return described(schema).put("type", type);
  }

  private static ObjectNode described(JsonSchemaElement schema) {
    ObjectNode node = JSON.createObjectNode();
    return schema.description() == null ? node : node.put("description", schema.description());
  }

  private static JsonNode parse(String schema) {
    try {
      return JSON.readTree(schema);
    } catch (JsonProcessingException failure) {
      throw new InvalidRequestException("schema has " + schema + ", expected JSON", failure);
    }
  }
}

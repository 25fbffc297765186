package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.schema.JsonSchema;
import dev.baichuan4j.internal.json.JsonText;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The JSON Schema of a tool's parameters. */
final class ParameterSchema {
  private static final String CLOSED = "additionalProperties";

  /** Keywords beside which members that are not among the properties may be needed. */
  private static final Set<String> MORE_MEMBERS =
      Set.of(
          CLOSED,
          "unevaluatedProperties",
          "patternProperties",
          "minProperties",
          "dependentRequired",
          "dependentSchemas",
          "dependencies",
          "allOf",
          "anyOf",
          "oneOf",
          "not",
          "if",
          "$ref",
          "$dynamicRef",
          "$recursiveRef");

  private static final BitSet BRACE = BitSet.valueOf(new long[] {0, 1L << '{'});

  private ParameterSchema() {}

  /**
   * Returns the constraint to the arguments of a tool.
   *
   * @param schema its parameters, read by JsonTree
   * @throws InvalidRequestException if they are no JSON Schema of objects, or cannot be enforced
   */
  static CompiledConstraint compile(Object schema) {
    CompiledConstraint constraint =
        CompiledConstraint.schemaOnOneLine(JsonText.of(closed(schema)), new JsonSchema());
    if (!constraint.firstBytes().equals(BRACE)) {
      throw new InvalidRequestException(
          "schema", JsonText.of(schema), "a JSON Schema of objects: \"type\": \"object\"");
    }
    return constraint;
  }

  /**
   * A function takes the parameters that it declares: a schema whose properties are all that it
   * says of members allows no others, and an empty one none at all.
   */
  private static Object closed(Object schema) {
    if (!(schema instanceof Map<?, ?> members)) {
      return schema;
    }
    if (members.isEmpty()) {
      return Map.of("type", "object", "maxProperties", 0);
    }
    boolean closes =
        members.get("properties") instanceof Map<?, ?> properties
            && Collections.disjoint(members.keySet(), MORE_MEMBERS)
            && (!(members.get("required") instanceof List<?> required)
                || properties.keySet().containsAll(required));
    if (!closes) {
      return schema;
    }
    Map<Object, Object> closed = new LinkedHashMap<>(members);
    closed.put(CLOSED, false);
    return closed;
  }
}

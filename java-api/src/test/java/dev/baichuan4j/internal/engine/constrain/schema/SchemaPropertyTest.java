package dev.baichuan4j.internal.engine.constrain.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.ByteMachine;
import dev.baichuan4j.internal.json.JsonTree;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random schemas against a plain validator: what is valid is accepted, and nothing else. */
class SchemaPropertyTest {
  private static final long SEED = Long.getLong("baichuan.schema.seed", 14);
  private static final int SCHEMAS = Integer.getInteger("baichuan.schema.count", 400);
  private static final int INSTANCES = 12;

  private final SplittableRandom random = new SplittableRandom(SEED);

  @Test
  void machinesAgreeWithAPlainValidator() {
    int compiled = 0;
    int valid = 0;
    int samples = 0;
    int ended = 0;
    for (int i = 0; i < SCHEMAS; i++) {
      Object schema = schema(3);
      String text = JsonText.write(schema);
      ByteMachine machine;
      try {
        machine = new JsonSchema().compile(text);
      } catch (InvalidRequestException e) {
        String message = e.getMessage();
        boolean known = message.contains("some value is valid") || message.contains("cannot be");
        assertTrue(known, () -> "seed " + SEED + ": " + text + ": " + message);
        continue;
      }
      compiled++;
      for (int j = 0; j < INSTANCES; j++) {
        Object instance = value(3);
        String written = spread(JsonText.write(instance));
        boolean expected = PlainValidator.isValid(schema, instance);
        valid += expected ? 1 : 0;
        assertEquals(
            expected,
            accepts(machine, written),
            () -> "seed " + SEED + ": " + text + " of " + written);
      }
      for (int j = 0; j < 3; j++) {
        String sample = sample(machine);
        samples++; // numbers of a thousand digits are too long for the plain validator
        if (sample == null || sample.matches("(?s).*[0-9][eE][+-]?[0-9]{3,}.*")) {
          continue;
        }
        ended++;
        Object instance;
        try {
          instance = JsonTree.parse(sample, "sample");
        } catch (InvalidRequestException e) {
          boolean known = e.getMessage().matches("(?s).*(Duplicate|nine digits).*");
          assertTrue(known, e.getMessage());
          continue; // names that the schema does not list are not compared with each other
        }
        assertTrue(
            PlainValidator.isValid(schema, instance),
            () -> "seed " + SEED + ": " + text + " let through " + sample);
      }
    }
    assertTrue(ended > 0.9 * samples, "of " + samples + " samples ended " + ended);
    assertTrue(compiled > SCHEMAS / 2, "compiled " + compiled);
    assertTrue(valid > compiled, "valid " + valid);
  }

  private static boolean accepts(ByteMachine machine, String text) {
    int state = machine.start();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      state = machine.next(state, b & 0xFF);
      if (state == ByteMachine.DEAD) {
        return false;
      }
    }
    return machine.accepting(state);
  }

  /**
   * A text by random choices, among which ends become likely; null if it became too long, where a
   * schema asks for what is seldom hit upon.
   */
  private String sample(ByteMachine machine) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int state = machine.start();
    while (true) {
      if (machine.accepting(state) && (out.size() > 30 || random.nextInt(4) == 0)) {
        return out.toString(StandardCharsets.UTF_8);
      }
      List<Integer> choices = new ArrayList<>();
      for (int b = 0; b < 256; b++) {
        if (machine.next(state, b) != ByteMachine.DEAD) {
          choices.add(b);
        }
      }
      if (choices.isEmpty()) {
        assertTrue(machine.accepting(state), () -> "seed " + SEED + ": a dead end behind " + out);
        return out.toString(StandardCharsets.UTF_8);
      }
      int b = choices.get(random.nextInt(choices.size()));
      int required = 'a' + random.nextInt(2); // the names that schemas here require
      if (random.nextInt(4) == 0 && choices.contains(required)) {
        b = required;
      } else if (out.size() > 30 && random.nextBoolean()) {
        for (int end : new int[] {'0', ',', ':', ']', '}', '"'}) {
          b = choices.contains(end) ? end : b;
        }
      }
      out.write(b);
      state = machine.next(state, b);
      if (out.size() > 2000) {
        return null;
      }
    }
  }

  /** Puts in blank space, and escapes letters. */
  private String spread(String text) {
    StringBuilder out = new StringBuilder();
    boolean inString = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"') {
        inString = !inString;
      }
      boolean letter = inString && Character.isLetter(c);
      out.append(letter && random.nextInt(8) == 0 ? "\\u%04x".formatted((int) c) : "" + c);
      if (!inString && i + 1 < text.length() && ",:[{".indexOf(c) >= 0 && random.nextInt(3) == 0) {
        out.append(" \n\t".charAt(random.nextInt(3)));
      }
    }
    return out.toString();
  }

  private Object schema(int depth) {
    Map<String, Object> schema = new LinkedHashMap<>();
    int keywords = 1 + random.nextInt(3);
    for (int i = 0; i < keywords; i++) {
      keyword(schema, depth);
    }
    return schema;
  }

  private void keyword(Map<String, Object> schema, int depth) {
    switch (random.nextInt(depth > 0 ? 21 : 9)) {
      case 0, 1 -> schema.put("type", type());
      case 2 -> schema.put("enum", List.of(value(1), value(0), value(1)));
      case 3 -> schema.put("const", value(1));
      case 4 -> schema.put("minimum", number());
      case 5 -> schema.put("exclusiveMaximum", number());
      case 6 -> schema.put("multipleOf", new BigDecimal(random.nextBoolean() ? "2" : "0.5"));
      case 7 -> schema.put(random.nextBoolean() ? "minLength" : "maxLength", count());
      case 8 -> schema.put("pattern", List.of("^a", "b$", "^[ab]+$", "c").get(random.nextInt(4)));
      case 9 -> schema.put("items", schema(depth - 1));
      case 10 -> schema.put(random.nextBoolean() ? "minItems" : "maxItems", count());
      case 11 -> schema.put("prefixItems", List.of(schema(depth - 1)));
      case 12 -> schema.put("contains", schema(depth - 1));
      case 13 -> schema.put("properties", Map.of("a", schema(depth - 1)));
      case 14 -> schema.put("required", List.of(random.nextBoolean() ? "a" : "b"));
      case 15 ->
          schema.put(
              "additionalProperties", random.nextBoolean() ? (Object) false : schema(depth - 1));
      case 16 -> schema.put("patternProperties", Map.of("^b", schema(depth - 1)));
      case 17 -> schema.put(random.nextBoolean() ? "minProperties" : "maxProperties", count());
      case 18 ->
          schema.put(
              List.of("allOf", "anyOf", "oneOf").get(random.nextInt(3)),
              List.of(schema(depth - 1), schema(depth - 1)));
      case 19 -> schema.put("not", schema(depth - 1));
      default -> {
        schema.put("if", schema(depth - 1));
        schema.put(random.nextBoolean() ? "then" : "else", schema(depth - 1));
      }
    }
  }

  private Object type() {
    List<String> types =
        List.of("null", "boolean", "integer", "number", "string", "array", "object");
    return types.get(random.nextInt(types.size()));
  }

  private BigDecimal count() {
    return BigDecimal.valueOf(random.nextInt(3));
  }

  private BigDecimal number() {
    return BigDecimal.valueOf(random.nextInt(-6, 7), 0)
        .divide(BigDecimal.valueOf(random.nextBoolean() ? 1 : 2));
  }

  private Object value(int depth) {
    switch (random.nextInt(depth > 0 ? 8 : 4)) {
      case 0 -> {
        return List.of(true, false, JsonTree.NULL).get(random.nextInt(3));
      }
      case 1 -> {
        return number();
      }
      case 2, 3 -> {
        return string();
      }
      case 4, 5 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(value(depth - 1));
        }
        return list;
      }
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put(List.of("a", "b", "bb", "c").get(random.nextInt(4)), value(depth - 1));
        }
        return map;
      }
    }
  }

  private String string() {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(4); i > 0; i--) {
      text.append("abcä".charAt(random.nextInt(4)));
    }
    return text.toString();
  }
}

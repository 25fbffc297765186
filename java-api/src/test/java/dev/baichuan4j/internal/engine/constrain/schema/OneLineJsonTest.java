package dev.baichuan4j.internal.engine.constrain.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.engine.constrain.ByteMachine;
import dev.baichuan4j.internal.engine.constrain.OneLineJson;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Texts of schemas that are laid out on one line. */
class OneLineJsonTest {
  private static ByteMachine machine(String schema) {
    return new OneLineJson(new JsonSchema().compile(schema));
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

  /** What must follow a beginning. */
  private static String forced(ByteMachine machine, String beginning) {
    int state = machine.start();
    for (byte b : beginning.getBytes(StandardCharsets.UTF_8)) {
      state = machine.next(state, b & 0xFF);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    while (!machine.accepting(state) && machine.onlyByte(state) >= 0) {
      bytes.write(machine.onlyByte(state));
      state = machine.next(state, machine.onlyByte(state));
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void thereIsOneSpaceBehindColonsAndCommasAndNoOther() {
    ByteMachine any = machine("{}");
    for (String text :
        List.of("{\"a\": [1, {\"b:,\": \" \\\" ,:\\u0061\"}], \"\\\\\": {}}", "[]", "\"\\\\\"")) {
      assertTrue(accepts(any, text), text);
    }
    for (String text :
        List.of("{\"a\":1}", "{\"a\":  1}", "[1,2]", "[1, 2 ]", " 1", "[ ]", "[1,\n2]", "[1 ]")) {
      assertFalse(accepts(any, text), text);
    }
  }

  @Test
  void listedNamesAreForced() {
    String schema =
        """
        {"type": "object", "additionalProperties": false, "required": ["城市", "at"],
         "properties": {"城市": {"const": "a"}, "at": {"type": "object",
           "properties": {"say \\"/": {"type": "null"}}, "required": ["say \\"/"],
           "additionalProperties": false}}}""";
    ByteMachine machine = machine(schema);
    assertEquals("{\"", forced(machine, ""));
    assertEquals("t\": {\"say \\\"/\": null}, \"城市\": \"", forced(machine, "{\"a"));
    assertFalse(accepts(machine, "{\"\\u0061t\": {\"say \\\"/\": null}, \"城市\": \"a\"}"));
    assertTrue(accepts(machine, "{\"at\": {\"say \\\"/\": null}, \"城市\": \"\\u0061\"}"));
  }

  @Test
  void namesThatNeedEscapesCanBeWritten() {
    for (String name : List.of("a\u0001", "\n", "\\", "\"", "a\u001Fb\u0008", "\u0001ab\u0010")) {
      StringBuilder written = new StringBuilder();
      name.chars()
          .forEach(
              c ->
                  written.append(
                      c < 0x20
                          ? "\\u%04x".formatted(c)
                          : c == '\\' || c == '"' ? "\\" + (char) c : "" + (char) c));
      String schema =
          "{\"type\": \"object\", \"properties\": {\"%s\": true, \"ab\": true},".formatted(written)
              + "\"required\": [\"%s\"], \"additionalProperties\": false}".formatted(written);
      ByteMachine machine = machine(schema);
      assertTrue(accepts(machine, "{\"ab\": 1, \"" + written + "\": 1}"), schema);
    }
    ByteMachine breaks =
        machine("{\"type\": \"object\", \"propertyNames\": {\"enum\": [\"\\n\"]}}");
    assertTrue(accepts(breaks, "{\"\\n\": 1}") && accepts(breaks, "{\"\\u000A\": 1}"));
  }
}

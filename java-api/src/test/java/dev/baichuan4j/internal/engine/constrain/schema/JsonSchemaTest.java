package dev.baichuan4j.internal.engine.constrain.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.ByteMachine;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each keyword accepts and refuses. In the tables ' stands for " and ~ for nothing. */
class JsonSchemaTest {

  private static boolean accepts(String schema, String text) {
    ByteMachine machine = new JsonSchema().compile(schema.replace('\'', '"'));
    int state = machine.start();
    for (byte b : text.replace('\'', '"').getBytes(StandardCharsets.UTF_8)) {
      state = machine.next(state, b & 0xFF);
      if (state == ByteMachine.DEAD) {
        return false;
      }
    }
    return machine.accepting(state);
  }

  /** A schema, texts that are valid by it, texts that are not; texts are set apart by two bars. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          true; 1||'a'||null||[]||{'a': [true, {}]}; ~||{||]||01||'a||{'a' 1}
          {'type': 'null'}; null; 0||nul||'null'
          {'type': 'boolean'}; true||false; 1||True
          {'type': ['string', 'null']}; 'a'||null; 1||[]
          {'type': 'integer'}; 0||-7||12||3.0||2e3; 1.5||01||1.||+1||1e-2
          {'$schema': 'http://json-schema.org/draft-04/schema#', 'type': 'integer'}; 3; 3.0
          {'type': 'number'}; 0||-0.5||1e400||1E-7; .5||1.||--1||Infinity
          {'minimum': 3, 'maximum': 17}; 3||3.0||16.99||17||'a'; 2||2.999||17.01||170||-5
          {'exclusiveMinimum': -1.5, 'exclusiveMaximum': 2}; -1.49||0||1.999; -1.5||2||2.0||-2
          {'minimum': 5, 'exclusiveMinimum': true}; 5.1||6; 5||5.0
          {'minimum': 0}; 0||-0||7e3; -1||-0.1||-1e-9
          {'type': 'integer', 'minimum': -12, 'maximum': 105}; -12||-1||0||99||105; -13||106||1000
          {'multipleOf': 3}; 0||9||-12||12.0; 1||13||3.5
          {'multipleOf': 0.25}; 1||0.5||2.75||-0.250; 0.1||0.3||1.251
          {'const': 1.5}; 1.5||1.50; 1||2.5||15
          {'const': {'a': [1, null]}}; {'a': [1, null]}||{ 'a' : [ 1.0,null ] }; {'a': [1]}||{}
          {'enum': ['a', 3, null, ['b']]}; 'a'||3||null||['b']; 'b'||4||[]||['a']
          {'minLength': 2, 'maxLength': 3}; 'ab'||'äöü'||'😀😀'||'\\u0041b'; 'a'||'abcd'||'😀'
          {'pattern': '^a+$'}; 'a'||'aaa'||'\\u0061'; ''||'ab'||'\\u0062'
          {'pattern': 'b'}; 'abc'||'b'; 'ac'||''
          {'format': 'date'}; '2024-02-29'||'1999-12-31'; '2023-02-29'||'2024-13-01'||'2024-1-1'
          {'format': 'time'}; '12:30:00Z'||'23:59:60Z'||'01:02:03.5+02:00'; '24:00:00Z'||'12:30:00'
          {'format': 'date-time'}; '2024-01-31T00:00:00Z'; '2024-01-31 00:00:00Z'||'2024-01-31'
          {'format': 'duration'}; 'P1Y2M3DT4H'||'P3W'||'PT5M'; 'P'||'1Y'||'P1Y3W'
          {'format': 'email'}; 'a.b@c.org'||'a@[127.0.0.1]'; 'a'||'a@'||'.a@b.c'||'a b@c.d'
          {'format': 'hostname'}; 'a.example'||'x'; '-a'||'a..b'||'a_b'
          {'format': 'ipv4'}; '127.0.0.1'||'255.1.20.0'; '256.1.1.1'||'1.2.3'||'01.2.3.4'
          {'format': 'ipv6'}; '::1'||'2001:db8::8:800'||'::ffff:1.2.3.4'; '1::2::3'||'12345::'||':'
          {'format': 'uuid'}; '123e4567-e89b-12d3-a456-426614174000'; '123e4567'||''
          {'format': 'uri'}; 'http://a.b/c?d#e'||'urn:x:y'||'mailto:a@b.c'; '/a'||'a b'||'http://a b'
          {'format': 'uri-reference'}; '/a'||'../b#c'||'http://a'||''; 'a b'||'http://[::'
          {'format': 'json-pointer'}; ''||'/a/0'||'/~0~1'; 'a'||'/~2'
          {'items': {'type': 'integer'}}; []||[1]||[1, 2]||'a'; ['a']||[1, 'a']||[1,]||[,]
          {'prefixItems': [{'const': 1}], 'items': false}; []||[1]; [2]||[1, 1]
          {'items': [{'const': 1}], 'additionalItems': {'const': 2}}; [1]||[1, 2, 2]; [1, 1]
          {'minItems': 1, 'maxItems': 2}; [1]||[1, 2]; []||[1, 2, 3]
          {'contains': {'const': 1}}; [1]||[2, 1]||[1, 1]; []||[2]||[2, 2]
          {'contains': {'const': 1}, 'maxItems': 2}; [2, 1]; [2, 2]||[2, 2, 1]
          {'uniqueItems': true, 'items': {'type': 'string'}}; []||['a', 'b']||['a', 'ab', '']; ['a', 'a']||['a', 'b', '\\u0061']
          {'uniqueItems': true, 'items': {'type': ['number', 'null']}}; [1, 2, null]||[10, 1]; [1, 1.0]||[null, null]
          {'uniqueItems': true, 'items': {'enum': [1, 2]}, 'minItems': 2}; [1, 2]||[2, 1]; [1, 1]||[1]||[1, 2, 1]
          {'items': {'uniqueItems': true, 'items': {'type': 'string'}}}; [['a'], ['a', 'b']]; [['a'], ['b', 'b']]
          {'properties': {'a': {'const': 1}}}; {}||{'a': 1}||{'b': 2, 'a': 1}||{'aa': 2}; {'a': 2}
          {'properties': {'a': true, 'b': true}}; {'a': 1, 'b': 2}||{'b': 2, 'a': 1}; {'a': 1, 'a': 1}
          {'properties': {'a': false}}; {}||{'b': 1}; {'a': 1}
          {'required': ['a', 'b'], 'type': 'object'}; {'b': 1, 'c': 2, 'a': 3}; {}||{'a': 1}||{'b': 1}
          {'properties': {'a': true}, 'additionalProperties': false}; {}||{'a': 1}||{'\\u0061': 1}; {'b': 1}
          {'properties': {'a': true}, 'additionalProperties': {'const': 1}}; {'a': 2, 'b': 1}; {'b': 2}
          {'patternProperties': {'^x': {'const': 1}}}; {'x1': 1, 'y': 2}; {'x': 2}||{'xy': 2}
          {'patternProperties': {'^x': {'minimum': 1}, 'y$': {'maximum': 3}}}; {'xy': 2}; {'xy': 0}||{'xy': 4}
          {'patternProperties': {'^x': true}, 'additionalProperties': false}; {'x': 1}; {'y': 1}
          {'propertyNames': {'maxLength': 2}}; {'ab': 1}; {'abc': 1}
          {'minProperties': 1, 'maxProperties': 2}; {'a': 1}||{'a': 1, 'b': 2}; {}||{'a': 1, 'b': 2, 'c': 3}
          {'maxProperties': 1, 'required': ['a']}; {'a': 1}; {'b': 1}||{}
          {'dependentRequired': {'a': ['b']}}; {}||{'b': 1}||{'a': 1, 'b': 2}||{'b': 2, 'a': 1}; {'a': 1}
          {'dependencies': {'a': {'required': ['b']}}}; {'b': 1}||{'a': 1, 'b': 2}; {'a': 1}
          {'allOf': [{'minimum': 2}, {'maximum': 3}]}; 2||3||'a'; 1||4
          {'anyOf': [{'minLength': 3}, {'const': 'a'}]}; 'a'||'abc'||1; 'b'||'ab'
          {'oneOf': [{'multipleOf': 2}, {'multipleOf': 3}]}; 2||3||4||9; 6||1||'a'
          {'oneOf': [{'required': ['a']}, {'required': ['b']}]}; {'a': 1}||{'b': 1}; {}||{'a': 1, 'b': 1}||[]
          {'not': {'type': 'object'}}; 1||[]||'a'; {}
          {'not': {'required': ['a']}}; {'b': 1}||{}; {'a': 1}||1
          {'not': {'enum': ['ab', 'ac']}}; 'a'||'abc'||1; 'ab'||'ac'
          {'type': 'object', 'not': {'additionalProperties': false, 'properties': {'a': true}}}; {'b': 1}||{'a': 1, 'b': 2}; {}||{'a': 1}
          {'if': {'properties': {'a': {'const': 1}}, 'required': ['a']}, 'then': {'required': ['b']}, 'else': {'required': ['c']}}; {'a': 1, 'b': 2}||{'a': 2, 'c': 1}||{'c': 1}||{'b': 0, 'a': 1}; {'a': 1}||{'a': 1, 'c': 1}||{}
          {'$ref': '#/$defs/a', '$defs': {'a': {'type': 'array', 'items': {'$ref': '#'}}}}; []||[[], [[]]]; 1||[1]
          {'$ref': '#b', '$defs': {'a': {'$anchor': 'b', 'const': 1}}}; 1; 2
          {'$id': 'http://a/b', '$ref': 'c', '$defs': {'a': {'$id': 'c', 'const': 1}}}; 1; 2
          {'allOf': [{'properties': {'a': true}}], 'properties': {'b': true}, 'unevaluatedProperties': false}; {'a': 1, 'b': 1}; {'c': 1}
          """)
  void keywordsAreEnforced(String schema, String valid, String invalid) {
    for (String text : valid.split("\\|\\|")) {
      assertTrue(accepts(schema, text), () -> schema + " refuses " + text);
    }
    for (String text : invalid.split("\\|\\|")) {
      String trimmed = text.trim();
      String refused = trimmed.equals("~") ? "" : trimmed;
      assertTrue(!accepts(schema, refused), () -> schema + " accepts " + refused);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          {'properties': {'a/b': {'format': 'chicken'}}}; the keyword format at #/properties/a~1b
          {'$ref': 'http://elsewhere/x'}; the keyword $ref at #
          {'$ref': '#/nowhere'}; a place in the schema
          {'$ref': '#'}; leads back to itself
          {'allOf': [{'$ref': '#'}]}; leads back to itself
          {'type': 'any'}; names of JSON's types
          {'type': 'string', 'pattern': '('}; the keyword pattern at #
          {'minLength': -1}; at least 0
          {'items': {'unevaluatedItems': false}}; the keyword unevaluatedItems at #/items
          {'multipleOf': 0}; above 0
          {'uniqueItems': true}; the keyword uniqueItems
          {'uniqueItems': true, 'items': {'enum': [1, 2]}, 'minItems': 3, 'type': 'array'}; some value is valid
          {'minLength': 3, 'maxLength': 2, 'type': 'string'}; some value is valid
          {'required': ['a'], 'properties': {'a': {'$ref': '#'}}, 'type': 'object'}; some value is valid
          false; some value is valid
          [1]; an object or a boolean
          {'a': 1; JSON
          """)
  void whatCannotBeEnforcedIsRefusedByName(String schema, String message) {
    String json = schema.replace('\'', '"');
    var e = assertThrows(InvalidRequestException.class, () -> new JsonSchema().compile(json));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void annotationsAndUnknownKeywordsAreAccepted() {
    String schema =
        "{'title': 'a', 'description': 'b', 'default': 1, 'examples': [2], '$comment': 'c',"
            + " 'readOnly': true, 'deprecated': true, 'x-order': 3, 'type': 'null'}";
    assertTrue(accepts(schema, "null"));
  }

  @Test
  void deepNestingNeedsNoStack() {
    int depth = 100_000;
    String schema = "{'type': 'array', 'items': {'$ref': '#'}}";
    assertTrue(accepts(schema, "[".repeat(depth) + "]".repeat(depth)));
    assertEquals(false, accepts(schema, "[".repeat(depth) + "]".repeat(depth - 1)));
  }
}

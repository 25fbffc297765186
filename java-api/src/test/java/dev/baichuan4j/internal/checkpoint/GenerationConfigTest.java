package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.ModelFormatException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationConfigTest {

  private static GenerationConfig parse(String json) {
    return GenerationConfig.parse(utf8(json), "generation_config.json", 64000);
  }

  @Test
  void readsThePublishedChatModels() {
    GenerationConfig config =
        parse(
            "{\"pad_token_id\": 0, \"bos_token_id\": 1, \"eos_token_id\": 2, \"user_token_id\":"
                + " 195, \"assistant_token_id\": 196, \"max_new_tokens\": 2048, \"temperature\":"
                + " 0.3, \"top_k\": 5, \"top_p\": 0.85, \"repetition_penalty\": 1.05,"
                + " \"do_sample\": true, \"transformers_version\": \"4.29.2\"}");
    assertEquals(
        new GenerationConfig(
            OptionalInt.of(195),
            OptionalInt.of(196),
            OptionalInt.of(0),
            OptionalInt.of(1),
            List.of(2),
            OptionalInt.of(2048),
            OptionalDouble.of(0.3),
            OptionalInt.of(5),
            OptionalDouble.of(0.85),
            OptionalDouble.of(1.05),
            Optional.of(true)),
        config);
  }

  @Test
  void absentAndNullValuesAreEmpty() {
    GenerationConfig empty = parse("{}");
    assertEquals(OptionalInt.empty(), empty.userTokenId());
    assertEquals(List.of(), empty.eosTokenIds());
    assertEquals(OptionalDouble.empty(), empty.temperature());
    assertEquals(Optional.empty(), empty.doSample());
    assertEquals(empty, parse("{\"top_k\": null, \"eos_token_id\": null}"));
  }

  @Test
  void readsSeveralEndTokens() {
    assertEquals(List.of(2, 195), parse("{\"eos_token_id\": [2, 195]}").eosTokenIds());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "user_token_id      | 64000 | an integer from 0 to 63999",
        "assistant_token_id | -1    | an integer from 0 to 63999",
        "max_new_tokens     | 0     | an integer from 1 to 2147483647",
        "top_k              | -1    | an integer from 0 to 2147483647",
        "top_k              | 2.5   | an integer from 0 to 2147483647",
        "temperature        | -0.1  | a number of at least 0",
        "temperature        | 1e999 | a finite number",
        "temperature        | \"hot\" | a finite number",
        "top_p              | 0     | a number greater than 0 and at most 1",
        "top_p              | 1.1   | a number greater than 0 and at most 1",
        "repetition_penalty | 0     | a number greater than 0",
        "do_sample          | 1     | true or false"
      })
  void rejectsValuesOutOfRange(String key, String value, String expected) {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> parse("{\"" + key + "\": " + value + "}"));
    assertEquals(
        "generation_config.json: " + key + " has " + value + ", expected " + expected,
        e.getMessage());
  }

  @Test
  void rejectsEndTokensThatAreNoIds() {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> parse("{\"eos_token_id\": [2, null]}"));
    assertEquals(
        "generation_config.json: eos_token_id has a list, expected an integer from 0 to 63999, or a"
            + " list of them",
        e.getMessage());
  }
}

package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
            Optional.of(true),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalInt.empty(),
            List.of(),
            List.of(),
            OptionalInt.empty(),
            OptionalDouble.empty()),
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
        "do_sample          | 1     | true or false",
        "min_p              | 1.1   | a number from 0 to 1",
        "typical_p          | 0     | a number greater than 0 and at most 1",
        "min_new_tokens     | -1    | an integer from 0 to 2147483647",
        "num_beams          | 0     | an integer from 1 to 64",
        "suppress_tokens    | 64000 | an integer from 0 to 63999, or a list of them",
        "no_repeat_ngram_size | 3   | 0.0 or none, because it is not supported",
        "early_stopping     | true  | none, because it is not supported",
        "penalty_alpha      | 0.6   | 0.0 or none, because it is not supported"
      })
  void rejectsValuesOutOfRange(String key, String value, String expected) {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> parse("{\"" + key + "\": " + value + "}"));
    assertEquals(
        "generation_config.json: " + key + " has " + value + ", expected " + expected,
        e.getMessage());
  }

  @Test
  void takesWhatChangesNothing() {
    assertEquals(
        parse("{}"),
        parse(
            "{\"no_repeat_ngram_size\": 0, \"diversity_penalty\": 0.0, \"early_stopping\": false,"
                + " \"num_return_sequences\": 1, \"forced_eos_token_id\": null,"
                + " \"sequence_bias\": {}, \"begin_suppress_tokens\": []}"));
  }

  @Test
  void bansTokensThatAreWordsByThemselves() {
    String json = "{\"bad_words_ids\": [[5], [6]], \"suppress_tokens\": [7]}";
    assertEquals(List.of(7, 5, 6), parse(json).bannedTokens());
    for (String wrong : List.of("[[5, 6]]", "[5]", "[[]]", "[[-1]]", "5")) {
      assertThrows(
          ModelFormatException.class, () -> parse("{\"bad_words_ids\": " + wrong + "}"), wrong);
    }
  }

  @Test
  void rejectsBeamsThatDraw() {
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class, () -> parse("{\"num_beams\": 4, \"do_sample\": true}"));
    assertTrue(e.getMessage().contains("num_beams has 4"), e.getMessage());
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

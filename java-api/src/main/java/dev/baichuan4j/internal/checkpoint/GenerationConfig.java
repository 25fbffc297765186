package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * How the publisher of a model wants it to be asked, as its {@code generation_config.json} says.
 * Chat models have the role ids; base models may lack the file or most of its keys.
 *
 * @param userTokenId {@code user_token_id}, which opens a user's message
 * @param assistantTokenId {@code assistant_token_id}, which opens an answer
 * @param padTokenId {@code pad_token_id}
 * @param bosTokenId {@code bos_token_id}
 * @param eosTokenIds {@code eos_token_id}, one or several; empty where absent
 * @param maxNewTokens {@code max_new_tokens}
 * @param temperature {@code temperature}, at least 0
 * @param topK {@code top_k}; 0 means all tokens
 * @param topP {@code top_p}, in (0,1]
 * @param repetitionPenalty {@code repetition_penalty}, greater than 0; 1 means none
 * @param doSample {@code do_sample}; false means greedy
 */
public record GenerationConfig(
    OptionalInt userTokenId,
    OptionalInt assistantTokenId,
    OptionalInt padTokenId,
    OptionalInt bosTokenId,
    List<Integer> eosTokenIds,
    OptionalInt maxNewTokens,
    OptionalDouble temperature,
    OptionalInt topK,
    OptionalDouble topP,
    OptionalDouble repetitionPenalty,
    Optional<Boolean> doSample) {

  private static final IntRange MAX_NEW_TOKENS =
      new IntRange("max_new_tokens", 1, Integer.MAX_VALUE);
  private static final IntRange TOP_K = new IntRange("top_k", 0, Integer.MAX_VALUE);

  /** Keeps its own copy of the list. */
  public GenerationConfig {
    eosTokenIds = List.copyOf(eosTokenIds);
  }

  /** Bytes of the file; published ones have about 300. */
  private static final int MAX_BYTES = 1 << 20;

  /**
   * Reads {@code generation_config.json}.
   *
   * @param vocabularySize V: token ids are less
   * @throws ModelFormatException if the file cannot be read or a value is out of range
   */
  public static GenerationConfig read(Path file, int vocabularySize) {
    return of(JsonObject.read(file, MAX_BYTES), vocabularySize);
  }

  /**
   * Reads the content of a {@code generation_config.json}.
   *
   * @param json the file's bytes, UTF-8
   * @param file the file's name, for messages
   * @param vocabularySize V: token ids are less
   * @throws ModelFormatException as {@link #read}
   */
  public static GenerationConfig parse(byte[] json, String file, int vocabularySize) {
    return of(JsonObject.parse(json, file), vocabularySize);
  }

  private static GenerationConfig of(JsonObject json, int vocabularySize) {
    int last = vocabularySize - 1;
    return new GenerationConfig(
        json.optionalInteger(new IntRange("user_token_id", 0, last)),
        json.optionalInteger(new IntRange("assistant_token_id", 0, last)),
        json.optionalInteger(new IntRange("pad_token_id", 0, last)),
        json.optionalInteger(new IntRange("bos_token_id", 0, last)),
        json.integers(new IntRange("eos_token_id", 0, last)),
        json.optionalInteger(MAX_NEW_TOKENS),
        number(json, "temperature", 0, Double.MAX_VALUE, "a number of at least 0"),
        json.optionalInteger(TOP_K),
        number(json, "top_p", Double.MIN_VALUE, 1, "a number greater than 0 and at most 1"),
        number(
            json,
            "repetition_penalty",
            Double.MIN_VALUE,
            Double.MAX_VALUE,
            "a number greater than 0"),
        json.optionalBoolean("do_sample"));
  }

  private static OptionalDouble number(
      JsonObject json, String key, double min, double max, String expected) {
    Optional<Double> number = json.optionalNumber(key);
    if (number.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (number.get() < min || number.get() > max) {
      throw json.wrong(key, expected);
    }
    return OptionalDouble.of(number.get());
  }
}

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
 * @param minP {@code min_p}, in [0,1]
 * @param typicalP {@code typical_p}, in (0,1]
 * @param minNewTokens {@code min_new_tokens}
 * @param bannedTokens {@code suppress_tokens}, and {@code bad_words_ids} of one token each
 * @param stopStrings {@code stop_strings}
 * @param numBeams {@code num_beams}; 1 means no beam search
 * @param lengthPenalty {@code length_penalty} of a beam search
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
    Optional<Boolean> doSample,
    OptionalDouble minP,
    OptionalDouble typicalP,
    OptionalInt minNewTokens,
    List<Integer> bannedTokens,
    List<String> stopStrings,
    OptionalInt numBeams,
    OptionalDouble lengthPenalty) {

  /** The name of the file. */
  static final String FILE_NAME = "generation_config.json";

  private static final IntRange MAX_NEW_TOKENS =
      new IntRange("max_new_tokens", 1, Integer.MAX_VALUE);
  private static final IntRange TOP_K = new IntRange("top_k", 0, Integer.MAX_VALUE);

  private static final IntRange MIN_NEW_TOKENS =
      new IntRange("min_new_tokens", 0, Integer.MAX_VALUE);
  private static final IntRange NUM_BEAMS = new IntRange("num_beams", 1, 64);

  /** Numbers of transformers that change a text and are not honoured, with what changes nothing. */
  private static final Map<String, Double> UNCHANGED =
      Map.of(
          "no_repeat_ngram_size", 0.0,
          "encoder_no_repeat_ngram_size", 0.0,
          "encoder_repetition_penalty", 1.0,
          "diversity_penalty", 0.0,
          "num_beam_groups", 1.0,
          "num_return_sequences", 1.0,
          "penalty_alpha", 0.0,
          "epsilon_cutoff", 0.0,
          "eta_cutoff", 0.0,
          "min_length", 0.0);

  /** The same of other types: absent, null, false or empty they change nothing. */
  private static final List<String> OFF =
      List.of(
          "early_stopping",
          "force_words_ids",
          "constraints",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "begin_suppress_tokens",
          "sequence_bias",
          "exponential_decay_length_penalty",
          "watermarking_config");

  /** Keeps its own copies of the lists. */
  public GenerationConfig {
    eosTokenIds = List.copyOf(eosTokenIds);
    bannedTokens = List.copyOf(bannedTokens);
    stopStrings = List.copyOf(stopStrings);
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
   * Reads that of a model, if it has one.
   *
   * @throws ModelFormatException as {@link #read}
   */
  static Optional<GenerationConfig> find(NamedFiles model, int vocabularySize) {
    return model.has(FILE_NAME)
        ? Optional.of(of(JsonObject.read(model, FILE_NAME, MAX_BYTES), vocabularySize))
        : Optional.empty();
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
    refuseWhatIsNotHonoured(json);
    int last = vocabularySize - 1;
    OptionalInt beams = json.optionalInteger(NUM_BEAMS);
    Optional<Boolean> doSample = json.optionalBoolean("do_sample");
    if (beams.orElse(1) > 1 && doSample.orElse(false)) {
      throw json.wrong("num_beams", "1 beside do_sample true, because a beam search does not draw");
    }
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
        doSample,
        number(json, "min_p", 0, 1, "a number from 0 to 1"),
        number(json, "typical_p", Double.MIN_VALUE, 1, "a number greater than 0 and at most 1"),
        json.optionalInteger(MIN_NEW_TOKENS),
        bannedTokens(json, last),
        stopStrings(json),
        beams,
        number(json, "length_penalty", -Double.MAX_VALUE, Double.MAX_VALUE, "a finite number"));
  }

  private static void refuseWhatIsNotHonoured(JsonObject json) {
    UNCHANGED.forEach(
        (key, unchanged) -> {
          if (json.optionalNumber(key).orElse(unchanged).doubleValue() != unchanged) {
            throw json.wrong(key, unchanged + " or none, because it is not supported");
          }
        });
    for (String key : OFF) {
      if (!json.isOff(key)) {
        throw json.wrong(key, "none, because it is not supported");
      }
    }
  }

  private static List<Integer> bannedTokens(JsonObject json, int last) {
    List<Integer> ids = new ArrayList<>(json.integers(new IntRange("suppress_tokens", 0, last)));
    for (List<Integer> word : json.integerLists(new IntRange("bad_words_ids", 0, last))) {
      if (word.size() != 1) {
        throw json.wrong("bad_words_ids", "lists of one token each");
      }
      ids.add(word.get(0));
    }
    return ids;
  }

  private static List<String> stopStrings(JsonObject json) {
    List<String> strings = json.strings("stop_strings");
    if (strings.contains("")) {
      throw json.wrong("stop_strings", "strings that are not empty");
    }
    return strings;
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

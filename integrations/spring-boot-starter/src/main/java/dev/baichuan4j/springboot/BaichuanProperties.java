package dev.baichuan4j.springboot;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.KvType;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.Quant;
import dev.baichuan4j.springai.BaichuanChatOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

/**
 * Properties of {@code baichuan4j}. Where one is not set, what the library or the publisher of the
 * model advises holds.
 *
 * @param model Folder of the checkpoint. Without it there are no beans.
 * @param name Name of the model in responses; the folder's name by default.
 * @param device Where to run: auto, cpu or cuda:N.
 * @param weights How matrices are held: bf16, int8, int4, int3, int2 or stored; as the checkpoint
 *     has them by default.
 * @param threads CPU threads; one per physical core by default.
 * @param contextLength Most tokens of a text, prompt included.
 * @param maxConcurrent Most texts that are written at once; more wait.
 * @param maxQueued Most requests that wait; one more is refused.
 * @param cacheType How keys and values are held: bf16, int8 or f32.
 * @param cacheSize Size of the key-value cache.
 * @param draftModel Folder of a smaller model of the same vocabulary that guesses tokens ahead.
 * @param chat Options of prompts that do not set them.
 * @param embedding How vectors are made.
 */
@ConfigurationProperties("baichuan4j")
public record BaichuanProperties(
    Path model,
    String name,
    String device,
    Quant weights,
    Integer threads,
    Integer contextLength,
    Integer maxConcurrent,
    Integer maxQueued,
    KvType cacheType,
    DataSize cacheSize,
    Path draftModel,
    Chat chat,
    Embedding embedding) {

  /**
   * Options of prompts that do not set them.
   *
   * @param temperature Randomness of the draw; 0 takes the likeliest token.
   * @param topK Likeliest tokens that a draw is among; 0 for all.
   * @param topP Probability of the likeliest tokens that a draw is among.
   * @param minP Least probability of a token over that of the likeliest.
   * @param repetitionPenalty Penalty of tokens that were there before; 1 for none.
   * @param frequencyPenalty Penalty of a token for each time it was generated, -2 to 2.
   * @param presencePenalty Penalty of a token that was generated, -2 to 2.
   * @param maxTokens Most tokens of an answer.
   * @param stopSequences Texts that end an answer.
   * @param seed Seed of the draws.
   */
  public record Chat(
      Double temperature,
      Integer topK,
      Double topP,
      Double minP,
      Double repetitionPenalty,
      Double frequencyPenalty,
      Double presencePenalty,
      Integer maxTokens,
      List<String> stopSequences,
      Long seed) {
    BaichuanChatOptions options() {
      return BaichuanChatOptions.builder()
          .temperature(temperature)
          .topK(topK)
          .topP(topP)
          .minP(minP)
          .repetitionPenalty(repetitionPenalty)
          .frequencyPenalty(frequencyPenalty)
          .presencePenalty(presencePenalty)
          .maxTokens(maxTokens)
          .stopSequences(stopSequences)
          .seed(seed)
          .build();
    }
  }

  /**
   * How vectors are made.
   *
   * @param pooling Which hidden states a vector is made of: mean or last.
   */
  public record Embedding(Pooling pooling) {}

  /** Returns the name of the model in responses. */
  String modelName() {
    return name != null ? name : model.toAbsolutePath().normalize().getFileName().toString();
  }

  /** Returns the options of prompts that do not set them. */
  BaichuanChatOptions chatOptions() {
    return chat == null ? BaichuanChatOptions.builder().build() : chat.options();
  }

  /** Returns which hidden states a vector is made of. */
  Pooling pooling() {
    return embedding == null || embedding.pooling == null ? Pooling.MEAN : embedding.pooling;
  }

  /** Returns the loader with what is set. */
  BaichuanLoader configure(BaichuanLoader loader) {
    set(device, text -> loader.device(Device.parse(text)));
    set(weights, loader::weights);
    set(threads, loader::threads);
    set(contextLength, loader::contextLength);
    set(maxConcurrent, loader::maxConcurrent);
    set(maxQueued, loader::maxQueued);
    set(cacheType, loader::cacheType);
    set(cacheSize, size -> loader.cacheBytes(size.toBytes()));
    set(draftModel, loader::draftModel);
    return loader;
  }

  private static <T> void set(T value, Consumer<T> setter) {
    if (value != null) {
      setter.accept(value);
    }
  }
}

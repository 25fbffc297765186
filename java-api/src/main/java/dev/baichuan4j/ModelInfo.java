package dev.baichuan4j;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a loaded model is and what it takes; see {@link Baichuan#info()}.
 *
 * @param shape sizes of the model
 * @param chatRoles the ids that open messages, for a chat model of Baichuan's own format; empty for
 *     others
 * @param promptFormat how conversations are put to it; empty for a base model
 * @param toolForm how it is told of tools and writes calls of them
 * @param endIds ids that end a text, at least one
 * @param contextLength most tokens of a text, prompt included
 * @param maxNewTokens most tokens of an answer where {@link GenerationOptions#maxNewTokens()} does
 *     not say: what the checkpoint advises
 * @param device where the model runs
 * @param threads CPU threads that it computes with
 * @param weights how the matrices are held
 * @param cacheType how keys and values are held
 * @param memory memory that it takes of its device
 * @param traffic memory that a generated token has to read
 * @param quantizationErrors relative error (norm of the difference over norm) of each matrix that
 *     was quantized at the load, by name, in the order of the layers; empty for other weights
 */
public record ModelInfo(
    ModelShape shape,
    Optional<ChatRoles> chatRoles,
    Optional<PromptFormat> promptFormat,
    ToolForm toolForm,
    List<Integer> endIds,
    int contextLength,
    int maxNewTokens,
    Device device,
    int threads,
    Quant weights,
    KvType cacheType,
    MemoryPlan memory,
    Traffic traffic,
    Map<String, Double> quantizationErrors) {

  /**
   * The ids that open messages.
   *
   * @param user opens a message of the user
   * @param assistant opens an answer of the model
   */
  public record ChatRoles(int user, int assistant) {}

  /**
   * Bytes that a step which generates one token reads.
   *
   * @param weights the weights
   * @param position the keys and values of one position, all layers together; a step reads those of
   *     each position that is in the cache
   */
  public record Traffic(long weights, long position) {}

  /**
   * Copies the collections.
   *
   * @throws NullPointerException if a component is null
   */
  public ModelInfo {
    Objects.requireNonNull(shape, "shape");
    Objects.requireNonNull(chatRoles, "chatRoles");
    Objects.requireNonNull(promptFormat, "promptFormat");
    Objects.requireNonNull(toolForm, "toolForm");
    endIds = List.copyOf(Objects.requireNonNull(endIds, "endIds"));
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(weights, "weights");
    Objects.requireNonNull(cacheType, "cacheType");
    Objects.requireNonNull(memory, "memory");
    Objects.requireNonNull(traffic, "traffic");
    quantizationErrors =
        Collections.unmodifiableMap(
            new LinkedHashMap<>(Objects.requireNonNull(quantizationErrors, "quantizationErrors")));
  }

  /** Returns whether the model can be asked by {@link Baichuan#chat(String)}. */
  public boolean canChat() {
    return promptFormat.isPresent();
  }
}

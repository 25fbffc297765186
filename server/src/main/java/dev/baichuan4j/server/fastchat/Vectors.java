package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Embeddings;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Texts as vectors of length 1: the mean of the hidden states of all tokens. A text that is longer
 * than the context is read in parts, or cut.
 */
final class Vectors {
  private final Baichuan model;
  private final boolean truncates;

  /**
   * @param truncates whether a text that is too long is cut
   */
  Vectors(Baichuan model, boolean truncates) {
    this.model = model;
    this.truncates = truncates;
  }

  /**
   * Returns the answer to a request for vectors; waits until they are computed.
   *
   * @param caller who asks
   */
  ObjectNode answer(Parameters parameters, String caller) {
    List<String> texts = parameters.texts("input");
    if (texts.isEmpty()) {
      throw Parameters.outOfRange("input", "no text", "at least one");
    }
    boolean base64 = isBase64(parameters);
    List<int[]> ids = new ArrayList<>();
    for (String text : texts) {
      ids.add(encode("input[" + ids.size() + "]", text));
    }
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    ArrayNode vectors = answer.putArray("embedding");
    for (float[] vector : of(ids, model.embeddings().withCaller(caller))) {
      if (base64) {
        vectors.add(Base64.getEncoder().encodeToString(bytes(vector)));
      } else {
        ArrayNode numbers = vectors.addArray();
        for (float number : vector) {
          numbers.add(number);
        }
      }
    }
    return answer.put("token_num", ids.stream().mapToInt(one -> one.length).sum());
  }

  private static boolean isBase64(Parameters parameters) {
    if (parameters.value("encoding_format").isEmpty()) {
      return false;
    }
    String format = parameters.text("encoding_format");
    return switch (format) {
      case "base64" -> true;
      case "float" -> false;
      default -> throw Parameters.outOfRange("encoding_format", format, "float or base64");
    };
  }

  private int[] encode(String name, String text) {
    int[] ids = model.tokenizer().encode(text);
    if (ids.length == 0) {
      throw Parameters.outOfRange(name, "no token", "at least one");
    }
    int[] whole = model.tokenizer().asWholeText(ids);
    return truncates && whole.length > contextLength()
        ? Arrays.copyOf(whole, contextLength())
        : whole;
  }

  private int contextLength() {
    return model.info().contextLength();
  }

  private List<float[]> of(List<int[]> texts, Embeddings embeddings) {
    if (texts.stream().allMatch(ids -> ids.length <= contextLength())) {
      return embeddings.ofIds(texts);
    }
    Embeddings means = embeddings.withNormalized(false);
    return texts.stream().map(ids -> mean(parts(ids), means)).toList();
  }

  private List<int[]> parts(int[] ids) {
    List<int[]> parts = new ArrayList<>();
    for (int from = 0; from < ids.length; from += contextLength()) {
      parts.add(Arrays.copyOfRange(ids, from, Math.min(ids.length, from + contextLength())));
    }
    return parts;
  }

  /** The mean over the tokens of all parts, with length 1. */
  private static float[] mean(List<int[]> parts, Embeddings embeddings) {
    List<float[]> means = embeddings.ofIds(parts);
    double[] sum = new double[means.get(0).length];
    for (int part = 0; part < means.size(); part++) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += (double) means.get(part)[i] * parts.get(part).length;
      }
    }
    double length = Math.sqrt(Arrays.stream(sum).map(x -> x * x).sum());
    float[] vector = new float[sum.length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (sum[i] / length);
    }
    return vector;
  }

  /** The floats as NumPy has them in memory. */
  private static byte[] bytes(float[] vector) {
    ByteBuffer bytes =
        ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return bytes.array();
  }
}

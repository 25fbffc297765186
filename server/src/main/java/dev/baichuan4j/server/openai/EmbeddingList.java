package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.server.Caller;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;

/** {@code POST /v1/embeddings}. */
final class EmbeddingList {
  private static final String INPUT = "input";
  private static final int MOST_INPUTS = 2048; // as OpenAI

  static final Shape SHAPE =
      Call.model()
          .any(
              INPUT, CompletionRequest.Prompt.SCHEMA, "A text, token ids, or a list of up to 2048.")
          .required()
          .choice(
              "encoding_format",
              List.of("float", "base64"),
              "Numbers, or the base64 of 32-bit floats, the lowest byte first.")
          .integer("dimensions", 1, 1_000_000, "The size that the model has, and no other.")
          .unused("user", "A name of the end user");

  private EmbeddingList() {}

  static void handle(Call call) {
    Fields fields = call.read(SHAPE);
    List<CompletionRequest.Prompt> inputs = CompletionRequest.Prompt.list(fields, INPUT);
    if (inputs.size() > MOST_INPUTS) {
      throw fields.invalid(INPUT, inputs.size() + " texts", "at most " + MOST_INPUTS);
    }
    call.requireShort(CompletionRequest.Prompt.length(inputs), INPUT);
    boolean base64 = fields.text("encoding_format").orElse("float").equals("base64");
    OptionalInt dimensions = fields.integer("dimensions");
    call.withModel(
        fields,
        INPUT,
        use -> {
          int size = use.model().info().shape().hiddenSize();
          if (dimensions.orElse(size) != size) {
            throw fields.invalid(
                "dimensions",
                dimensions.getAsInt() + "",
                size + ": a part of its vectors would not be compared as the whole is");
          }
          Embeddings all = use.model().embeddings();
          Embeddings embeddings =
              use.adapter()
                  .map(all::withAdapter)
                  .orElse(all)
                  .withCaller(Caller.of(call.context()).key())
                  .withTimeout(call.limits().requestTimeout());
          WaitingWork.answer(
              call, use, INPUT, () -> answer(use.model(), use.name(), embeddings, inputs, base64));
        });
  }

  private static JsonNode answer(
      Baichuan model,
      String name,
      Embeddings embeddings,
      List<CompletionRequest.Prompt> inputs,
      boolean base64) {
    long tokens = 0;
    List<int[]> ids = new ArrayList<>();
    Tokenizer tokenizer = model.tokenizer();
    for (CompletionRequest.Prompt input : inputs) {
      ids.add(
          input.text() == null
              ? input.ids()
              : tokenizer.asWholeText(tokenizer.encode(input.text())));
      tokens += ids.get(ids.size() - 1).length;
    }
    List<float[]> vectors = embeddings.ofIds(ids);
    ObjectNode answer = Json.object().put("object", "list");
    ArrayNode data = answer.putArray("data");
    for (int i = 0; i < vectors.size(); i++) {
      ObjectNode one = data.addObject().put("object", "embedding").put("index", i);
      if (base64) {
        one.put("embedding", base64(vectors.get(i)));
      } else {
        ArrayNode numbers = one.putArray("embedding");
        for (float value : vectors.get(i)) {
          numbers.add(value);
        }
      }
    }
    answer.put("model", name);
    answer.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
    return answer;
  }

  private static String base64(float[] vector) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * vector.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }
}

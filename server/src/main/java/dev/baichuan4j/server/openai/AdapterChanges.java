package dev.baichuan4j.server.openai;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.server.Adapters;
import dev.baichuan4j.server.ApiException;

/**
 * {@code POST /v1/load_lora_adapter} and {@code POST /v1/unload_lora_adapter}, as vLLM has them,
 * where a server lets clients change its adapters.
 */
final class AdapterChanges {
  private static final String NAME = "lora_name";
  private static final String PATH = "lora_path";

  static final Shape LOAD =
      Shape.object()
          .text(NAME, "By which requests choose it, as the model \"adapter:\" and this.")
          .required()
          .text(PATH, "The adapter's folder, from the server's folder of adapters.")
          .required()
          .unused("lora_int_id", "A number that vLLM gives to an adapter");

  static final Shape UNLOAD =
      Shape.object()
          .text(NAME, "The name that it was loaded with.")
          .required()
          .unused("lora_int_id", "A number that vLLM gives to an adapter");

  private AdapterChanges() {}

  static void load(Call call, Adapters adapters) {
    Fields fields = call.read(LOAD);
    String name = fields.requiredText(NAME);
    String path = fields.requiredText(PATH);
    call.tell(fields.ignored());
    try {
      adapters.load(name, path);
    } catch (InvalidRequestException e) {
      throw ApiException.invalid(e.parameter().equals("adapter") ? NAME : PATH, e.getMessage());
    } catch (ModelFormatException e) {
      // The server's paths are its own.
      throw ApiException.invalid(
          PATH, e.subject() + " has " + e.found() + ", expected " + e.expected());
    }
    answer(call, name, "loaded");
  }

  static void unload(Call call, Adapters adapters) {
    Fields fields = call.read(UNLOAD);
    String name = fields.requiredText(NAME);
    call.tell(fields.ignored());
    adapters.unload(name);
    answer(call, name, "unloaded");
  }

  private static void answer(Call call, String name, String status) {
    JsonBody.send(
        call.context(),
        Json.object()
            .put("id", Adapters.PREFIX + name)
            .put("object", "adapter")
            .put("status", status));
  }
}

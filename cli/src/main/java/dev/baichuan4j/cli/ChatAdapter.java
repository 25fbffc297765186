package dev.baichuan4j.cli;

import dev.baichuan4j.AdapterInfo;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The adapter that a conversation is answered with. */
final class ChatAdapter {
  private final Baichuan model;
  private Optional<String> chosen;

  ChatAdapter(Baichuan model, Optional<String> chosen) {
    this.model = model;
    this.chosen = chosen;
  }

  private List<String> names() {
    return model.adapters().stream().map(AdapterInfo::name).toList();
  }

  /** The names, the chosen one marked. */
  String list() {
    String all =
        names().stream()
            .map(name -> (chosen.equals(Optional.of(name)) ? "* " : "  ") + name)
            .collect(Collectors.joining("\n"));
    return all.isEmpty() ? "no adapters; --lora loads them" : all;
  }

  /**
   * Takes another adapter, or none.
   *
   * @return what to tell
   * @throws InvalidRequestException when it is not loaded
   */
  String choose(String name) {
    if (name.equals(LoraOptions.NONE)) {
      chosen = Optional.empty();
      return "answers come from the model itself";
    }
    if (!names().contains(name)) {
      throw new InvalidRequestException(
          "/adapter",
          name,
          names().isEmpty() ? "a --lora" : "one of " + String.join(", ", names()));
    }
    chosen = Optional.of(name);
    return "answers come with the adapter " + name;
  }

  GenerationOptions applied(GenerationOptions options) {
    return chosen.map(options::withAdapter).orElse(options);
  }
}

package dev.baichuan4j.chat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.tokenizer.SpecialTokens;
import dev.baichuan4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against prompts that the published Python builders made with the published tokenizers. */
class ChatTemplateGoldenTest {

  private static final int USER = 195;
  private static final int MODEL = 196;
  private static final int END = 2;

  @ParameterizedTest
  @CsvSource({
    "baichuan1, golden_chat_new.json",
    "baichuan1, golden_chat_old.json",
    "baichuan2, golden_chat_new.json"
  })
  void givesTheIdsOfThePublishedBuilder(String folder, String golden) throws IOException {
    Path files = shared().resolve("tokenizers").resolve(folder);
    assumeTrue(Files.isDirectory(files), () -> "no published tokenizer in " + files);
    Tokenizer tokenizer = Tokenizer.load(files);
    Function<String, int[]> encode = text -> tokenizer.encode(text, SpecialTokens.PARSED);
    PromptFormat format = golden.endsWith("_old.json") ? PromptFormat.OLDER : PromptFormat.CURRENT;
    JsonNode cases = new ObjectMapper().readTree(files.resolve(golden).toFile());
    assertTrue(cases.size() > 0);
    for (JsonNode conversation : cases) {
      List<ChatMessage> messages = new ArrayList<>();
      for (JsonNode message : conversation.get("messages")) {
        Role role = Role.valueOf(message.get("role").asText().toUpperCase(Locale.ROOT));
        messages.add(new ChatMessage(role, message.get("content").asText()));
      }
      int context = conversation.get("model_max_length").asInt();
      int newTokens = conversation.get("max_new_tokens").asInt();
      ChatTemplate template = new ChatTemplate(format, encode, USER, MODEL, END, context);
      if (conversation.has("error")) {
        assertEquals("role not supported", conversation.get("error").asText());
        assertThrows(InvalidRequestException.class, () -> template.published(messages, newTokens));
        continue;
      }
      ChatPrompt prompt = template.published(messages, newTokens);
      int[] expected = new ObjectMapper().convertValue(conversation.get("ids"), int[].class);
      assertArrayEquals(expected, prompt.ids(), () -> messages + ", context " + context);
    }
  }

  private static Path shared() {
    return Optional.ofNullable(System.getProperty("baichuan4j.shared"))
        .or(() -> Optional.ofNullable(System.getenv("BAICHUAN_SHARED")))
        .map(Path::of)
        .orElse(Path.of("..", "..", "shared"));
  }
}

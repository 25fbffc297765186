package dev.baichuan4j.internal.chat;

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
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
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

/** Against prompts that the published Python builders make. */
class ChatTemplateGoldenTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int USER = 195;
  private static final int MODEL = 196;
  private static final int END = 2;

  /** Prompts that the publisher's code makes, and the tokenizers that are part of the project. */
  @ParameterizedTest
  @CsvSource({
    "baichuan1-kind, current",
    "baichuan1-kind, older",
    "baichuan2-kind, current",
    "tiny-baichuan-7b, current",
    "tiny-baichuan-7b, older",
    "tiny-baichuan2-13b-chat, current"
  })
  void givesTheIdsOfThePublishedBuilder(String name, String builder) throws IOException {
    Path root = Path.of(System.getProperty("baichuan4j.root", ".."));
    Path fixtures = root.resolve("src/test/fixtures/tokenizers");
    Path models = name.startsWith("tiny-") ? root.resolve("models") : fixtures;
    Tokenizer tokenizer = Tokenizer.load(models.resolve(name));
    JsonNode cases = JSON.readTree(fixtures.resolve(name + ".chat.json").toFile());
    assertEquals(75, cases.size());
    for (JsonNode conversation : cases) {
      holds(tokenizer, conversation, conversation.path(builder), builder);
    }
  }

  /** The same with the published tokenizers, where somebody has them: skipped elsewhere. */
  @ParameterizedTest
  @CsvSource({
    "baichuan1, current, golden_chat_new.json",
    "baichuan1, older, golden_chat_old.json",
    "baichuan2, current, golden_chat_new.json"
  })
  void givesThemWithThePublishedTokenizers(String folder, String builder, String golden)
      throws IOException {
    Path files = shared().resolve("tokenizers").resolve(folder);
    assumeTrue(Files.isDirectory(files), () -> "no published tokenizer in " + files);
    Tokenizer tokenizer = Tokenizer.load(files);
    JsonNode cases = JSON.readTree(files.resolve(golden).toFile());
    assertTrue(cases.size() > 0);
    for (JsonNode conversation : cases) {
      holds(tokenizer, conversation, conversation.path("ids"), builder);
    }
  }

  /**
   * @param ids what the published builder gives; none for what is to be refused: a role that it
   *     does not support, a conversation of which it would drop the beginning
   */
  private static void holds(
      Tokenizer tokenizer, JsonNode conversation, JsonNode ids, String builder) {
    Function<String, int[]> encode = text -> tokenizer.encode(text, SpecialTokens.PARSED);
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : conversation.get("messages")) {
      Role role = Role.valueOf(message.get("role").asText().toUpperCase(Locale.ROOT));
      messages.add(new ChatMessage(role, message.get("content").asText()));
    }
    int context = conversation.get("model_max_length").asInt();
    int newTokens = conversation.get("max_new_tokens").asInt();
    PromptFormat format = PromptFormat.valueOf(builder.toUpperCase(Locale.ROOT));
    ChatTemplate template = new ChatTemplate(format, encode, USER, MODEL, END, context);
    if (!ids.isArray()) {
      assertThrows(InvalidRequestException.class, () -> template.published(messages, newTokens));
      return;
    }
    int[] expected = JSON.convertValue(ids, int[].class);
    assertArrayEquals(
        expected,
        template.published(messages, newTokens).ids(),
        () -> messages + ", context " + context + ", new tokens " + newTokens);
  }

  private static Path shared() {
    return Optional.ofNullable(System.getProperty("baichuan4j.shared"))
        .or(() -> Optional.ofNullable(System.getenv("BAICHUAN_SHARED")))
        .map(Path::of)
        .orElse(Path.of("..", "..", "shared"));
  }
}

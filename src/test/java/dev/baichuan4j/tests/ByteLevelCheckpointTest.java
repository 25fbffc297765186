package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Device;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Relatives whose folders have a tokenizer.json take texts and write them, under constraints too.
 */
class ByteLevelCheckpointTest {
  private static final String SCHEMA =
      "{\"type\": \"object\", \"properties\": {\"名\": {\"type\": \"string\", \"maxLength\": 8},"
          + " \"n\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 99}},"
          + " \"required\": [\"名\", \"n\"], \"additionalProperties\": false}";

  @TempDir Path folder;

  private Path withTokenizer(String model) throws IOException {
    for (Path source :
        new Path[] {Fixtures.fixture(model), Fixtures.fixture("tokenizers/micro-kind")}) {
      try (Stream<Path> files = Files.list(source)) {
        for (Path file : files.toList()) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
    // The ids of <|endoftext|> and <|im_end|>; config.json has that of a letter.
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [312, 314]}");
    return folder;
  }

  @ParameterizedTest
  @ValueSource(strings = {"micro-llama3", "micro-mistral", "micro-qwen2", "micro-qwen3"})
  void aFolderWithATokenizerJsonTakesAndWritesText(String name) throws IOException {
    try (Baichuan model = Baichuan.loader(withTokenizer(name)).device(Device.cpu()).load()) {
      assertTrue(model.hasTokenizer());
      Tokenizer tokenizer = model.tokenizer();
      String prompt = "床前明月光 it's 12 \n";
      int[] ids = tokenizer.asWholeText(tokenizer.encode(prompt));
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(16);
      GenerationResult ofText = model.complete(prompt, options).result();
      GenerationResult ofIds = model.complete(ids, options).result();
      assertEquals(ofIds.tokenIds(), ofText.tokenIds());
      assertEquals(ids.length, ofText.usage().promptTokens());
      // Behind the vocabulary are rows that fill the model's up; they write nothing.
      int[] written =
          ofText.tokenIds().stream()
              .mapToInt(id -> id)
              .filter(id -> id < tokenizer.vocabularySize())
              .toArray();
      assertEquals(tokenizer.decode(written), ofText.text());
      GenerationResult json =
          model
              .complete(
                  prompt,
                  GenerationOptions.unmodified()
                      .withSeed(3)
                      .withMaxNewTokens(200)
                      .withConstraint(Constraint.jsonSchemaOnOneLine(SCHEMA)))
              .result();
      JsonNode value = Fixtures.JSON.readTree(json.text());
      assertTrue(value.get("名").textValue().codePoints().count() <= 8, json.text());
      assertTrue(value.get("n").intValue() >= 0 && value.get("n").intValue() <= 99, json.text());
      assertEquals(2, value.size());
    }
  }
}

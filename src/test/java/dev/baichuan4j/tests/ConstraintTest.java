package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Device;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelShape;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Generations whose texts have to be in a language. */
class ConstraintTest {
  private static final String PROMPT = "世界上第二高的山峰是哪座";

  private static Baichuan load(String name) {
    return TestDevice.loader(name, false).load();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-baichuan-7b", "tiny-baichuan2-13b-chat"})
  void everyTextIsInTheLanguage(String name) {
    try (Baichuan model = load(name)) {
      GenerationOptions options = model.defaultOptions().withDoSample(true).withMaxNewTokens(40);
      List<Generation> dates = new ArrayList<>();
      List<Generation> choices = new ArrayList<>();
      for (int seed = 0; seed < 4; seed++) {
        GenerationOptions drawn = options.withSeed(seed).withTemperature(2).withTopK(0);
        Constraint date = Constraint.regex("(19|20)\\d{2}-(0[1-9]|1[0-2])-[0-3]\\d(, 星期[一二三])?");
        dates.add(model.complete(PROMPT, drawn.withConstraint(date)));
        Constraint choice = Constraint.choice(List.of("positive", "negative", "中性", "😀"));
        choices.add(model.complete(PROMPT, drawn.withConstraint(choice)));
      }
      for (Generation each : dates) {
        String text = each.text();
        assertTrue(text.matches("(19|20)\\d{2}-\\d{2}-\\d{2}(, 星期[一二三])?"), text);
        assertEquals(FinishReason.STOP, each.result().finishReason());
      }
      for (Generation each : choices) {
        String text = each.text();
        assertTrue(List.of("positive", "negative", "中性", "😀").contains(text), text);
        assertEquals(FinishReason.STOP, each.result().finishReason());
      }
    }
  }

  @Test
  void theTextEndsWhereNothingCanFollow() {
    try (Baichuan model = load("tiny-baichuan-7b")) {
      GenerationOptions options =
          GenerationOptions.greedy()
              .withMaxNewTokens(60)
              .withConstraint(
                  Constraint.grammar("root: \"<\" word (\",\" word){2} \">\"\nword: /[a-z]{1,3}/"));
      GenerationResult result = model.complete(PROMPT, options).result();
      assertTrue(result.text().matches("<[a-z]{1,3}(,[a-z]{1,3}){2}>"), result.text());
      assertEquals(FinishReason.STOP, result.finishReason());
      assertFalse(result.tokenIds().contains(model.info().endIds().get(0)), "its end took a token");
    }
  }

  @Test
  void draftsDoNotChangeAText() {
    try (Baichuan model = load("tiny-baichuan-7b")) {
      Constraint rows =
          Constraint.grammar("root: row{8}\nrow: \"| \" /[a-z]{3}/ \" | \" /[0-9]{2}/ \" |\\n\"");
      GenerationOptions options =
          GenerationOptions.greedy().withMaxNewTokens(120).withConstraint(rows);
      for (GenerationOptions each : List.of(options, options.withDoSample(true).withSeed(3))) {
        String plain = model.complete(PROMPT, each.withDraftTokens(0)).text();
        GenerationResult drafted = model.complete(PROMPT, each.withDraftTokens(8)).result();
        assertEquals(plain, drafted.text());
        assertTrue(plain.matches("(\\| [a-z]{3} \\| [0-9]{2} \\|\n){8}"), plain);
        assertEquals(plain, model.tokenizer().decode(ids(drafted)));
      }
    }
  }

  private static int[] ids(GenerationResult result) {
    return result.tokenIds().stream().mapToInt(id -> id).toArray();
  }

  @Test
  void aTextThatIsCutOffIsTheBeginningOfOne() {
    try (Baichuan model = load("tiny-baichuan2-13b-chat")) {
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(6);
      GenerationResult result =
          model.complete(PROMPT, options.withConstraint(Constraint.regex("[ab]{50}"))).result();
      assertEquals(FinishReason.LENGTH, result.finishReason());
      assertTrue(result.text().matches("[ab]{6,49}"), result.text());
    }
  }

  @Test
  void aTextWithoutAConstraintIsAsBefore() {
    try (Baichuan model = load("tiny-baichuan2-13b-chat")) {
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(12);
      String alone = model.complete(PROMPT, options).text();
      Constraint any = Constraint.regex("[^]*");
      assertEquals(alone, model.complete(PROMPT, options.withConstraint(any)).text());
      Generation free = model.complete(PROMPT, options);
      Generation bound = model.complete(PROMPT, options.withConstraint(Constraint.json()));
      assertEquals(alone, free.text());
      assertNotEquals(alone, bound.text());
    }
  }

  @Test
  void aConstraintThatCannotBeIsRefused() {
    refused("regex", () -> Constraint.regex("(a"));
    refused("regex", () -> Constraint.regex("[]"));
    refused("choices", () -> Constraint.choice(List.of()));
    refused("grammar", () -> Constraint.grammar("start: \"a\""));
    ModelShape shape =
        new ModelShape(128, 1, 1, 64, 32, 64, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);
    try (Baichuan model = Baichuan.randomLoader(shape).device(Device.cpu()).threads(1).load()) {
      GenerationOptions options = GenerationOptions.greedy().withConstraint(Constraint.json());
      refused("constraint", () -> model.complete(new int[] {1}, options));
    }
  }

  private static void refused(String parameter, Runnable call) {
    assertEquals(parameter, assertThrows(InvalidRequestException.class, call::run).parameter());
  }

  @Test
  void equalConstraintsAreEqual() {
    assertEquals(Constraint.regex("a+"), Constraint.regex("a+"));
    assertEquals(Constraint.json(), Constraint.json());
    assertNotEquals(Constraint.regex("a+"), Constraint.regex("a*"));
    assertNotEquals(Constraint.regex("a"), Constraint.choice(List.of("a")));
    assertEquals("regex a+", Constraint.regex("a+").toString());
  }
}

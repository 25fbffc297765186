package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** What axe-core finds in each state of the page, light and dark, and what keys alone can do. */
@EnabledIf(
    value = "dev.baichuan4j.server.page.Chromium#isInstalled",
    disabledReason = Chromium.MISSING)
class AccessibilityTest {
  private static final String ANSWER =
      """
      # Title

      A **bold** word, `code` and [a link](https://example.org).

      ```java
      int x = 1; // a comment
      String s = "text";
      ```

      > A quotation

      | a | b |
      |---|--:|
      | 1 | 2 |

      $$\\int_0^1 x\\,dx$$
      """;

  private enum Look {
    LIGHT(1280),
    DARK(1280),
    PHONE(390);

    final int width;

    Look(int width) {
      this.width = width;
    }
  }

  @Test
  void axeFindsNoSeriousFault() throws IOException {
    List<String> faults = new ArrayList<>();
    try (ScriptedModel model = new ScriptedModel();
        Tab tab = Chromium.newTab()) {
      for (Look look : Look.values()) {
        tab.size(look.width, 844, look == Look.PHONE);
        tab.dark(look == Look.DARK);
        tab.open(model.address());
        tab.reload();
        tab.waitForText("option", "one");
        tab.evaluate(axe() + "; null");
        check(tab, look + ", ", model, faults);
      }
    }
    assertEquals(List.of(), faults);
  }

  /** Goes through the states of the page. */
  private static void check(Tab tab, String look, ScriptedModel model, List<String> faults)
      throws IOException {
    inspect(tab, look + "begin", faults);
    tab.press("Control+Comma");
    tab.click(".alternatives input[type=checkbox]");
    tab.click("input[value=json_schema]");
    inspect(tab, look + "settings", faults);
    tab.click("input[value=text]");
    tab.press("Escape");
    model.say(ANSWER);
    send(tab, "a question");
    tab.waitForCount(".message.assistant math", 1);
    tab.waitForText(".facts", "tokens");
    inspect(tab, look + "answer", faults);
    tab.press("Alt+KeyP");
    tab.evaluate("document.querySelectorAll('.token')[2].focus()");
    inspect(tab, look + "probabilities", faults);
    tab.press("Alt+KeyP");
    model.refuse(400, "refused");
    tab.press("Alt+KeyR");
    tab.waitForText(".failure", "refused");
    tab.click(".message.user [data-action=edit]");
    inspect(tab, look + "failure and editor", faults);
    tab.press("Escape");
    tab.press("Control+KeyK");
    tab.type("bold");
    tab.waitForCount(".snippet", 1);
    inspect(tab, look + "search", faults);
    tab.evaluate("document.activeElement.blur()");
    tab.press("Shift+Question");
    inspect(tab, look + "shortcuts", faults);
    tab.press("Escape");
    if (!tab.isShown(".conversations"))
      tab.press("Control+KeyK"); // opens the list over the messages
    tab.hover(".conversations li");
    tab.click(".conversations .icon-button:last-child");
    tab.waitForCount(".toast", 1);
    inspect(tab, look + "undo", faults);
  }

  private static void send(Tab tab, String text) {
    tab.click(".composer textarea");
    tab.type(text);
    tab.click(".send-button");
  }

  private static void inspect(Tab tab, String state, List<String> faults) throws IOException {
    JsonNode violations =
        tab.evaluate(
            "axe.run(document, { resultTypes: ['violations'] })"
                + ".then(({ violations }) => violations)");
    for (JsonNode violation : violations) {
      String impact = violation.get("impact").asText();
      if (impact.equals("serious") || impact.equals("critical")) {
        for (JsonNode node : violation.get("nodes")) {
          faults.add(
              state
                  + ": "
                  + violation.get("id").asText()
                  + ": "
                  + node.get("html").asText()
                  + ": "
                  + node.get("failureSummary").asText());
        }
      }
    }
  }

  private static String axe() throws IOException {
    try (InputStream script =
        AccessibilityTest.class.getResourceAsStream(
            "/META-INF/resources/webjars/axe-core/4.6.3/axe.min.js")) {
      return new String(script.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void everyActionIsReachedByTheTabKeyAndSaysWhatItDoes() {
    try (ScriptedModel model = new ScriptedModel();
        Tab tab = Chromium.newTab()) {
      tab.open(model.address());
      tab.waitForText("option", "one");
      model.say("answer");
      send(tab, "question");
      tab.waitForText(".message.assistant .body", "answer");
      tab.waitFor("document.querySelectorAll('[aria-busy=true]').length === 0");
      tab.evaluate("document.activeElement.blur()");
      List<String> names = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        tab.press("Tab");
        names.add(
            tab.evaluate(
                    "((e) => e.getAttribute('aria-label') ?? e.innerText.trim())(document.activeElement)")
                .asText());
      }
      for (String name :
          List.of(
              "To the message field",
              "New conversation",
              "Search conversations",
              "question",
              "Rename “question”",
              "Delete “question”",
              "Import conversations",
              "Export all conversations",
              "中文",
              "Keyboard shortcuts",
              "Show or hide conversations",
              "Rename",
              "Model",
              "Export this conversation",
              "Settings",
              "Copy",
              "Edit",
              "Write another answer",
              "Ask Baichuan")) {
        assertTrue(names.contains(name), name + " is not among " + names);
      }
    }
  }

  @Test
  void aScreenReaderIsToldOfAnAnswerOnceItIsComplete() {
    try (ScriptedModel model = new ScriptedModel();
        Tab tab = Chromium.newTab()) {
      tab.open(model.address());
      tab.waitForText("option", "one");
      tab.evaluate(
          "(() => { window.told = []; const e = document.querySelector('[aria-live=polite]');"
              + " new MutationObserver(() => told.push(e.textContent))"
              + ".observe(e, { childList: true, characterData: true, subtree: true }); })()");
      model.say("one two three four five");
      send(tab, "count");
      tab.waitFor("told.length === 2");
      assertEquals(
          "[\"The answer is being written\",\"The answer: one two three four five\"]",
          tab.evaluate("told").toString());
    }
  }
}

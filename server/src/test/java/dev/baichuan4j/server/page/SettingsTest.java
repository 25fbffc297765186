package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** What the page asks of a model, and how the page looks and speaks. */
@EnabledIf(
    value = "dev.baichuan4j.server.page.Chromium#isInstalled",
    disabledReason = Chromium.MISSING)
class SettingsTest {
  private final ScriptedModel model = new ScriptedModel();
  private final Tab tab = Chromium.newTab();

  @BeforeEach
  void open() {
    tab.open(model.address());
    tab.waitForText("option", "one");
  }

  @AfterEach
  void close() {
    try (model;
        tab) {}
  }

  private JsonNode talk(String question, String answer) throws InterruptedException {
    model.say(answer);
    tab.click(".composer textarea");
    tab.type(question);
    tab.press("Enter");
    tab.waitFor("document.querySelectorAll('.message.assistant').length > 0");
    tab.waitFor("document.querySelectorAll('[aria-busy=true]').length === 0");
    return model.request();
  }

  private void set(String field, String value) {
    tab.click(field);
    tab.evaluate("document.activeElement.select?.()");
    tab.type(value);
  }

  @Test
  void whatIsSetIsSentAndStaysWithTheConversation() throws Exception {
    tab.press("Control+Comma");
    set("textarea[aria-label='System text']", "Be brief.");
    set("#setting-temperature", "0.3");
    set("#setting-top_k", "5");
    set("#setting-seed", "7");
    set("#setting-stop", "END");
    tab.press("Escape");
    tab.waitForCount("dialog", 0);
    JsonNode request = talk("q", "a");
    assertEquals("Be brief.", request.at("/messages/0/content").asText());
    assertEquals(0.3, request.get("temperature").asDouble());
    assertEquals(5, request.get("top_k").asInt());
    assertEquals(7, request.get("seed").asInt());
    assertEquals("[\"END\"]", request.get("stop").toString());
    assertFalse(request.has("top_p"));
    tab.reload();
    tab.waitForCount(".message", 2);
    tab.press("Control+Comma");
    assertEquals("Be brief.", tab.value("textarea[aria-label='System text']"));
    assertEquals("0.3", tab.value("#setting-temperature"));
    tab.press("Escape");
    tab.press("Alt+KeyN");
    tab.waitForCount(".message", 0);
    assertFalse(talk("q", "a").has("temperature"));
  }

  @Test
  void settingsCanBeThoseOfNewConversations() throws Exception {
    tab.press("Control+Comma");
    set("#setting-temperature", "0.5");
    tab.click(".panel .main-button");
    tab.press("Escape");
    talk("q", "a");
    tab.press("Alt+KeyN");
    tab.waitForCount(".message", 0);
    assertEquals(0.5, talk("q", "a").get("temperature").asDouble());
  }

  @Test
  void aNumberOutOfRangeIsToldAndNotSent() throws Exception {
    tab.press("Control+Comma");
    set("#setting-temperature", "3");
    assertEquals("0 to 2", tab.text("#temperature-fault"));
    set("#setting-top_k", "1.5");
    assertTrue(tab.isShown("#top_k-fault"));
    tab.press("Escape");
    JsonNode request = talk("q", "a");
    assertFalse(request.has("temperature"));
    assertFalse(request.has("top_k"));
  }

  @Test
  void anotherModelIsChosen() throws Exception {
    tab.evaluate(
        "(() => { const s = document.querySelector('.header select'); s.value = 'two';"
            + " s.dispatchEvent(new Event('change')); })()");
    assertEquals("two", talk("q", "a").get("model").asText());
    assertEquals("101 / 2,000", tab.text(".context span"));
  }

  @Test
  void jsonBySchemaIsAskedForAndShownAsCode() throws Exception {
    tab.press("Control+Comma");
    tab.click("input[value=json_schema]");
    tab.evaluate("document.querySelector('#schema').select()");
    set("#schema", "{\"type\": ");
    tab.waitForText("#schema-fault", "not JSON");
    tab.press("Escape");
    tab.waitForCount("dialog", 0);
    tab.click(".composer textarea");
    tab.type("capital");
    tab.press("Enter");
    tab.waitFor("document.activeElement.id === 'schema'"); // nothing is sent with a faulty schema
    assertEquals("capital", tab.value(".composer textarea"));
    set("#schema", "{\"type\": \"object\"}");
    tab.press("Escape");
    tab.waitForCount("dialog", 0);
    model.say("{\"name\":\"Paris\"}");
    tab.click(".composer textarea");
    tab.press("Enter");
    tab.waitForText(".message .code", "\"name\": \"Paris\"");
    JsonNode format = model.request().get("response_format");
    assertEquals("json_schema", format.get("type").asText());
    assertEquals("{\"type\":\"object\"}", format.at("/json_schema/schema").toString());
    assertTrue(format.at("/json_schema/strict").asBoolean());
  }

  @Test
  void probabilitiesAreShownOnHoverAndByKeys() throws Exception {
    tab.press("Control+Comma");
    tab.click(".alternatives input[type=checkbox]");
    tab.press("Escape");
    JsonNode request = talk("q", "床前明月光");
    assertTrue(request.get("logprobs").asBoolean());
    assertEquals(5, request.get("top_logprobs").asInt());
    tab.press("Alt+KeyP");
    tab.waitForCount(".token", 3);
    tab.hover(".token[data-index='1']");
    tab.waitForText(".token-tip", "77.9 %");
    assertEquals(List.of("明月 77.9 %", "else 13.5 %"), rows());
    tab.evaluate("document.querySelector('.token').focus()");
    tab.press("ArrowRight");
    assertEquals("明月", tab.evaluate("document.activeElement.innerText").asText());
    tab.press("Alt+KeyP");
    tab.waitForCount(".token", 0);
    tab.waitForExactly(".message.assistant .body", "床前明月光");
  }

  private List<String> rows() {
    return tab.texts(".token-tip tr").stream().map(row -> row.replaceAll("\\s+", " ")).toList();
  }

  @Test
  void anAnswerGoesOnFromAnotherToken() throws Exception {
    tab.press("Control+Comma");
    tab.click(".alternatives input[type=checkbox]");
    tab.press("Escape");
    talk("q", "床前明月光");
    tab.press("Alt+KeyP");
    tab.evaluate("document.querySelector('.token[data-index=\"1\"]').focus()");
    tab.press("Enter");
    tab.waitFor("document.activeElement.innerText === 'else'");
    model.say(" and more");
    tab.press("Enter");
    tab.waitForText(".message.assistant .body", "床前else and more");
    assertEquals("床前else", model.request().at("/messages/1/content").asText());
    tab.waitForText(".branches > span", "2/2");
    tab.press("Alt+KeyP");
    tab.waitForCount(".token", 2 + 5);
  }

  @Test
  void aKeyIsAskedForOnceAndKeptInTheTab() throws Exception {
    model.wantKey("secret");
    tab.reload();
    tab.waitForText(".key-dialog", "wants a key");
    tab.type("wrong");
    tab.press("Enter");
    tab.waitForText(".key-dialog", "did not accept");
    tab.type("secret");
    tab.press("Enter");
    tab.waitForText("option", "one");
    talk("q", "a");
    tab.reload();
    tab.waitForText(".message.assistant .body", "a");
    assertEquals(0, tab.count("dialog"));
    assertEquals("secret", tab.evaluate("sessionStorage['baichuan4j.key']").asText());
    assertFalse(tab.evaluate("JSON.stringify(localStorage)").asText().contains("secret"));
  }

  @Test
  void theLanguageChangesInPlace() {
    tab.click(".composer textarea");
    tab.type("half a question");
    tab.click("[aria-label='中文']");
    tab.waitForText(".hint", "Enter 发送");
    assertEquals("zh-CN", tab.evaluate("document.documentElement.lang").asText());
    assertEquals("half a question", tab.value(".composer textarea"));
    tab.reload();
    tab.waitForText(".hint", "Enter 发送");
  }

  @Test
  void aChineseBrowserGetsAChinesePage() {
    try (Tab chinese = Chromium.newTab()) {
      chinese.language("zh-CN");
      chinese.open(model.address());
      chinese.waitForText(".hint", "Shift+Enter 换行");
    }
  }

  @Test
  void theThemeFollowsTheSystemUntilOneIsChosen() {
    tab.dark(true);
    assertEquals("rgb(23, 25, 27)", background());
    tab.dark(false);
    assertEquals("rgb(253, 253, 251)", background());
    tab.click("[aria-label^='Light or dark']");
    tab.click("[aria-label='Light']");
    assertEquals("rgb(23, 25, 27)", background());
    tab.reload();
    tab.waitForText("option", "one");
    assertEquals("rgb(23, 25, 27)", background());
  }

  private String background() {
    return tab.evaluate("getComputedStyle(document.body).backgroundColor").asText();
  }

  @Test
  void aListOfKeysIsShown() {
    tab.evaluate("document.activeElement.blur()");
    tab.press("Shift+Question");
    tab.waitForText(".shortcuts", "Write another answer");
    tab.press("Escape");
    tab.waitForCount("dialog", 0);
  }

  @Test
  void aNarrowScreenHasTheListAboveTheMessages() {
    tab.size(390, 844, true);
    tab.reload();
    tab.waitForText(".hint", "stays in this browser");
    assertFalse(tab.isShown(".sidebar"));
    model.say("a");
    tab.click(".composer textarea");
    tab.type("q");
    tab.press("Enter"); // begins a line there
    assertEquals("q\n", tab.value(".composer textarea"));
    tab.click(".send-button");
    tab.waitForText(".message.assistant .body", "a");
    tab.click("[aria-controls=sidebar]");
    assertTrue(tab.isShown(".sidebar"));
    assertTrue(tab.evaluate("document.querySelector('main').inert").asBoolean());
    tab.press("Escape");
    assertFalse(tab.isShown(".sidebar"));
    assertTrue(tab.evaluate("document.documentElement.scrollWidth <= 390").asBoolean());
  }
}

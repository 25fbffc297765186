package dev.baichuan4j.server.page;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/**
 * A tab, used as a person does: by the mouse, by keys, and by what can be read. Elements are named
 * by CSS selectors.
 */
final class Tab implements AutoCloseable {
  private static final long SECONDS = 180;
  private static final int ALT = 1;
  private static final int CONTROL = 2;
  private static final int SHIFT = 8;

  private final DevTools devTools;
  private final String context;
  private final String target;
  private final String session;

  /** What went wrong in the page: exceptions, errors of the console, what a policy refused. */
  private final List<String> faults = new CopyOnWriteArrayList<>();

  private final List<String> requests = new CopyOnWriteArrayList<>();

  Tab(DevTools devTools) {
    this(
        devTools,
        devTools
            .call(null, "Target.createBrowserContext", Map.of())
            .get("browserContextId")
            .asText());
  }

  private Tab(DevTools devTools, String context) {
    this.devTools = devTools;
    this.context = context;
    this.target =
        devTools
            .call(
                null,
                "Target.createTarget",
                Map.of("url", "about:blank", "browserContextId", context))
            .get("targetId")
            .asText();
    this.session =
        devTools
            .call(null, "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .get("sessionId")
            .asText();
    devTools.listen(this::hear);
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", Map.of());
    }
    size(1280, 860, false);
  }

  private void hear(JsonNode event) {
    if (!session.equals(event.path("sessionId").asText())) return;
    JsonNode params = event.get("params");
    switch (event.get("method").asText()) {
      case "Runtime.exceptionThrown" -> faults.add(params.get("exceptionDetails").toString());
      case "Log.entryAdded" -> {
        JsonNode entry = params.get("entry");
        // A refused request is told by the page; that the browser logs it as well is no fault.
        if (entry.get("level").asText().equals("error")
            && !entry.get("source").asText().equals("network")) {
          faults.add(entry.toString());
        }
      }
      case "Network.requestWillBeSent" -> requests.add(params.at("/request/url").asText());
      case "Page.javascriptDialogOpening" -> faults.add("a dialog opened: " + params);
      default -> {}
    }
  }

  /** Opens another tab with the same storage. */
  Tab sibling() {
    return new Tab(devTools, context);
  }

  JsonNode call(String method, Map<String, ?> params) {
    return devTools.call(session, method, params);
  }

  List<String> faults() {
    return faults;
  }

  /** Returns the addresses of all requests. */
  List<String> requests() {
    return requests;
  }

  // ---- how it is looked at

  void size(int width, int height, boolean phone) {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of(
            "width", width, "height", height, "deviceScaleFactor", phone ? 2 : 1, "mobile", phone));
    call("Emulation.setTouchEmulationEnabled", Map.of("enabled", phone));
  }

  void dark(boolean dark) {
    call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
  }

  void language(String language) {
    call("Emulation.setUserAgentOverride", Map.of("userAgent", "test", "acceptLanguage", language));
  }

  /** Has files that the page offers saved to a folder. */
  void keepDownloads(Path folder) {
    devTools.call(
        null,
        "Browser.setDownloadBehavior",
        Map.of(
            "behavior", "allow", "downloadPath", folder.toString(), "browserContextId", context));
  }

  void open(String address) {
    call("Page.navigate", Map.of("url", address));
    waitFor("document.readyState === 'complete'");
  }

  void reload() {
    evaluate("window.beforeReload = true");
    call("Page.reload", Map.of());
    waitFor("!window.beforeReload && document.readyState === 'complete'");
  }

  // ---- what can be read

  /** Returns what an expression gives, a promise's value included. */
  JsonNode evaluate(String expression) {
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "awaitPromise", true, "returnByValue", true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + result.get("exceptionDetails"));
    }
    return result.path("result").path("value");
  }

  /** Returns the text of the first element, as it is shown. */
  String text(String selector) {
    return evaluate(first(selector) + ".innerText").asText();
  }

  /** Returns the texts of all elements. */
  List<String> texts(String selector) {
    List<String> texts = new ArrayList<>();
    evaluate("[...document.querySelectorAll(" + quote(selector) + ")].map((e) => e.innerText)")
        .forEach(text -> texts.add(text.asText()));
    return texts;
  }

  String value(String selector) {
    return evaluate(first(selector) + ".value").asText();
  }

  int count(String selector) {
    return evaluate("document.querySelectorAll(" + quote(selector) + ").length").asInt();
  }

  boolean isShown(String selector) {
    return evaluate(
            "[...document.querySelectorAll("
                + quote(selector)
                + ")].some((e) => e.checkVisibility())")
        .asBoolean();
  }

  /** Waits until an expression is true. */
  void waitFor(String expression) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!isTrue(expression)) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            expression
                + " is not true after "
                + SECONDS
                + " s; faults "
                + faults
                + "; the page has:\n"
                + evaluate("document.body.innerText").asText());
      }
      pause();
    }
  }

  private boolean isTrue(String expression) {
    // While a page is exchanged for another there is nothing to evaluate in.
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", "Boolean(" + expression + ")", "returnByValue", true));
    return result.path("result").path("value").asBoolean();
  }

  /** Waits until the first element has a text and nothing else but blanks around it. */
  void waitForExactly(String selector, String text) {
    waitFor("document.querySelector(" + quote(selector) + ")?.innerText.trim() === " + quote(text));
  }

  /** Waits until an element has a text, whether it is in view or not. */
  void waitForText(String selector, String part) {
    waitFor(
        "[...document.querySelectorAll("
            + quote(selector)
            + ")].some((e) => e.textContent.includes("
            + quote(part)
            + "))");
  }

  void waitForCount(String selector, int count) {
    waitFor("document.querySelectorAll(" + quote(selector) + ").length === " + count);
  }

  /** Waits until the browser's database has a message with a text. */
  void waitForStored(String part) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    String stored = "";
    while (!stored.contains(part)) {
      if (System.nanoTime() > end) throw new AssertionError(part + " is not stored: " + stored);
      pause();
      stored = evaluate(STORED).asText();
    }
  }

  private static final String STORED =
      """
      new Promise((resolve, reject) => {
        const request = indexedDB.open("baichuan4j");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const all = request.result.transaction("messages").objectStore("messages").getAll();
          all.onsuccess = () => {
            request.result.close();
            resolve(all.result.map(({ content }) => content).join(" / "));
          };
        };
      })""";

  static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(20);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- mouse and keys

  void click(String selector) {
    JsonNode at = place(selector);
    for (String type : List.of("mouseMoved", "mousePressed", "mouseReleased")) {
      call(
          "Input.dispatchMouseEvent",
          Map.of(
              "type", type, "x", at.get("x"), "y", at.get("y"), "button", "left", "clickCount", 1));
    }
  }

  void hover(String selector) {
    JsonNode at = place(selector);
    call(
        "Input.dispatchMouseEvent",
        Map.of("type", "mouseMoved", "x", at.get("x"), "y", at.get("y")));
  }

  private JsonNode place(String selector) {
    waitFor("document.querySelector(" + quote(selector) + ")");
    return evaluate(
        "(() => { const e = "
            + first(selector)
            + "; e.scrollIntoView({ block: 'center' });"
            + " const r = e.getBoundingClientRect();"
            + " return { x: r.x + r.width / 2, y: r.y + r.height / 2 }; })()");
  }

  /** Types a text into what has the focus. */
  void type(String text) {
    call("Input.insertText", Map.of("text", text));
  }

  /** Presses a key, perhaps with others before it, as {@code Control+KeyK}. */
  void press(String keys) {
    String[] parts = keys.split("\\+");
    String code = parts[parts.length - 1];
    int modifiers = 0;
    for (String part : List.of(parts).subList(0, parts.length - 1)) {
      modifiers |= part.equals("Alt") ? ALT : part.equals("Control") ? CONTROL : SHIFT;
    }
    Map<String, Object> params = new HashMap<>(Map.of("code", code, "modifiers", modifiers));
    String key =
        KEYS.getOrDefault(code, code.startsWith("Key") ? code.substring(3).toLowerCase() : code);
    params.put("key", key);
    params.put(
        "windowsVirtualKeyCode", VIRTUAL.getOrDefault(code, (int) key.toUpperCase().charAt(0)));
    if (code.equals("Enter")) {
      params.put("text", "\r");
    } else if (key.length() == 1 && (modifiers & ~SHIFT) == 0) {
      params.put("text", key);
    }
    dispatchKey("keyDown", params);
    params.remove("text");
    dispatchKey("keyUp", params);
  }

  private void dispatchKey(String type, Map<String, Object> params) {
    params.put("type", type);
    call("Input.dispatchKeyEvent", params);
  }

  private static final Map<String, String> KEYS =
      Map.of("Slash", "/", "Comma", ",", "BracketLeft", "[", "BracketRight", "]", "Question", "?");

  private static final Map<String, Integer> VIRTUAL =
      Map.ofEntries(
          Map.entry("Enter", 13),
          Map.entry("Escape", 27),
          Map.entry("Tab", 9),
          Map.entry("Delete", 46),
          Map.entry("F2", 113),
          Map.entry("ArrowLeft", 37),
          Map.entry("ArrowUp", 38),
          Map.entry("ArrowRight", 39),
          Map.entry("ArrowDown", 40),
          Map.entry("End", 35),
          Map.entry("Comma", 188),
          Map.entry("Slash", 191),
          Map.entry("BracketLeft", 219),
          Map.entry("BracketRight", 221),
          Map.entry("Backspace", 8));

  void screenshot(Path file) {
    String png =
        call("Page.captureScreenshot", Map.of("format", "png", "optimizeForSpeed", false))
            .get("data")
            .asText();
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, Base64.getDecoder().decode(png));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String first(String selector) {
    return "document.querySelector(" + quote(selector) + ")";
  }

  static String quote(String text) {
    return DevTools.JSON.getNodeFactory().textNode(text).toString();
  }

  /** Fails where the page had a fault, and ends. */
  @Override
  public void close() {
    devTools.call(null, "Target.closeTarget", Map.of("targetId", target));
    assertEquals(List.of(), faults, "faults in the page");
  }
}

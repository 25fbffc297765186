package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.ToolPart;
import dev.baichuan4j.internal.jinja.None;
import dev.baichuan4j.internal.jinja.Text;
import dev.baichuan4j.internal.json.JsonTree;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Messages and other values as templates have them: as transformers gives them, with calls as
 * OpenAI's API has them, whose arguments are values and no text. All texts of a message are marked
 * as given.
 */
final class TemplateMessages {
  /** Letters and digits of the id of a call: Mistral's templates take no others. */
  private static final int ID_LENGTH = 9;

  private static final int ID_BASE = 36;

  private TemplateMessages() {}

  /** A message by its content. */
  static Stream<Map<Text, Object>> of(ChatMessage message) {
    return Stream.of(message(message.role().name().toLowerCase(Locale.ROOT), message.content()));
  }

  /** A message by its parts: one of the model with its calls, or one for each result. */
  static Stream<Map<Text, Object>> ofTools(ChatMessage message) {
    List<Map<Text, Object>> results = new ArrayList<>();
    List<Map<Text, Object>> calls = new ArrayList<>();
    StringBuilder said = new StringBuilder();
    for (ToolPart part : message.toolParts()) {
      switch (part.kind()) {
        case SAID -> said.append(part.text());
        case CALL -> calls.add(call(part));
        case RESULT -> results.add(result(part));
      }
    }
    if (calls.isEmpty()) {
      return results.stream();
    }
    Map<Text, Object> turn = message("assistant", said.toString());
    turn.put(Text.own("tool_calls"), calls);
    return Stream.of(turn);
  }

  private static Map<Text, Object> message(String role, String content) {
    Map<Text, Object> message = new LinkedHashMap<>();
    message.put(Text.own("role"), Text.own(role));
    message.put(Text.own("content"), Text.given(content));
    return message;
  }

  private static Map<Text, Object> call(ToolPart part) {
    Map<Text, Object> function = new LinkedHashMap<>();
    function.put(Text.own("name"), Text.given(part.name()));
    function.put(Text.own("arguments"), given(JsonTree.parse(part.text(), "arguments")));
    Map<Text, Object> call = new LinkedHashMap<>();
    call.put(Text.own("type"), Text.own("function"));
    call.put(Text.own("id"), Text.own(id(part.id())));
    call.put(Text.own("function"), function);
    return call;
  }

  private static Map<Text, Object> result(ToolPart part) {
    Map<Text, Object> result = message("tool", part.text());
    result.put(Text.own("name"), Text.given(part.name()));
    result.put(Text.own("tool_call_id"), Text.own(id(part.id())));
    return result;
  }

  /** Returns an id of nine letters and digits for any: the same for the same. */
  private static String id(String id) {
    if (id.matches("[a-zA-Z0-9]{" + ID_LENGTH + "}")) {
      return id;
    }
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      byte[] digest = sha.digest(id.getBytes(StandardCharsets.UTF_8));
      String digits = "0".repeat(ID_LENGTH) + new BigInteger(1, digest).toString(ID_BASE);
      return digits.substring(digits.length() - ID_LENGTH);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Returns a value of JSON as templates have it. */
  static Object given(Object value) {
    if (value == null || value == JsonTree.NULL) {
      return None.NONE;
    }
    if (value instanceof String text) {
      return Text.given(text);
    }
    if (value instanceof BigDecimal number) {
      return number(number);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(TemplateMessages::given).toList();
    }
    if (value instanceof Map<?, ?> map) {
      Map<Text, Object> values = new LinkedHashMap<>();
      map.forEach((key, element) -> values.put(Text.given((String) key), given(element)));
      return values;
    }
    return value;
  }

  /** An integer of 64 bits where it is written as one, or else a double. */
  private static Object number(BigDecimal number) {
    boolean isLong = number.scale() == 0 && number.unscaledValue().bitLength() < Long.SIZE;
    return isLong ? (Object) number.longValueExact() : (Object) number.doubleValue();
  }
}

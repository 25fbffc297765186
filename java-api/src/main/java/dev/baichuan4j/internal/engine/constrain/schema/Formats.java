package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.Regex;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The formats of strings, each from the document that JSON Schema names for it. */
final class Formats {
  /** Formats that OpenAPI gives to numbers; they ask nothing of strings. */
  private static final Set<String> NUMERIC =
      Set.of("int32", "int64", "uint32", "uint64", "float", "double");

  private static final String HEX = "[0-9A-Fa-f]";

  private static final String DATE =
      "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
          + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
          + "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";

  private static final String TIME =
      "(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?"
          + "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
          + "|23:59:60(?:\\.[0-9]+)?(?:[Zz]|[+-]00:00))";

  private static final String LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?";
  private static final String HOST = LABEL + "(?:\\." + LABEL + ")*";
  private static final String OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  private static final String IPV4 = OCTET + "(?:\\." + OCTET + "){3}";

  private static final Map<String, Supplier<Regex>> FORMATS =
      Map.ofEntries(
          Map.entry("date", () -> Regex.parse(DATE)),
          Map.entry("time", () -> Regex.parse(TIME)),
          Map.entry("date-time", () -> Regex.parse(DATE + "[Tt]" + TIME)),
          Map.entry("duration", Formats::duration),
          Map.entry("email", Formats::email),
          Map.entry(
              "hostname",
              () ->
                  Regex.intersection(Regex.parse(HOST), Regex.repeat(Regex.ANY_CHARACTER, 1, 253))),
          Map.entry("ipv4", () -> Regex.parse(IPV4)),
          Map.entry("ipv6", () -> Regex.parse(ipv6())),
          Map.entry("uuid", () -> Regex.parse("H{8}-H{4}-H{4}-H{4}-H{12}".replace("H", HEX))),
          Map.entry("uri", () -> Regex.parse(Uris.uri(false))),
          Map.entry("uri-reference", () -> Regex.parse(Uris.reference(false))),
          Map.entry("iri", () -> Regex.parse(Uris.uri(true))),
          Map.entry("iri-reference", () -> Regex.parse(Uris.reference(true))),
          Map.entry("json-pointer", () -> Regex.parse("(?:/(?:[^~/]|~[01])*)*")),
          Map.entry(
              "relative-json-pointer",
              () -> Regex.parse("(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~[01])*)*)")));

  private static final Map<String, Regex> MADE = new ConcurrentHashMap<>();

  private Formats() {}

  static boolean isNumeric(String format) {
    return NUMERIC.contains(format);
  }

  /** The strings of a format, or null if it is not known. */
  static Regex strings(String format) {
    Supplier<Regex> supplier = FORMATS.get(format);
    return supplier == null ? null : MADE.computeIfAbsent(format, f -> supplier.get());
  }

  /** RFC 3339, appendix A. */
  private static Regex duration() {
    String second = "[0-9]+S";
    String minute = "[0-9]+M(?:" + second + ")?";
    String hour = "[0-9]+H(?:" + minute + ")?";
    String time = "T(?:" + hour + "|" + minute + "|" + second + ")";
    String day = "[0-9]+D";
    String month = "[0-9]+M(?:" + day + ")?";
    String year = "[0-9]+Y(?:" + month + ")?";
    return Regex.parse(
        "P(?:(?:" + year + "|" + month + "|" + day + ")(?:" + time + ")?|" + time + "|[0-9]+W)");
  }

  /** RFC 5321, section 4.1.2: Mailbox. */
  private static Regex email() {
    String atom = "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+";
    String quoted = "\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\"";
    String literal = "\\[(?:" + IPV4 + "|IPv6:(?:" + ipv6() + "))\\]";
    return Regex.parse(
        "(?:" + atom + "(?:\\." + atom + ")*|" + quoted + ")@(?:" + HOST + "|" + literal + ")");
  }

  /** RFC 4291, section 2.2, by the grammar of RFC 3986. */
  static String ipv6() {
    String h = HEX + "{1,4}";
    String ls32 = "(?:" + h + ":" + h + "|" + IPV4 + ")";
    StringBuilder all = new StringBuilder("(?:(?:" + h + ":){6}" + ls32);
    all.append("|::(?:").append(h).append(":){5}").append(ls32);
    for (int before = 0; before <= 6; before++) {
      String head =
          before == 0 ? "(?:" + h + ")?" : "(?:(?:" + h + ":){0," + before + "}" + h + ")?";
      int after = 4 - before;
      String tail =
          after > 0
              ? "(?:" + h + ":){" + after + "}" + ls32
              : after == 0 ? ls32 : after == -1 ? h : "";
      all.append('|').append(head).append("::").append(tail);
    }
    return all.append(')').toString();
  }
}

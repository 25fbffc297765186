package dev.baichuan4j.internal.engine.constrain.schema;

/** The grammars of RFC 3986 and, with more characters, of RFC 3987. */
final class Uris {
  private static final String HEX = "[0-9A-Fa-f]";
  private static final String DELIMITERS = "!$&'()*+,;=";

  /** Characters that RFC 3987 adds: ucschar, as far as text may hold them. */
  private static final String MORE = "\\u00A0-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFEF";

  private static final String SCHEME = "[A-Za-z][A-Za-z0-9+.-]*:";

  private Uris() {}

  static String uri(boolean international) {
    Parts parts = new Parts(international);
    return SCHEME + parts.hierarchy(true) + parts.end();
  }

  static String reference(boolean international) {
    Parts parts = new Parts(international);
    return "(?:"
        + SCHEME
        + parts.hierarchy(true)
        + "|"
        + parts.hierarchy(false)
        + ")"
        + parts.end();
  }

  private static final class Parts {
    private final String unreserved;
    private final String pchar;
    private final String query;

    private Parts(boolean international) {
      unreserved = "A-Za-z0-9._~" + (international ? MORE : "");
      pchar = character(":@");
      query = character(":@/?");
    }

    private String character(String others) {
      return "(?:[" + unreserved + DELIMITERS + others + "-]|%" + HEX + "{2})";
    }

    private String hierarchy(boolean scheme) {
      String segments = "(?:/" + pchar + "*)*";
      String absolute = "/(?:" + pchar + "+" + segments + ")?";
      String first = scheme ? pchar : character("@"); // a colon would end a scheme
      String rootless = first + "+" + segments;
      return "(?://" + authority() + segments + "|" + absolute + "|" + rootless + ")?";
    }

    private String authority() {
      String user = "(?:" + character(":") + "*@)?";
      String future = "v" + HEX + "+\\.[A-Za-z0-9._~" + DELIMITERS + ":-]+";
      String literal = "\\[(?:" + Formats.ipv6() + "|" + future + ")\\]";
      return user + "(?:" + literal + "|" + character("") + "*)(?::[0-9]*)?";
    }

    private String end() {
      return "(?:\\?" + query + "*)?(?:#" + query + "*)?";
    }
  }
}

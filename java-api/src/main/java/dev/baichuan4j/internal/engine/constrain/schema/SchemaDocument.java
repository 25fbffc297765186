package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.json.JsonTree;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A schema's text: its places by number, and what {@code $ref} names. */
final class SchemaDocument {
  /** Keywords whose values are data, not schemas. */
  private static final Set<String> DATA = Set.of("enum", "const", "default", "examples", "example");

  /** Keywords whose values are schemas by name. */
  private static final Set<String> BY_NAME =
      Set.of(
          "properties",
          "patternProperties",
          "$defs",
          "definitions",
          "dependentSchemas",
          "dependencies");

  private static final String ROOT_BASE = "";

  /** A schema with an address of its own. */
  private record Resource(Object json, String pointer, String base) {}

  private final Object root;
  private final Draft draft;
  private final List<SchemaNode> nodes = new ArrayList<>();
  private final Map<Object, SchemaNode> nodeOf = new IdentityHashMap<>();
  private final Map<String, Resource> resources = new HashMap<>(); // by address, without fragment
  private final Map<String, Resource> anchors = new HashMap<>(); // by address, with fragment
  private final Map<Object, String> bases = new IdentityHashMap<>(); // of schemas with an id
  private boolean dynamicAnchors;

  SchemaDocument(String text) {
    root = JsonTree.parse(text, "schema");
    draft = Draft.of(root);
    collect(root, "#", ROOT_BASE, false);
    resources.put(ROOT_BASE, new Resource(root, "#", ROOT_BASE));
  }

  Draft draft() {
    return draft;
  }

  SchemaNode root() {
    return node(root, "#", bases.getOrDefault(root, ROOT_BASE));
  }

  SchemaNode node(int number) {
    return nodes.get(number);
  }

  /** The place of a schema within the text. */
  SchemaNode node(Object json, String pointer, String parentBase) {
    if (!(json instanceof Map<?, ?> || json instanceof Boolean)) {
      throw SchemaProblem.malformed("schema", pointer, json, "an object or a boolean");
    }
    SchemaNode known = json instanceof Boolean ? null : nodeOf.get(json);
    if (known == null) {
      String base = bases.getOrDefault(json, parentBase);
      known = new SchemaNode(this, nodes.size(), json, pointer, base);
      nodes.add(known);
      if (!(json instanceof Boolean)) {
        nodeOf.put(json, known);
      }
    }
    return known;
  }

  /** A place of one {@code const} value. */
  SchemaNode constant(Object value, String pointer, String base) {
    return node(new HashMap<>(Map.of("const", value)), pointer, base);
  }

  /** Finds addresses and anchors. */
  private void collect(Object json, String pointer, String base, boolean byName) {
    if (json instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        collect(list.get(i), pointer + "/" + i, base, false);
      }
    } else if (json instanceof Map<?, ?> map) {
      String own = byName ? base : address(map, pointer, base);
      for (Map.Entry<?, ?> member : map.entrySet()) {
        String key = (String) member.getKey();
        if (byName || !DATA.contains(key)) {
          collect(
              member.getValue(),
              pointer + "/" + escape(key),
              own,
              !byName && BY_NAME.contains(key));
        }
      }
    }
  }

  private String address(Map<?, ?> map, String pointer, String base) {
    String own = base;
    Object id = map.get(draft == Draft.FOUR ? "id" : "$id");
    if (id instanceof String text && !(map.containsKey("$ref") && draft.refAlone())) {
      if (text.startsWith("#")) {
        anchors.put(base + text, new Resource(map, pointer, base));
      } else {
        own = withoutFragment(resolve(base, text));
        bases.put(map, own);
        resources.put(own, new Resource(map, pointer, own));
      }
    }
    for (String keyword : List.of("$anchor", "$dynamicAnchor")) {
      if (map.get(keyword) instanceof String name) {
        anchors.put(own + "#" + name, new Resource(map, pointer, own));
        dynamicAnchors |= keyword.equals("$dynamicAnchor");
      }
    }
    dynamicAnchors |= Boolean.TRUE.equals(map.get("$recursiveAnchor"));
    return own;
  }

  /** Whether what {@code $dynamicRef} names may depend on the way to it. */
  boolean hasDynamicAnchors() {
    return dynamicAnchors;
  }

  /** The place that a {@code $ref} names. */
  SchemaNode resolve(SchemaNode from, String keyword, String reference) {
    String target = resolve(from.base(), reference);
    String address = withoutFragment(target);
    String fragment = target.length() > address.length() ? target.substring(address.length()) : "#";
    Resource resource = resources.get(address);
    if (resource == null) {
      throw SchemaProblem.unsupported(
          keyword, from.pointer(), reference + " is not within the schema");
    }
    if (fragment.equals("#")) {
      return node(resource.json(), resource.pointer(), resource.base());
    }
    if (fragment.startsWith("#/")) {
      return walk(from, keyword, reference, resource, fragment.substring(2));
    }
    Resource anchor = anchors.get(address + fragment);
    if (anchor == null) {
      throw SchemaProblem.malformed(keyword, from.pointer(), reference, "a place in the schema");
    }
    return node(anchor.json(), anchor.pointer(), anchor.base());
  }

  private SchemaNode walk(
      SchemaNode from, String keyword, String reference, Resource resource, String path) {
    Object json = resource.json();
    String pointer = resource.pointer();
    String base = resource.base();
    for (String part : path.split("/", -1)) {
      String name = unescape(part);
      Object next = null;
      if (json instanceof Map<?, ?> map) {
        next = map.get(name);
      } else if (json instanceof List<?> list && name.matches("[0-9]{1,9}")) {
        int index = Integer.parseInt(name);
        next = index < list.size() ? list.get(index) : null;
      }
      if (next == null) {
        throw SchemaProblem.malformed(keyword, from.pointer(), reference, "a place in the schema");
      }
      json = next;
      pointer += "/" + escape(name);
      base = bases.getOrDefault(json, base);
    }
    return node(json, pointer, base);
  }

  private static String resolve(String base, String reference) {
    if (reference.startsWith("#")) {
      return base + reference;
    }
    if (base.isEmpty()) {
      return reference;
    }
    try {
      return URI.create(base).resolve(reference).toString();
    } catch (IllegalArgumentException e) {
      return reference;
    }
  }

  private static String withoutFragment(String address) {
    int at = address.indexOf('#');
    return at < 0 ? address : address.substring(0, at);
  }

  static String escape(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }

  private static String unescape(String part) {
    String decoded = part;
    if (part.indexOf('%') >= 0) {
      try {
        decoded = URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
      } catch (IllegalArgumentException e) {
        decoded = part; // A name with a percent sign of its own.
      }
    }
    return decoded.replace("~1", "/").replace("~0", "~");
  }
}

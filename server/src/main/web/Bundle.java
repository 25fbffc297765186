import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes one file of the page's sources.
 *
 * <pre>java Bundle.java ENTRY OUTPUT [LIBRARY=FILE[,LICENCE]]...</pre>
 *
 * <p>ENTRY is an HTML file, whose stylesheets and module script are written into it, or a module,
 * which becomes a script. Each module becomes a function, called once after those that it imports,
 * whose result has what it exports; ENTRY's is the script itself. A module may import and export in
 * these forms alone:
 *
 * <pre>
 * import { a, b } from "./module.js";    import library from "library";
 * export function a() ...    export class B ...    export const c = ...
 * </pre>
 *
 * <p>Libraries are files for {@code module.exports} that have no imports of their own.
 */
final class Bundle {
  private static final Pattern IMPORT =
      Pattern.compile("^import\\s+(\\w+|\\{[\\w\\s,]*})\\s+from\\s+\"([^\"]+)\";\\n", Pattern.MULTILINE);
  private static final Pattern EXPORT =
      Pattern.compile(
          "^export (?=(?:(?:async )?function\\*? |class |const )(\\w+))", Pattern.MULTILINE);
  private static final Pattern OTHER_FORM =
      Pattern.compile("^(import|export)\\b.*|\\bimport\\(.*", Pattern.MULTILINE);
  private static final Pattern STYLESHEET =
      Pattern.compile("( *<link rel=\"stylesheet\" href=\"[^\"]+\">\\n)+");
  private static final Pattern HREF = Pattern.compile("href=\"([^\"]+)\"");
  private static final Pattern SCRIPT =
      Pattern.compile("<script type=\"module\" src=\"([^\"]+)\"></script>");

  /** What HTML takes for the end of a block, whatever a script means by it. */
  private static final Pattern END = Pattern.compile("</(script|style)", Pattern.CASE_INSENSITIVE);

  /** After these two in a script the next end tag is not the script's. */
  private static final Pattern NESTED =
      Pattern.compile("<!--|-->|<script", Pattern.CASE_INSENSITIVE);

  private final Map<String, String> libraries;
  private final Set<Path> done = new LinkedHashSet<>();
  private final Set<String> names = new LinkedHashSet<>();
  private final StringBuilder script = new StringBuilder();

  private Bundle(Map<String, String> libraries) {
    this.libraries = libraries;
  }

  public static void main(String[] arguments) throws IOException {
    Path entry = Path.of(arguments[0]).toAbsolutePath().normalize();
    Path output = Path.of(arguments[1]);
    Map<String, String> libraries = new LinkedHashMap<>();
    for (String argument : List.of(arguments).subList(2, arguments.length)) {
      String[] library = argument.split("=", 2);
      libraries.put(library[0], library[1]);
    }
    Bundle bundle = new Bundle(libraries);
    Files.createDirectories(output.toAbsolutePath().getParent());
    Files.writeString(
        output,
        entry.toString().endsWith(".html") ? bundle.page(entry) : bundle.script(entry));
  }

  private String page(Path entry) throws IOException {
    String html = Files.readString(entry);
    Matcher sheets = only(STYLESHEET, html, entry);
    StringBuilder style = new StringBuilder();
    for (Matcher href = HREF.matcher(sheets.group()); href.find(); ) {
      style.append(Files.readString(entry.resolveSibling(href.group(1))));
    }
    html = html.replace(sheets.group(), "<style>\n" + checked(style.toString(), entry) + "</style>\n");
    Matcher main = only(SCRIPT, html, entry);
    String modules = script(entry.resolveSibling(main.group(1)).normalize());
    return html.replace(main.group(), "<script type=\"module\">\n" + modules + "</script>");
  }

  private String script(Path entry) throws IOException {
    add(entry, new ArrayList<>());
    return checked(script.toString(), entry);
  }

  /** Adds a module after what it imports. */
  private void add(Path module, List<Path> importers) throws IOException {
    if (importers.contains(module)) {
      throw new IllegalArgumentException(module + " imports itself through " + importers);
    }
    if (!done.add(module)) return;
    String name = name(module.getFileName().toString());
    if (!names.add(name)) {
      throw new IllegalArgumentException(module + " has the name of another module or library");
    }
    importers.add(module);
    String text = Files.readString(module);
    for (Matcher found = IMPORT.matcher(text); found.find(); ) {
      String from = found.group(2);
      if (from.startsWith(".")) {
        add(module.resolveSibling(from).normalize(), importers);
      } else if (names.add(name(from))) {
        addLibrary(from);
      }
    }
    importers.remove(module);
    List<String> exports = EXPORT.matcher(text).results().map(found -> found.group(1)).toList();
    text = IMPORT.matcher(text).replaceAll(found -> "const " + found.group(1) + " = \\$" + name(found.group(2)) + ";\n");
    text = EXPORT.matcher(text).replaceAll("");
    Matcher other = OTHER_FORM.matcher(text);
    if (other.find()) {
      throw new IllegalArgumentException(
          module + " has \"" + other.group() + "\", expected one of the forms that Bundle.java names");
    }
    script.append("\n// ---- ").append(name).append('\n');
    if (importers.isEmpty()) {
      script.append(text);
    } else {
      script
          .append("const $" + name + " = (() => {\n")
          .append(text)
          .append("\nreturn { " + String.join(", ", exports) + " };\n})();\n");
    }
  }

  /** What a module or library is called in the script, after a dollar sign. */
  private static String name(String from) {
    return from.replaceAll(".*/|\\.js$", "").replaceAll("\\W", "_");
  }

  private void addLibrary(String from) throws IOException {
    if (!libraries.containsKey(from)) {
      throw new IllegalArgumentException(from + " is no library, expected one of " + libraries.keySet());
    }
    String[] files = libraries.get(from).split(",");
    for (int i = 1; i < files.length; i++) {
      script.append("/*!\n").append(Files.readString(Path.of(files[i])).strip()).append("\n*/\n");
    }
    script
        .append("const $" + name(from))
        .append(" = (() => { const module = { exports: {} }, exports = module.exports;\n")
        .append(Files.readString(Path.of(files[0])).strip())
        .append("\nreturn module.exports; })();\n");
  }

  private static Matcher only(Pattern pattern, String text, Path file) {
    Matcher matcher = pattern.matcher(text);
    if (matcher.results().count() != 1) {
      throw new IllegalArgumentException(file + " has to match " + pattern + " once");
    }
    matcher.reset().find();
    return matcher;
  }

  private static String checked(String block, Path entry) {
    Matcher end = END.matcher(block);
    boolean wrong = end.find();
    boolean comment = false;
    for (Matcher nested = NESTED.matcher(block); nested.find(); ) {
      wrong |= comment && nested.group().startsWith("<s");
      comment = nested.group().equals("<!--") || comment && !nested.group().equals("-->");
    }
    if (wrong) {
      throw new IllegalArgumentException(
          "what " + entry + " includes would not end where HTML sees its end: it has an end tag, or"
              + " \"<script\" after \"<!--\"");
    }
    return block;
  }
}

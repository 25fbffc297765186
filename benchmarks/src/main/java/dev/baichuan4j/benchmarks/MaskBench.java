package dev.baichuan4j.benchmarks;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.ByteMachine;
import dev.baichuan4j.internal.engine.constrain.schema.JsonSchema;
import dev.baichuan4j.internal.json.JsonTree;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

public final class MaskBench {
  static volatile String current;

  public static void main(String[] args) throws IOException {
    Thread watch = new Thread(() -> {
      String last = "";
      while (true) {
        try { Thread.sleep(3000); } catch (InterruptedException e) { return; }
        if (current != null && current.equals(last)) {
          System.out.println("STUCK " + current);
          for (Map.Entry<Thread, StackTraceElement[]> e : Thread.getAllStackTraces().entrySet()) if (e.getKey().getName().equals("main")) {
            for (int i = 0; i < Math.min(14, e.getValue().length); i++) System.out.println("   " + e.getValue()[i]);
          }
        }
        last = current;
      }
    });
    watch.setDaemon(true);
    watch.start();
    List<Path> files;
    try (Stream<Path> all = Files.list(Path.of(args[0]))) {
      files = all.filter(f -> f.toString().endsWith(".json")).sorted().toList();
    }
    Map<String, Integer> refused = new TreeMap<>();
    int passed = 0, compileErrors = 0, validRefused = 0, invalidLet = 0, crash = 0;
    long compileNs = 0;
    List<String> log = new ArrayList<>();
    List<long[]> slow = new ArrayList<>();
    int n = 0;
    for (Path file : files) {
      n++;
      if (args.length > 1 && n % Integer.parseInt(args[1]) != 0) continue;
      current = file + " " + n;
      try {
      Map<?, ?> data = (Map<?, ?>) JsonTree.parse(Files.readString(file), "file");
      String schema = text(data.get("schema"));
      ByteMachine machine;
      long t0 = System.nanoTime();
      try {
        machine = new JsonSchema().compile(schema);
      } catch (InvalidRequestException e) {
        compileErrors++;
        String m = e.getMessage().replaceAll(" at #[^,]*?(, | with value)", " $1").replaceAll("\\s+", " ");
        refused.merge(m.length() > 110 ? m.substring(0, 110) : m, 1, Integer::sum);
        log.add("COMPILE " + file.getFileName() + " " + e.getMessage());
        continue;
      } finally {
        long t = System.nanoTime() - t0;
        compileNs += t;
        slow.add(new long[] {t, n - 1});
      }
      boolean ok = true;
      int i = 0;
      for (Object each : (List<?>) data.get("tests")) {
        Map<?, ?> test = (Map<?, ?>) each;
        byte[] bytes = text(test.get("data")).getBytes(StandardCharsets.UTF_8);
        int state = machine.start();
        int at = 0;
        while (at < bytes.length && state != ByteMachine.DEAD) {
          state = machine.next(state, bytes[at++] & 0xFF);
        }
        boolean accepted = state != ByteMachine.DEAD;
        boolean valid = (Boolean) test.get("valid");
        if (accepted != valid) {
          ok = false;
          if (valid) validRefused++; else invalidLet++;
          log.add((valid ? "REFUSED " : "LET ") + file.getFileName() + " #" + i + " at " + at + ": "
              + new String(bytes, 0, at, StandardCharsets.UTF_8).substring(Math.max(0, new String(bytes, 0, at, StandardCharsets.UTF_8).length() - 60)));
        }
        i++;
      }
      if (ok) passed++;
      } catch (RuntimeException | StackOverflowError e) {
        crash++;
        log.add("CRASH " + file.getFileName() + " " + e + " " + (e.getStackTrace().length > 0 ? e.getStackTrace()[0] : ""));
      }
    }
    slow.sort((a, b) -> Long.compare(b[0], a[0]));
    for (long[] s : slow.subList(0, Math.min(15, slow.size()))) {
      log.add("SLOW " + s[0] / 1000 + " us " + files.get((int) s[1]).getFileName());
    }
    Files.write(Path.of("/tmp/mb.log"), log);
    System.out.printf("passed %d of %d, compile errors %d, valid refused %d, invalid let %d, crash %d, compile mean %.1f us%n", passed, files.size(), compileErrors, validRefused, invalidLet, crash, compileNs / 1e3 / files.size());
    refused.entrySet().stream().sorted((a, b) -> b.getValue() - a.getValue()).limit(60).forEach(e -> System.out.println(e.getValue() + " " + e.getKey()));
  }

  static String text(Object value) {
    StringBuilder out = new StringBuilder();
    write(value, out);
    return out.toString();
  }

  private static void write(Object value, StringBuilder out) {
    if (value instanceof Map<?, ?> map) {
      String sep = "{";
      for (Map.Entry<?, ?> e : map.entrySet()) {
        out.append(sep);
        write(e.getKey(), out);
        out.append(": ");
        write(e.getValue(), out);
        sep = ", ";
      }
      out.append(map.isEmpty() ? "{}" : "}");
    } else if (value instanceof List<?> list) {
      String sep = "[";
      for (Object e : list) {
        out.append(sep);
        write(e, out);
        sep = ", ";
      }
      out.append(list.isEmpty() ? "[]" : "]");
    } else if (value instanceof String s) {
      out.append('"');
      for (int i = 0; i < s.length(); i++) {
        char c = s.charAt(i);
        switch (c) {
          case '"' -> out.append("\\\"");
          case '\\' -> out.append("\\\\");
          case '\n' -> out.append("\\n");
          case '\r' -> out.append("\\r");
          case '\t' -> out.append("\\t");
          case '\b' -> out.append("\\b");
          case '\f' -> out.append("\\f");
          default -> {
            if (c < 0x20) out.append(String.format("\\u%04x", (int) c)); else out.append(c);
          }
        }
      }
      out.append('"');
    } else {
      out.append(value);
    }
  }
}

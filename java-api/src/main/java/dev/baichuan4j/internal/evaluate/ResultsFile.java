package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.json.JsonText;
import dev.baichuan4j.internal.json.JsonTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The outcomes of one or two runs, in memory and in a file that has them line by line as they come:
 * first what was asked of which models, then a line for each outcome. A run that ends too early is
 * continued from its file; what a kill has left of a last line is done anew. For one thread, and
 * one process at a time.
 */
public final class ResultsFile implements AutoCloseable {
  private final Path file; // or null
  private final FileChannel channel; // or null
  private final List<Map<Place, Outcome>> runs = new ArrayList<>();

  private ResultsFile(Path file, FileChannel channel, int runs) {
    this.file = file;
    this.channel = channel;
    for (int i = 0; i < runs; i++) {
      this.runs.add(new LinkedHashMap<>());
    }
  }

  /** Outcomes that no file keeps. */
  public static ResultsFile inMemory(int runs) {
    return new ResultsFile(null, null, runs);
  }

  /**
   * Opens a file, or begins one.
   *
   * @param header what was asked of which models: texts, numbers, booleans, lists and maps
   * @param runs how many there are
   * @throws InvalidRequestException if the file is of another task, model or setting
   * @throws ModelFormatException if it is something else, or damaged
   */
  public static ResultsFile open(Path file, Map<String, Object> header, int runs) {
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      requireAlone(channel, file);
      ResultsFile results = new ResultsFile(file, channel, runs);
      results.read(JsonText.of(header));
      return results;
    } catch (IOException e) {
      close(channel);
      throw PathProblem.unwritable(file, e);
    } catch (RuntimeException e) {
      close(channel);
      throw e;
    }
  }

  private static void close(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void requireAlone(FileChannel channel, Path file) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw new InvalidRequestException(
          "results", file + " has another writer at work on it, expected none");
    }
  }

  private void read(String header) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n') { // a kill may cut a line in the middle of a letter
      end--;
    }
    if (end == 0) {
      byte[] first = (header + "\n").getBytes(StandardCharsets.UTF_8);
      if (Arrays.mismatch(first, 0, Math.min(bytes.length, first.length), bytes, 0, bytes.length)
          >= 0) {
        throw new ModelFormatException(
            file, "line 1", "the results of an evaluation, or no file", "something else");
      }
      channel.truncate(0);
      write(header);
      return;
    }
    String[] lines = TextFile.decode(file, Arrays.copyOf(bytes, end)).split("\n");
    requireSame(lines[0], header);
    for (int i = 1; i < lines.length; i++) {
      take(lines[i], "line " + (i + 1));
    }
    channel.truncate(end);
    channel.position(end);
  }

  private void requireSame(String found, String header) {
    if (found.equals(header)) {
      return;
    }
    if (!(tree(found, "line 1") instanceof Map<?, ?> there) || !there.containsKey("task_sha256")) {
      throw new ModelFormatException(
          file, "line 1", "the results of an evaluation, or no file", "something else");
    }
    Map<?, ?> wanted = (Map<?, ?>) JsonTree.parse(header, "header");
    for (Map.Entry<?, ?> setting : wanted.entrySet()) {
      String has = JsonText.of(there.get(setting.getKey()));
      String expected = JsonText.of(setting.getValue());
      if (!has.equals(expected)) {
        throw new InvalidRequestException(
            "results",
            file
                + ": "
                + setting.getKey()
                + " has "
                + has
                + ", expected "
                + expected
                + " as it is asked for now: these are results of something else, name another file");
      }
    }
    throw new ModelFormatException(file, "line 1", "the settings of this version", "others");
  }

  private Object tree(String line, String place) {
    try {
      return JsonTree.parse(line, place);
    } catch (InvalidRequestException e) {
      throw new ModelFormatException(file, place, "a JSON object", e.getMessage(), e);
    }
  }

  private void take(String line, String place) {
    if (!(tree(line, place) instanceof Map<?, ?> json)
        || !(json.get("run") instanceof BigDecimal run)
        || run.intValue() < 0
        || run.intValue() >= runs.size()) {
      throw new ModelFormatException(file, place, "an outcome of a run", "something else");
    }
    Outcome outcome;
    try {
      outcome = Outcome.of(json);
    } catch (InvalidRequestException e) {
      throw new ModelFormatException(file, place, "an outcome", e.getMessage(), e);
    }
    if (runs.get(run.intValue()).put(outcome.place(), outcome) != null) {
      throw new ModelFormatException(file, place, "each question once", "a question again");
    }
  }

  private void write(String line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Adds an outcome, which the system has when this returns. */
  public void add(int run, Outcome outcome) {
    runs.get(run).put(outcome.place(), outcome);
    if (channel != null) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("run", run);
      json.putAll(outcome.json());
      try {
        write(JsonText.of(json));
      } catch (IOException e) {
        throw PathProblem.unwritable(file, e);
      }
    }
  }

  /** Returns whether a run has an outcome of a place. */
  public boolean has(int run, Place place) {
    return runs.get(run).containsKey(place);
  }

  /** Returns how many outcomes a run has. */
  public int size(int run) {
    return runs.get(run).size();
  }

  /** Returns the outcomes of a run by place, in the order in which they came. */
  public Map<Place, Outcome> outcomes(int run) {
    return Collections.unmodifiableMap(runs.get(run));
  }

  /** Lets others write the file. */
  @Override
  public void close() {
    close(channel);
  }
}

package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The data files of a task. A split is told by a folder ({@code dev/subject_dev.csv}, {@code
 * dev/subject.csv}) or by the end of a name ({@code subject_dev.csv}, {@code dev.csv}); a file of
 * which neither tells a split is a subject of its own.
 */
final class TaskFiles {
  private static final List<String> EXTENSIONS = List.of(".csv", ".jsonl", ".txt");
  private static final List<String> SPLITS = List.of("train", "dev", "val", "test");

  /** Where examples are looked for, in this order. */
  private static final List<String> EXAMPLES = List.of("dev", "train");

  /**
   * A data file.
   *
   * @param split empty where nothing tells one
   */
  record Entry(String subject, String split, Path file) {}

  private final Path task;
  private final Path root; // the folder that the files, or the folders of the splits, are in
  private final List<Entry> entries; // by subject
  private final Path only; // the one file that is asked of, or null
  private final List<Path> others; // data files in another form, which are not asked of

  private TaskFiles(Path task, Path root, List<Entry> entries, Path only, List<Path> others) {
    this.task = task;
    this.root = root;
    this.entries = entries;
    this.only = only;
    this.others = others;
  }

  /**
   * Finds the files of a folder, or of the folder that a file is in.
   *
   * @throws InvalidRequestException if there is none, or it has another extension
   */
  static TaskFiles of(Path task) {
    if (Files.isDirectory(task)) {
      List<List<Entry>> found =
          EXTENSIONS.stream()
              .map(extension -> entries(task, extension))
              .filter(entries -> !entries.isEmpty())
              .toList();
      if (found.isEmpty()) {
        throw new InvalidRequestException(
            "task",
            "task has value " + task + ", expected a folder with .csv, .jsonl or .txt files");
      }
      List<Path> others = found.stream().skip(1).flatMap(List::stream).map(Entry::file).toList();
      return new TaskFiles(task, task, found.get(0), null, others);
    }
    PathProblem.requireFile(task, "a file of questions or a folder");
    String extension =
        EXTENSIONS.stream()
            .filter(task.toString()::endsWith)
            .findFirst()
            .orElseThrow(
                () ->
                    new InvalidRequestException(
                        "task",
                        "task has value " + task + ", expected a .csv, .jsonl or .txt file"));
    Path file = task.toAbsolutePath();
    Path folder = file.getParent();
    boolean isInSplit = folder.getParent() != null && SPLITS.contains(name(folder));
    Path root = isInSplit ? folder.getParent() : folder;
    return new TaskFiles(task, root, entries(root, extension), file.normalize(), List.of());
  }

  private static List<Entry> entries(Path folder, String extension) {
    Path root = folder.toAbsolutePath().normalize();
    List<Entry> entries = new ArrayList<>();
    for (String split : SPLITS) {
      if (Files.isDirectory(root.resolve(split))) {
        for (Path file : files(root.resolve(split), extension)) {
          String base = base(file, extension);
          String suffix = base.endsWith("_" + split) ? "_" + split : "";
          entries.add(new Entry(base.substring(0, base.length() - suffix.length()), split, file));
        }
      }
    }
    if (entries.isEmpty()) {
      for (Path file : files(root, extension)) {
        entries.add(flat(name(root), base(file, extension), file));
      }
    }
    entries.sort(Comparator.comparing(Entry::subject));
    return entries;
  }

  private static Entry flat(String folder, String base, Path file) {
    for (String split : SPLITS) {
      if (base.equals(split)) {
        return new Entry(folder, split, file);
      }
      if (base.endsWith("_" + split)) {
        return new Entry(base.substring(0, base.length() - split.length() - 1), split, file);
      }
    }
    return new Entry(base, "", file);
  }

  private static List<Path> files(Path folder, String extension) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(extension) && !name(file).startsWith("."))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw PathProblem.unreadable(folder, "folder", "a folder", e);
    }
  }

  private static String base(Path file, String extension) {
    String name = name(file);
    return name.substring(0, name.length() - extension.length());
  }

  private static String name(Path path) {
    return path.getFileName() == null ? "" : path.getFileName().toString();
  }

  /** Returns the data files of the folder that are not read, because others have another form. */
  List<Path> others() {
    return others;
  }

  /** Returns how the names of the files end. */
  String extension() {
    String name = name(only != null ? only : entries.get(0).file());
    return name.substring(name.lastIndexOf('.'));
  }

  /**
   * Returns the splits that can be asked for, the usual one first: {@code test}, {@code val}, files
   * of no split, {@code dev}, {@code train}. For a single file it is its own.
   */
  List<String> splits() {
    if (only != null) {
      return List.of(onlyEntry().split());
    }
    Set<String> there = new HashSet<>();
    entries.forEach(entry -> there.add(entry.split()));
    return Stream.of("test", "val", "", "dev", "train").filter(there::contains).toList();
  }

  private Entry onlyEntry() {
    return entries.stream()
        .filter(entry -> entry.file().equals(only))
        .findFirst()
        .orElseGet(() -> new Entry(name(only), "", only)); // a hidden file
  }

  /**
   * Returns the files with the questions of a split.
   *
   * @throws InvalidRequestException if there is none
   */
  List<Entry> questions(String split) {
    if (!splits().contains(split)) {
      throw new InvalidRequestException(
          "split",
          "split has value " + split + ", expected one that " + task + " has: " + splits());
    }
    return only != null
        ? List.of(onlyEntry())
        : entries.stream().filter(entry -> entry.split().equals(split)).toList();
  }

  /** Returns the file with the examples of a subject, if there is one beside its questions. */
  Optional<Path> examples(Entry questions) {
    return EXAMPLES.stream()
        .filter(split -> !split.equals(questions.split()))
        .flatMap(
            split ->
                entries.stream()
                    .filter(
                        entry ->
                            entry.split().equals(split)
                                && entry.subject().equals(questions.subject())))
        .map(Entry::file)
        .findFirst();
  }

  /** Returns a file of the folder that is no data file, if it is there. */
  Optional<Path> beside(String name) {
    Path file = root.resolve(name);
    return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
  }
}

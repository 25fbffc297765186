package dev.baichuan4j.internal.inspect;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.chat.TemplateFile;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.ExtremeWeight;
import dev.baichuan4j.internal.checkpoint.PackedFile;
import dev.baichuan4j.internal.checkpoint.PackedTensorEntry;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/** Reads all of a model's files and says what is wrong with them. */
public final class Verification {
  private static final int CHUNK = 1 << 20;

  private final Checkpoint checkpoint;
  private final ProgressListener progress;
  private final List<String> problems = new ArrayList<>();
  private final long total;
  private long done;

  private Verification(Checkpoint checkpoint, ProgressListener progress) {
    this.checkpoint = checkpoint;
    this.progress = progress;
    this.total = checkpoint.names().stream().mapToLong(n -> checkpoint.tensor(n).bytes()).sum();
  }

  /**
   * Checks that every tensor is there with its shape, that checksums are right where the file has
   * them, that every number is finite, and that the tokenizer and the chat template can be read.
   *
   * @return what is wrong, a message each; empty where nothing is
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public static List<String> run(Checkpoint checkpoint, ProgressListener progress) {
    Verification verification = new Verification(checkpoint, progress);
    verification.attempt(checkpoint::checkShapes);
    verification.attempt(verification::readSmallFiles);
    verification.attempt(verification::checksums);
    verification.numbers();
    return List.copyOf(verification.problems);
  }

  private void attempt(Runnable check) {
    try {
      check.run();
    } catch (ModelFormatException e) {
      problems.add(e.getMessage());
    }
  }

  private void readSmallFiles() {
    NamedFiles files = checkpoint.files();
    int vocabulary = checkpoint.architecture().vocabularySize();
    TokenizerFiles.find(files)
        .ifPresent(
            name -> {
              int pieces = TokenizerFiles.load(files, name).vocabularySize();
              if (pieces > vocabulary) {
                throw new ModelFormatException(
                    files.place(name),
                    "tokenizer",
                    "at most " + vocabulary + " pieces",
                    pieces + " pieces");
              }
            });
    TemplateFile.find(files);
  }

  private void checksums() {
    if (checkpoint.form() != Checkpoint.Form.PACKED) {
      return;
    }
    PackedFile packed = PackedFile.open(checkpoint.path());
    try (FileBytes file = FileBytes.open(packed.file())) {
      long read = 0;
      for (PackedTensorEntry entry : packed.entries()) {
        CRC32C crc = new CRC32C();
        for (long at = 0; at < entry.bytes(); at += CHUNK) {
          OperationInterruptedException.check("reading " + packed.file());
          progress.progress("checksums", read + at, total);
          long bytes = Math.min(CHUNK, entry.bytes() - at);
          crc.update(file.read(entry.offset() + at, bytes, entry.name()));
        }
        read += entry.bytes();
        if ((int) crc.getValue() != entry.checksum()) {
          problems.add(
              new ModelFormatException(
                      packed.file(),
                      entry.name(),
                      "CRC32C %08x, as it was written".formatted(entry.checksum()),
                      "CRC32C %08x; the file is damaged".formatted((int) crc.getValue()))
                  .getMessage());
        }
      }
    }
  }

  private void numbers() {
    Map<String, TensorSpec> matrices = ModelReport.packedMatrices(checkpoint);
    for (String name : checkpoint.names()) {
      OperationInterruptedException.check("reading " + checkpoint.path());
      progress.progress("numbers", done, total);
      attempt(() -> finite(name, matrices));
      done += checkpoint.tensor(name).bytes();
    }
    progress.progress("numbers", total, total);
  }

  private void finite(String name, Map<String, TensorSpec> matrices) {
    TensorEntry entry =
        matrices.containsKey(name)
            ? checkpoint.numbers(matrices.get(name))
            : checkpoint.tensor(name);
    if (entry.rows().isEmpty() && !entry.dtype().isWeight()) {
      return; // not read by the model either
    }
    ExtremeWeight.find(entry, Float.MAX_VALUE)
        .ifPresent(
            weight -> {
              throw new ModelFormatException(
                  entry.file(), name, "finite numbers", weight.toString());
            });
  }
}

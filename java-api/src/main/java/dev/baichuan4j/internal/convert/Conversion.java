package dev.baichuan4j.internal.convert;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.chat.TemplateFile;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.Fingerprint;
import dev.baichuan4j.internal.checkpoint.HeldFiles;
import dev.baichuan4j.internal.checkpoint.LargeBlocks;
import dev.baichuan4j.internal.checkpoint.OutputFolder;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.gguf.GgufHeader;
import dev.baichuan4j.internal.lora.MergedWeights;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.PanelEncoder;
import dev.baichuan4j.internal.tokenizer.VocabularyTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Writes a model in another form. A block of rows is in memory at a time. What is written appears
 * under its name when all of it is on the disk ({@link OutputFolder}); until then a {@link Journal}
 * beside it tells which tensors are, and the same conversion goes on behind them after the process
 * was killed, the thread interrupted, or the disk full.
 */
public final class Conversion {
  private static final int READ_BYTES = 1 << 20;

  private final Checkpoint source;
  private final Target form;
  private final Weights weights;
  private final Path target;
  private final int threads;
  private final ProgressListener progress;
  private final List<OutputTensor> tensors;
  private final Container container;

  /**
   * Plans a conversion.
   *
   * @param weights which kind is written
   * @param target the folder or file, which is not there yet
   * @param threads that quantize; 0 for as many as there are physical cores
   * @throws InvalidRequestException if the form cannot hold the weights or the model
   * @throws dev.baichuan4j.ModelFormatException if a tensor is missing or not as it should be
   */
  public Conversion(
      Checkpoint source,
      Target form,
      Weights weights,
      Path target,
      int threads,
      ProgressListener progress) {
    this.source = source;
    this.form = form;
    this.weights = weights;
    this.target = target;
    this.threads = threads;
    this.progress = progress;
    source.checkShapes();
    Optional<Kind> matrices = weights.kind(form, source);
    Map<String, byte[]> files = HeldFiles.of(source);
    // Codes of queries, keys and values that a file has apart may be of different kinds.
    boolean keepsCodes = matrices.filter(Kind.CODES::equals).isPresent();
    Architecture model =
        keepsCodes
            ? source.architecture()
            : ConfigFile.parse(files.get(HeldFiles.CONFIG), source.path().toString());
    TensorPlan plan = new TensorPlan(source, model, matrices);
    this.tensors = form == Target.GGUF ? plan.gguf() : plan.published();
    this.container =
        switch (form) {
          case SAFETENSORS -> new SafetensorsContainer(files, tensors);
          case PACKED ->
              new PackedContainer(
                  "baichuan4j " + Ops.nativeVersion(), files, whole(matrices), tensors);
          case GGUF -> new GgufContainer(keys(model, matrices), tensors);
        };
  }

  /** What the matrices of a packed file are as a whole. */
  private Optional<Quant> whole(Optional<Kind> matrices) {
    return matrices
        .filter(Kind::isPacked)
        .map(
            kind ->
                kind == Kind.CODES
                    ? source.packed().map(PackedWeights::quant).orElse(Quant.STORED)
                    : kind.quant());
  }

  /**
   * Adds adapters to a model that is to be converted, as one that is loaded has them added.
   *
   * @param adapters folders as peft writes them; none for the model as it is
   * @throws InvalidRequestException if its matrices are codes, and are to be written as they are
   *     stored: a sum with them is no such code
   * @throws dev.baichuan4j.ModelFormatException if an adapter cannot be read or added
   */
  public static Checkpoint merged(Checkpoint source, List<Path> adapters, Weights weights) {
    if (adapters.isEmpty()) {
      return source;
    }
    boolean coded = source.names().stream().anyMatch(name -> source.tensor(name).isCoded());
    if (coded && weights == Weights.STORED) {
      throw new InvalidRequestException(
          "weights",
          weights + " beside --lora",
          "bf16 or another kind: the matrices are codes, and their sums with an adapter are rounded"
              + " anew");
    }
    return MergedWeights.of(source, adapters);
  }

  private GgufHeader keys(Architecture model, Optional<Kind> matrices) {
    Kind most = matrices.orElseGet(() -> tensors.get(0).kind());
    int fileType =
        switch (most) {
          case F32 -> 0;
          case F16 -> 1;
          case Q4_0 -> 2;
          case Q4_1 -> 3;
          case Q8_0 -> 7;
          default -> 32; // bf16
        };
    Path name = source.path().toAbsolutePath().getFileName();
    return GgufKeys.write(
        model,
        String.valueOf(name).replaceFirst("\\.(gguf|bc4j)$", ""),
        fileType,
        VocabularyTable.of(source.files()),
        source
            .files()
            .find("generation_config.json", HeldFiles.MAX_BYTES, "a config")
            .map(json -> new String(json, StandardCharsets.UTF_8)),
        TemplateFile.textOf(source.files()));
  }

  /**
   * Writes the target.
   *
   * @param resumable whether it goes on with what the same conversion has left, and leaves what it
   *     has written where it is interrupted or cannot write on
   * @return norm of what was lost over the norm of the numbers, of each tensor that was rounded or
   *     quantized
   * @throws InvalidRequestException if something has the target's name
   * @throws dev.baichuan4j.ModelFormatException if a number cannot be held
   * @throws OutputException if the disk is full or cannot be written, or the target has another
   *     writer
   * @throws OperationInterruptedException if the thread is interrupted
   */
  public Map<String, Double> run(boolean resumable) {
    String work = "baichuan4j conversion 1 " + work();
    try (OutputFolder output = OutputFolder.resume(target)) {
      try {
        if (!resumable || !Journal.continues(output.notes(), work)) {
          output.clear();
        }
        Map<String, Double> losses = write(output, work);
        output.commit();
        return losses;
      } catch (OperationInterruptedException | OutputException e) {
        keep(output, resumable);
        throw e;
      } catch (IOException e) {
        keep(output, resumable);
        throw OutputFolder.failure(target, e);
      } catch (UncheckedIOException e) {
        keep(output, resumable);
        throw OutputFolder.failure(target, e.getCause());
      }
    }
  }

  private static void keep(OutputFolder output, boolean resumable) {
    if (resumable) {
      output.keep();
    }
  }

  /** What tells this work from another: what is read, and each byte that does not depend on it. */
  private String work() {
    CRC32C crc = new CRC32C();
    crc.update(container.header(new int[tensors.size()], new double[tensors.size()]));
    return "%s of %s %s as %s, header %x, %d bytes"
        .formatted(
            form,
            source.path().toAbsolutePath(),
            Fingerprint.of(source),
            weights,
            crc.getValue(),
            container.end())
        .replace('\n', ' ');
  }

  private Map<String, Double> write(OutputFolder output, String work) throws IOException {
    Path content = output.path();
    Path file = container.file(content);
    if (!file.equals(content)) {
      Files.createDirectories(content);
    }
    long there = Files.exists(file) ? Files.size(file) : 0;
    output.requireRoom(container.end() - there);
    try (Journal journal = Journal.open(output.notes(), work, tensors.size());
        PanelEncoder panels = panels();
        FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      verify(journal, channel);
      Encoder encoder = new Encoder(panels);
      LargeBlocks blocks = new LargeBlocks(channel);
      long total = container.end();
      for (int i = 0; i < tensors.size(); i++) {
        if (!journal.isDone(i)) {
          write(i, journal, encoder, blocks, channel, total);
        }
      }
      write(container.header(journal.checksums(), journal.losses()), 0, channel);
      if (channel.size() < total) {
        write(ByteBuffer.allocate(1), total - 1, channel);
      }
      channel.force(true);
      container.writeOthers(content);
      progress.progress("convert", total, total);
      return losses(journal);
    }
  }

  private PanelEncoder panels() {
    return tensors.stream().anyMatch(t -> t.kind().isPacked() && t.copied().isEmpty())
        ? new PanelEncoder(threads)
        : null;
  }

  /** What was noted is on the disk, if the file is the one of then: its bytes tell. */
  private void verify(Journal journal, FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
    for (int i = 0; i < tensors.size(); i++) {
      if (!journal.isDone(i)) {
        continue;
      }
      OperationInterruptedException.check("writing " + target);
      progress.progress("check", container.offset(i), container.end());
      CRC32C crc = new CRC32C();
      long end = container.offset(i) + container.bytes(i);
      for (long at = container.offset(i); at < end; ) {
        buffer.clear().limit((int) Math.min(READ_BYTES, end - at));
        int read = channel.read(buffer, at);
        if (read < 0) {
          break;
        }
        crc.update(buffer.flip());
        at += read;
      }
      if ((int) crc.getValue() != journal.checksums()[i]) {
        journal.forget(i);
      }
    }
  }

  private void write(
      int i, Journal journal, Encoder encoder, LargeBlocks blocks, FileChannel channel, long total)
      throws IOException {
    CRC32C crc = new CRC32C();
    long[] at = {container.offset(i)};
    double loss =
        encoder.encode(
            tensors.get(i),
            bytes -> {
              OperationInterruptedException.check("writing " + target);
              progress.progress("convert", at[0], total);
              crc.update(bytes.duplicate());
              at[0] += bytes.remaining();
              writeUnchecked(bytes, at[0] - bytes.remaining(), blocks);
            });
    long rest = container.offset(i) + container.bytes(i) - at[0];
    if (rest < 0) {
      throw new IllegalStateException(tensors.get(i).name() + " has more bytes than its place");
    }
    ByteBuffer fill = ByteBuffer.allocate(Math.toIntExact(rest));
    crc.update(fill.duplicate());
    blocks.write(fill, at[0]);
    blocks.flush();
    channel.force(false);
    OutputTensor tensor = tensors.get(i);
    // What a matrix lost when it was quantized stays with it.
    journal.add(
        i, (int) crc.getValue(), tensor.copied().isPresent() ? source.loss(tensor.name()) : loss);
  }

  private static void writeUnchecked(ByteBuffer bytes, long at, LargeBlocks blocks) {
    try {
      blocks.write(bytes, at);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(ByteBuffer bytes, long offset, FileChannel channel) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  private Map<String, Double> losses(Journal journal) {
    Map<String, Double> losses = new LinkedHashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      if (journal.losses()[i] > 0 && tensors.get(i).copied().isEmpty()) {
        losses.put(tensors.get(i).name(), journal.losses()[i]);
      }
    }
    return losses;
  }
}

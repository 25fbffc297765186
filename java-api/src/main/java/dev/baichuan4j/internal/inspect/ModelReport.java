package dev.baichuan4j.internal.inspect;

import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigWriter;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.chat.TemplateFile;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedFile;
import dev.baichuan4j.internal.checkpoint.PackedTensorEntry;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * What the files of a model say. Only headers and small files are read.
 *
 * @param path the folder, or the file that holds all of the model
 * @param form how the model is there
 * @param config what it is made of, by the keys of a {@code config.json}
 * @param usualWeights the kind of weights that it is loaded with unless told otherwise
 * @param tokenizer what its tokenizer is, where it has one
 * @param chatTemplate the text of its chat template, where it has one
 * @param generationConfig the content of its {@code generation_config.json}, where it has one
 * @param tensors in the order in which they lie
 */
public record ModelReport(
    Path path,
    Checkpoint.Form form,
    Map<String, Object> config,
    Quant usualWeights,
    Optional<String> tokenizer,
    Optional<String> chatTemplate,
    Optional<String> generationConfig,
    List<TensorReport> tensors) {
  private static final int MAX_CONFIG_BYTES = 1 << 20;

  /**
   * Reads what the files of a model say.
   *
   * @throws dev.baichuan4j.ModelFormatException if one of them is malformed
   */
  public static ModelReport of(Checkpoint checkpoint) {
    NamedFiles files = checkpoint.files();
    return new ModelReport(
        checkpoint.path(),
        checkpoint.form(),
        ConfigWriter.config(checkpoint.architecture()),
        checkpoint.usualWeights().orElse(Quant.BF16),
        TokenizerFiles.find(files).map(name -> tokenizer(files, name)),
        TemplateFile.textOf(files),
        files
            .find("generation_config.json", MAX_CONFIG_BYTES, "a config")
            .map(bytes -> new String(bytes, StandardCharsets.UTF_8)),
        tensors(checkpoint));
  }

  private static String tokenizer(NamedFiles files, String name) {
    Tokenizer tokenizer = TokenizerFiles.load(files, name);
    String kind = name.endsWith(".json") ? "byte-level BPE" : "SentencePiece";
    return kind + ", " + tokenizer.vocabularySize() + " pieces";
  }

  private static List<TensorReport> tensors(Checkpoint checkpoint) {
    Map<String, TensorSpec> matrices = packedMatrices(checkpoint);
    Set<String> used = new HashSet<>(matrices.keySet());
    checkpoint.architecture().tensors().forEach(spec -> used.add(spec.name()));
    if (checkpoint.hasHeadScale()) {
      used.add(PackedWeights.HEAD_SCALE);
    }
    Map<String, PackedTensorEntry> told = new HashMap<>();
    if (checkpoint.form() == Checkpoint.Form.PACKED) {
      PackedFile.open(checkpoint.path()).entries().forEach(e -> told.put(e.name(), e));
    }
    List<TensorReport> tensors = new ArrayList<>();
    for (String name : checkpoint.names()) {
      TensorEntry entry = checkpoint.tensor(name);
      TensorEntry numbers =
          matrices.containsKey(name) ? checkpoint.numbers(matrices.get(name)) : entry;
      tensors.add(
          new TensorReport(
              name,
              numbers.rows().map(StoredRows::kind).orElse(numbers.dtype().name()),
              Arrays.stream(numbers.shape()).boxed().toList(),
              entry.file(),
              entry.offset(),
              entry.bytes(),
              used.contains(name),
              told.containsKey(name)
                  ? OptionalDouble.of(told.get(name).loss())
                  : OptionalDouble.empty()));
    }
    return tensors;
  }

  /** The matrices that are stored in panels, by their names. */
  static Map<String, TensorSpec> packedMatrices(Checkpoint checkpoint) {
    Map<String, TensorSpec> matrices = new LinkedHashMap<>();
    Architecture model = checkpoint.architecture();
    checkpoint
        .packed()
        .ifPresent(
            packed ->
                model.matrices().stream()
                    .filter(spec -> packed.holds(spec.name()))
                    .forEach(spec -> matrices.put(spec.name(), spec)));
    return matrices;
  }

  /** Returns the bytes of all tensors. */
  public long bytes() {
    return tensors.stream().mapToLong(TensorReport::bytes).sum();
  }
}

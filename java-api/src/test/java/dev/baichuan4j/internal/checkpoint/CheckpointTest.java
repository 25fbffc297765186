package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.assertRefused;
import static dev.baichuan4j.internal.checkpoint.TestFiles.index;
import static dev.baichuan4j.internal.checkpoint.TestFiles.safetensors;
import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static dev.baichuan4j.internal.checkpoint.TestFiles.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

  private static final String CONFIG =
      "{\"architectures\": [\"BaichuanForCausalLM\"], \"model_type\": \"baichuan\","
          + " \"hidden_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 1,"
          + " \"intermediate_size\": 16, \"vocab_size\": 10, \"rms_norm_eps\": 1e-6,"
          + " \"model_max_length\": 32, \"eos_token_id\": 2}";
  private static final String NORM = "model.norm.weight";

  @TempDir Path folder;
  private Path file;
  private Path index;
  private Architecture model;
  private Map<String, long[]> shapes;

  @BeforeEach
  void writeConfig() throws IOException {
    write(folder.resolve("config.json"), utf8(CONFIG));
    file = folder.resolve("model.safetensors");
    index = folder.resolve("model.safetensors.index.json");
    model = ConfigFile.parse(utf8(CONFIG), "config.json");
    shapes = new LinkedHashMap<>();
    model.tensors().forEach(tensor -> shapes.put(tensor.name(), tensor.shape()));
  }

  @Test
  void opensACompleteFolder() throws IOException {
    shapes.put("model.layers.0.lora", new long[] {3});
    safetensors(file, shapes);
    Checkpoint checkpoint = Checkpoint.open(folder);
    checkpoint.checkShapes();
    assertEquals(11, checkpoint.names().size());
    assertEquals(folder, checkpoint.folder());
    assertEquals(Optional.empty(), checkpoint.generationConfig());
    assertEquals(Optional.empty(), checkpoint.find("lm_head.bias"));
    assertEquals(file, checkpoint.require(NORM, 8).file());
  }

  /** Writes zeros for the weights, in a file that says that its matrices are packed. */
  private void packed(List<SafetensorsWriter.Entry> entries) {
    Map<String, String> metadata =
        PackedWeights.metadata(Quant.INT4, 1, Map.of(), model.matrices());
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, metadata, entries)) {
      entries.forEach(entry -> writer.bytes(ByteBuffer.allocate((int) entry.bytes())));
    }
  }

  @Test
  void packedMatricesAreAsLongAsTheirShapeAndAligned() throws IOException {
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    Set<String> matrices =
        model.matrices().stream().map(TensorSpec::name).collect(Collectors.toSet());
    shapes.forEach(
        (name, shape) ->
            entries.add(
                matrices.contains(name)
                    ? new SafetensorsWriter.Entry(name, DType.U8, PackedTensorKind.Q4.bytes(shape))
                    : new SafetensorsWriter.Entry(name, DType.BF16, shape)));
    entries.sort(Comparator.comparing(entry -> entry.dtype() == DType.BF16));
    packed(entries);
    Checkpoint checkpoint = Checkpoint.open(folder);
    checkpoint.checkShapes();
    PackedWeights found = checkpoint.packed().orElseThrow();
    assertEquals(Quant.INT4, found.quant());
    assertEquals(matrices, found.matrices().keySet());
    assertEquals(PackedTensorKind.Q4, found.kindOf("lm_head.weight"));

    entries.add(0, entries.remove(entries.size() - 1)); // 16 bytes of a norm before the matrices
    packed(entries);
    String first = entries.get(1).name();
    assertTrue(refusal().contains(first + " has "), refusal());
    assertTrue(refusal().contains("expected an offset that is a multiple of 64"), refusal());

    entries.add(entries.remove(0));
    entries.set(0, new SafetensorsWriter.Entry(first, DType.U8, entries.get(0).bytes() - 64));
    packed(entries);
    assertTrue(refusal().contains("bytes of U8 for int4 " + Arrays.toString(shapes.get(first))));
  }

  private String refusal() {
    Checkpoint checkpoint = Checkpoint.open(folder);
    return assertThrows(ModelFormatException.class, checkpoint::checkShapes).getMessage();
  }

  @Test
  void opensAFileOrAnIndexInAFolder() throws IOException {
    safetensors(folder.resolve("other.safetensors"), shapes);
    assertEquals(10, Checkpoint.open(folder.resolve("other.safetensors")).names().size());
    index(index, Map.of(NORM, "other.safetensors"));
    assertEquals(1, Checkpoint.open(index).names().size());
  }

  @Test
  void prefersSafetensors() throws IOException {
    write(folder.resolve("pytorch_model.bin"), utf8("not read"));
    safetensors(folder.resolve("shard.safetensors"), shapes);
    index(index, Map.of(NORM, "shard.safetensors"));
    assertEquals(1, Checkpoint.open(folder).names().size());
    safetensors(file, shapes);
    assertEquals(10, Checkpoint.open(folder).names().size());
  }

  @Test
  void readsGenerationConfigWhereThereIsOne() throws IOException {
    safetensors(file, shapes);
    Path generation = write(folder.resolve("generation_config.json"), utf8("{\"top_k\": 5}"));
    assertEquals(5, Checkpoint.open(folder).generationConfig().orElseThrow().topK().getAsInt());
    write(generation, utf8("{\"user_token_id\": 10}"));
    assertRefused(
        generation,
        "user_token_id has 10, expected an integer from 0 to 9",
        () -> Checkpoint.open(folder));
  }

  @Test
  void rejectsMissingFolderAndOtherFiles() throws IOException {
    Path absent = folder.resolve("absent");
    assertRefused(
        absent,
        "path has nothing there, expected a model's folder or file",
        () -> Checkpoint.open(absent));
    Path text = write(folder.resolve("model.ckpt"), utf8("GGUF"));
    assertRefused(
        text,
        "path has another file, expected a model's folder, *.bc4j, *.gguf, *.safetensors or *.bin file",
        () -> Checkpoint.open(text));
  }

  @Test
  void rejectsFolderWithoutWeightsOrConfig() throws IOException {
    assertRefused(
        folder,
        "folder has no weights, expected model.safetensors, pytorch_model.bin, or the .index.json"
            + " of one with its shards",
        () -> Checkpoint.open(folder));
    safetensors(file, shapes);
    Path config = folder.resolve("config.json");
    Files.delete(config);
    assertRefused(config, "path has nothing there, expected a file", () -> Checkpoint.open(folder));
  }

  @Test
  void rejectsMissingTensor() throws IOException {
    shapes.remove("model.layers.0.mlp.up_proj.weight");
    safetensors(file, shapes);
    assertRefused(
        file,
        "model.layers.0.mlp.up_proj.weight has no entry, expected a tensor",
        () -> Checkpoint.open(folder).checkShapes());
  }

  @Test
  void rejectsWrongShape() throws IOException {
    shapes.put(NORM, new long[] {7});
    safetensors(file, shapes);
    assertRefused(
        file, NORM + " has shape [7], expected [8]", () -> Checkpoint.open(folder).checkShapes());
  }

  @Test
  void rejectsWrongType() throws IOException {
    safetensors(
        file, "{\"" + NORM + "\":{\"dtype\":\"I64\",\"shape\":[8],\"data_offsets\":[0,64]}}", 64);
    assertRefused(
        file,
        NORM + " has dtype I64, expected F32, F16 or BF16",
        () -> Checkpoint.open(folder).require(NORM, 8));
  }

  @Test
  void rejectsMissingShard() throws IOException {
    index(index, Map.of(NORM, "model-2.safetensors"));
    assertRefused(
        folder.resolve("model-2.safetensors"),
        "path has nothing there, expected a file",
        () -> Checkpoint.open(folder));
  }

  @Test
  void rejectsIndexThatNamesTheWrongShard() throws IOException {
    safetensors(folder.resolve("model-1.safetensors"), Map.of("lm_head.weight", new long[] {1}));
    index(index, Map.of(NORM, "model-1.safetensors"));
    assertRefused(
        index,
        NORM
            + " has model-1.safetensors, which does not hold it, expected the shard that holds the"
            + " tensor",
        () -> Checkpoint.open(folder));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../model.safetensors",
        "/etc/model.safetensors",
        "sub/model.safetensors",
        "C:model.safetensors",
        "..",
        "",
        "pytorch_model.bin",
        "passwd"
      })
  void rejectsShardThatIsNoFileBesideTheIndex(String shard) throws IOException {
    index(index, Map.of(NORM, shard));
    assertRefused(
        index,
        NORM + " has \"" + shard + "\", expected the name of a file beside the index",
        () -> Checkpoint.open(folder));
  }

  @Test
  void rejectsIndexWithoutMap() throws IOException {
    write(index, utf8("{\"metadata\": {}}"));
    assertRefused(
        index, "weight_map has no value, expected an object", () -> Checkpoint.open(folder));
    write(index, utf8("{\"weight_map\": {\"a\": 1}}"));
    assertRefused(index, "a has 1, expected a string", () -> Checkpoint.open(folder));
  }

  @Test
  void ignoresRotaryBuffersOfRopeModels() throws IOException {
    write(
        folder.resolve("config.json"),
        utf8(CONFIG.replace("model_max_length", "max_position_embeddings")));
    shapes.put("model.layers.0.self_attn.rotary_emb.inv_freq", new long[] {4});
    safetensors(file, shapes);
    Checkpoint checkpoint = Checkpoint.open(folder);
    checkpoint.checkShapes();
    assertFalse(checkpoint.names().stream().anyMatch(name -> name.contains("inv_freq")));
  }

  @Test
  void rejectsAlibiConfigBesideRotaryBuffers() throws IOException {
    shapes.put("model.layers.0.self_attn.rotary_emb.inv_freq", new long[] {4});
    safetensors(file, shapes);
    assertRefused(
        folder.resolve("config.json"),
        "model has no sign of RoPE, expected \"position_embedding\": \"rope\" or"
            + " max_position_embeddings, because its weights hold rotary_emb.inv_freq",
        () -> Checkpoint.open(folder));
  }

  @Test
  void opensTheShippedModels() {
    Map<String, ModelShape.Position> models = new LinkedHashMap<>();
    models.put("tiny-baichuan-7b", ModelShape.Position.ROPE);
    models.put("tiny-baichuan2-13b-chat", ModelShape.Position.ALIBI);
    models.forEach(
        (name, position) -> {
          Checkpoint checkpoint = Checkpoint.open(TestFiles.model(name));
          checkpoint.checkShapes();
          assertEquals(position, checkpoint.architecture().shape().position());
          assertEquals(31, checkpoint.names().size());
          assertTrue(checkpoint.generationConfig().isPresent());
          assertTrue(Files.isRegularFile(checkpoint.folder().resolve("tokenizer.model")));
        });
  }

  @Test
  void saysWhatIsWhereAFileShouldBe() throws IOException {
    Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
    assertRefused(
        loop,
        "path has a loop of symbolic links, expected a model's folder or file",
        () -> Checkpoint.open(loop));
    Path model = Files.createDirectory(folder.resolve("model"));
    Path weights = model.resolve("model.safetensors");
    Files.createSymbolicLink(weights, Path.of("model.safetensors"));
    assertRefused(
        weights,
        "path has a loop of symbolic links, expected a file",
        () -> Checkpoint.open(model));
    Files.delete(weights);
    Files.createSymbolicLink(weights, Path.of("../blobs/missing"));
    assertRefused(
        weights,
        "path has a symbolic link to nothing, expected a file",
        () -> Checkpoint.open(model));
    Files.delete(weights);
    Files.createDirectory(weights);
    Files.copy(TestFiles.fixture("micro-baichuan-7b/config.json"), model.resolve("config.json"));
    assertRefused(weights, "path has a folder, expected a file", () -> Checkpoint.open(model));
    Path config = Files.writeString(folder.resolve("file"), "no folder").resolve("config.json");
    assertRefused(
        config,
        "path has a file as a folder, expected a model's folder or file",
        () -> Checkpoint.open(config));
  }

  @Test
  void refusesAModelInsideAZipFile() throws IOException {
    Path zip = folder.resolve("model.zip");
    try (FileSystem files = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      ModelFormatException e =
          assertThrows(ModelFormatException.class, () -> Checkpoint.open(files.getPath("/model")));
      assertEquals(
          "jar:"
              + zip.toUri()
              + "!/model: path has another file system, expected one of the"
              + " system's own files: weights are mapped",
          e.getMessage());
    }
  }
}

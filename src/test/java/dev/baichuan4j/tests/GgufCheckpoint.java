package dev.baichuan4j.tests;

import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.arch.RopeScaling;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.gguf.GgufKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Writes the checkpoint of a folder as a GGUF file, in the form that llama.cpp's converter gives.
 */
final class GgufCheckpoint {
  private final Path folder;
  private final Checkpoint checkpoint;
  private final Architecture model;
  private final String arch;
  private final GgufWriter.Kind kind;
  private final Function<String, Optional<GgufKind>> random; // of matrices by their names there
  private final GgufWriter out = new GgufWriter();

  private GgufCheckpoint(
      Path folder, GgufWriter.Kind kind, Function<String, Optional<GgufKind>> random) {
    this.folder = folder;
    this.checkpoint = Checkpoint.open(folder);
    this.model = checkpoint.architecture();
    this.kind = kind;
    this.random = random;
    this.arch =
        switch (model.name()) {
          case "Qwen2ForCausalLM" -> "qwen2";
          case "Qwen3ForCausalLM" -> "qwen3";
          case "LlamaForCausalLM", "MistralForCausalLM" -> "llama";
          default -> "baichuan";
        };
  }

  /** Writes a file; matrices are of the kind, vectors of F32. */
  static Path write(Path folder, Path file, GgufWriter.Kind kind) throws IOException {
    return write(folder, file, kind, name -> Optional.empty());
  }

  /** Writes a file some of whose matrices are random blocks of other kinds. */
  static Path write(
      Path folder, Path file, GgufWriter.Kind kind, Function<String, Optional<GgufKind>> random)
      throws IOException {
    writer(folder, kind, random).out.write(file);
    return file;
  }

  /** Writes several files, and returns the first of them. */
  static Path writeParts(Path folder, Path target, GgufWriter.Kind kind, int count)
      throws IOException {
    writer(folder, kind, name -> Optional.empty()).out.writeParts(target, "model", count);
    return target.resolve("model-00001-of-%05d.gguf".formatted(count));
  }

  private static GgufCheckpoint writer(
      Path folder, GgufWriter.Kind kind, Function<String, Optional<GgufKind>> random)
      throws IOException {
    GgufCheckpoint writer = new GgufCheckpoint(folder, kind, random);
    writer.keys();
    if (Files.exists(writer.checkpoint.folder().resolve("tokenizer.model"))) {
      writer.tokenizer();
    } else {
      writer.out.put("tokenizer.ggml.eos_token_id", writer.model.tokens().ends().get(0));
    }
    writer.tensors();
    return writer;
  }

  private void keys() throws IOException {
    out.put("general.architecture", arch);
    out.put("general.name", folder.getFileName().toString());
    out.put(arch + ".context_length", model.maxPositions());
    out.put(arch + ".embedding_length", model.hiddenSize());
    out.put(arch + ".block_count", model.layers());
    out.put(arch + ".feed_forward_length", model.intermediateSize());
    out.put(arch + ".attention.head_count", model.heads().queries());
    out.put(arch + ".attention.head_count_kv", model.heads().keyValues());
    out.put(arch + ".attention.key_length", model.heads().size());
    out.put(arch + ".attention.value_length", model.heads().size());
    out.put(arch + ".attention.layer_norm_rms_epsilon", model.normEps());
    if (arch.equals("baichuan")) {
      boolean alibi = model.positions() instanceof Positions.Alibi;
      out.put("baichuan.attention.max_alibi_bias", alibi ? 8f : 0f);
      out.put("baichuan.norm_head", model.head() == Head.NORM);
    }
    Path template = folder.resolve("chat_template.jinja");
    if (Files.exists(template)) {
      out.put("tokenizer.chat_template", Files.readString(template));
    }
    if (!model.windows().isEmpty()) {
      out.put(arch + ".attention.sliding_window", model.windows().get(0));
    }
    if (model.positions() instanceof Positions.Rope rope) {
      rope(rope);
    }
  }

  private void rope(Positions.Rope rope) {
    out.put(arch + ".rope.freq_base", (float) rope.base());
    if (rope.scaling() instanceof RopeScaling.Yarn yarn) {
      out.put(arch + ".rope.scaling.type", "yarn");
      out.put(arch + ".rope.scaling.factor", (float) yarn.factor());
      out.put(arch + ".rope.scaling.original_context_length", yarn.originalPositions());
    } else if (rope.scaling() instanceof RopeScaling.Linear linear) {
      out.put(arch + ".rope.scaling.type", "linear");
      out.put(arch + ".rope.scaling.factor", (float) linear.factor());
    } else if (rope.scaling() instanceof RopeScaling.Llama3) {
      int size = model.heads().size();
      double[] plain = Positions.Rope.of(rope.base()).frequencies(size, model.maxPositions());
      double[] scaled = rope.frequencies(size, model.maxPositions());
      float[] divisors = new float[plain.length];
      for (int k = 0; k < divisors.length; k++) {
        divisors[k] = (float) (plain[k] / scaled[k]);
      }
      out.tensor("rope_freqs.weight", divisors, GgufWriter.Kind.F32, divisors.length);
    } else if (!(rope.scaling() instanceof RopeScaling.None)) {
      throw new IllegalArgumentException(rope.toString());
    }
  }

  /** User-defined symbols are marked as normal pieces, as llama.cpp's converter leaves them. */
  private void tokenizer() throws IOException {
    List<String> tokens = new ArrayList<>();
    List<Float> scores = new ArrayList<>();
    List<Integer> types = new ArrayList<>();
    ByteBuffer proto = little(Files.readAllBytes(checkpoint.folder().resolve("tokenizer.model")));
    while (proto.hasRemaining()) {
      int field = (int) varint(proto) >> 3;
      ByteBuffer message = part(proto);
      if (field == 1) {
        piece(message, tokens, scores, types);
      } else if (field == 3) {
        normalizer(message);
      }
    }
    out.put("tokenizer.ggml.model", "llama");
    out.putTexts("tokenizer.ggml.tokens", tokens);
    out.putFloats("tokenizer.ggml.scores", scores);
    out.putInts("tokenizer.ggml.token_type", types);
    out.put("tokenizer.ggml.bos_token_id", 1);
    out.put("tokenizer.ggml.eos_token_id", 2);
  }

  private static void piece(
      ByteBuffer message, List<String> tokens, List<Float> scores, List<Integer> types) {
    int type = 1;
    while (message.hasRemaining()) {
      switch ((int) varint(message) >> 3) {
        case 1 -> tokens.add(StandardCharsets.UTF_8.decode(part(message)).toString());
        case 2 -> scores.add(message.getFloat());
        default -> type = (int) varint(message);
      }
    }
    types.add(type == 4 ? 1 : type);
  }

  private void normalizer(ByteBuffer message) {
    boolean spaceInFront = true;
    List<Integer> charsmap = new ArrayList<>();
    while (message.hasRemaining()) {
      int key = (int) varint(message);
      if (key >> 3 == 2) {
        for (ByteBuffer bytes = part(message); bytes.hasRemaining(); ) {
          charsmap.add((int) bytes.get());
        }
      } else if ((key & 7) == 2) {
        part(message);
      } else if (key >> 3 == 3) {
        spaceInFront = varint(message) != 0;
      } else {
        varint(message);
      }
    }
    out.put("tokenizer.ggml.add_space_prefix", spaceInFront);
    if (!charsmap.isEmpty()) {
      out.putInts("tokenizer.ggml.precompiled_charsmap", charsmap);
    }
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static ByteBuffer part(ByteBuffer in) {
    int length = (int) varint(in);
    ByteBuffer part = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + length);
    return part;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void tensors() throws IOException {
    copy(Architecture.EMBEDDING, "token_embd.weight");
    for (int i = 0; i < model.layers(); i++) {
      layer("model.layers." + i + ".", "blk." + i + ".");
    }
    copy("model.norm.weight", "output_norm.weight");
    if (model.head() != Head.TIED) {
      copy(Architecture.HEAD, "output.weight");
    }
  }

  private void layer(String from, String to) throws IOException {
    copy(from + "input_layernorm.weight", to + "attn_norm.weight");
    int queries = model.heads().width();
    int keys = model.heads().keyValues() * model.heads().size();
    if (model.projections().packed()) {
      float[] all = numbers(from + "self_attn.W_pack.weight");
      int width = model.hiddenSize();
      rows(to + "attn_q.weight", Arrays.copyOf(all, queries * width), true, width);
      rows(
          to + "attn_k.weight",
          Arrays.copyOfRange(all, queries * width, (queries + keys) * width),
          true,
          width);
      rows(
          to + "attn_v.weight",
          Arrays.copyOfRange(all, (queries + keys) * width, all.length),
          false,
          width);
    } else {
      for (String part : List.of("weight", "bias")) {
        turned(from + "self_attn.q_proj." + part, to + "attn_q." + part);
        turned(from + "self_attn.k_proj." + part, to + "attn_k." + part);
        copy(from + "self_attn.v_proj." + part, to + "attn_v." + part);
        copy(from + "self_attn.o_proj." + part, to + "attn_output." + part);
      }
    }
    copy(from + "self_attn.q_norm.weight", to + "attn_q_norm.weight");
    copy(from + "self_attn.k_norm.weight", to + "attn_k_norm.weight");
    if (model.projections().packed()) {
      copy(from + "self_attn.o_proj.weight", to + "attn_output.weight");
    }
    copy(from + "post_attention_layernorm.weight", to + "ffn_norm.weight");
    copy(from + "mlp.gate_proj.weight", to + "ffn_gate.weight");
    copy(from + "mlp.up_proj.weight", to + "ffn_up.weight");
    copy(from + "mlp.down_proj.weight", to + "ffn_down.weight");
  }

  private void turned(String name, String target) throws IOException {
    if (checkpoint.find(name).isPresent()) {
      long[] shape = checkpoint.tensor(name).shape();
      boolean turns = arch.equals("llama");
      rows(target, numbers(name), turns, shape.length == 1 ? 1 : (int) shape[1]);
    }
  }

  /** Adds a tensor whose rows k and k + half a head are put side by side if they turn. */
  private void rows(String target, float[] values, boolean turns, int width) {
    float[] rows = values;
    int size = model.heads().size();
    if (turns) {
      rows = new float[values.length];
      for (int row = 0; row < values.length / width; row++) {
        int within = row % size;
        int to = row - within + within % (size / 2) * 2 + within / (size / 2);
        System.arraycopy(values, row * width, rows, to * width, width);
      }
    }
    add(
        target,
        rows,
        width == 1 ? new long[] {rows.length} : new long[] {rows.length / width, width});
  }

  private void copy(String name, String target) throws IOException {
    if (checkpoint.find(name).isPresent()) {
      add(target, numbers(name), checkpoint.tensor(name).shape());
    }
  }

  private void add(String target, float[] values, long[] shape) {
    if (shape.length == 1) {
      out.tensor(target, values, GgufWriter.Kind.F32, shape[0]);
    } else if (random.apply(target).isPresent()) {
      out.random(target, random.apply(target).get(), target.hashCode(), shape[1], shape[0]);
    } else {
      out.tensor(target, values, kind, shape[1], shape[0]);
    }
  }

  private float[] numbers(String name) throws IOException {
    TensorEntry entry = checkpoint.tensor(name);
    ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(entry.file())) {
      channel.read(bytes, entry.offset());
    }
    bytes.flip();
    float[] values = new float[(int) (entry.bytes() / entry.dtype().size())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          entry.dtype() == DType.F32
              ? bytes.getFloat()
              : Float.intBitsToFloat(bytes.getShort() << 16);
    }
    return values;
  }
}

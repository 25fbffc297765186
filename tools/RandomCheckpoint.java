import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Writes a checkpoint of any size in the published form, bf16 with random weights, to measure loads
 * with. It needs a JDK and nothing else; the tokenizer is that of a model that ships.
 *
 * <pre>java tools/RandomCheckpoint.java DIR 5120x40x13696x125696 [--alibi] [--norm-head]</pre>
 */
final class RandomCheckpoint {
  private static final long SHARD_BYTES = 10_000_000_000L; // about as published
  private static final int POOL = 1 << 24; // numbers; 32 MiB

  private record Tensor(String name, long[] shape) {
    long bytes() {
      long bytes = 2;
      for (long size : shape) bytes *= size;
      return bytes;
    }
  }

  public static void main(String[] args) throws IOException {
    List<String> options = List.of(args).subList(Math.min(2, args.length), args.length);
    if (args.length < 2
        || !args[1].matches("\\d{1,9}(x\\d{1,9}){3}")
        || !List.of("--alibi", "--norm-head").containsAll(options)) {
      System.err.println("usage: RandomCheckpoint DIR CxLxFxV [--alibi] [--norm-head]");
      System.exit(2);
    }
    Path folder = Files.createDirectories(Path.of(args[0]));
    String[] n = args[1].split("x");
    writeConfig(folder, n, options.contains("--alibi"), options.contains("--norm-head"));
    Files.copy(
        Path.of("models/tiny-baichuan2-13b-chat/tokenizer.model"),
        folder.resolve("tokenizer.model"),
        StandardCopyOption.REPLACE_EXISTING);
    List<List<Tensor>> shards =
        shards(tensors(Long.parseLong(n[0]), Integer.parseInt(n[1]), Long.parseLong(n[2]),
            Long.parseLong(n[3])));
    ByteBuffer numbers = numbers();
    Map<String, String> index = new LinkedHashMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String file = String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
      write(folder.resolve(file), shards.get(i), numbers);
      shards.get(i).forEach(tensor -> index.put(tensor.name, file));
    }
    List<String> entries = new ArrayList<>();
    index.forEach((name, file) -> entries.add("\"" + name + "\": \"" + file + "\""));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\n" + String.join(",\n", entries) + "\n}}\n");
  }

  private static void writeConfig(Path folder, String[] n, boolean alibi, boolean normHead)
      throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"architectures": ["BaichuanForCausalLM"], "model_type": "baichuan",
         "hidden_size": %s, "num_hidden_layers": %s, "num_attention_heads": %d,
         "intermediate_size": %s, "vocab_size": %s, "rms_norm_eps": 1e-06,
         "model_max_length": 4096, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
         "position_embedding": "%s", "norm_head": %b}
        """
            .formatted(
                n[0], n[1], Integer.parseInt(n[0]) / 128, n[2], n[3], alibi ? "alibi" : "rope",
                normHead));
  }

  private static List<Tensor> tensors(long c, int layers, long f, long v) {
    List<Tensor> all = new ArrayList<>();
    all.add(new Tensor("model.embed_tokens.weight", new long[] {v, c}));
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      all.add(new Tensor(layer + "input_layernorm.weight", new long[] {c}));
      all.add(new Tensor(layer + "self_attn.W_pack.weight", new long[] {3 * c, c}));
      all.add(new Tensor(layer + "self_attn.o_proj.weight", new long[] {c, c}));
      all.add(new Tensor(layer + "post_attention_layernorm.weight", new long[] {c}));
      all.add(new Tensor(layer + "mlp.gate_proj.weight", new long[] {f, c}));
      all.add(new Tensor(layer + "mlp.up_proj.weight", new long[] {f, c}));
      all.add(new Tensor(layer + "mlp.down_proj.weight", new long[] {c, f}));
    }
    all.add(new Tensor("model.norm.weight", new long[] {c}));
    all.add(new Tensor("lm_head.weight", new long[] {v, c}));
    return all;
  }

  private static List<List<Tensor>> shards(List<Tensor> tensors) {
    List<List<Tensor>> shards = new ArrayList<>(List.of(new ArrayList<>()));
    long bytes = 0;
    for (Tensor tensor : tensors) {
      if (bytes > 0 && bytes + tensor.bytes() > SHARD_BYTES) {
        shards.add(new ArrayList<>());
        bytes = 0;
      }
      shards.get(shards.size() - 1).add(tensor);
      bytes += tensor.bytes();
    }
    return shards;
  }

  /** Normal numbers of deviation 0.02. Every matrix takes them from another place on. */
  private static ByteBuffer numbers() {
    ByteBuffer numbers = ByteBuffer.allocateDirect(2 * POOL).order(ByteOrder.LITTLE_ENDIAN);
    SplittableRandom random = new SplittableRandom(1);
    while (numbers.hasRemaining()) {
      numbers.putShort(bf16((float) (0.02 * random.nextGaussian())));
    }
    return numbers.flip();
  }

  private static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  private static void write(Path file, List<Tensor> tensors, ByteBuffer numbers)
      throws IOException {
    List<String> entries = new ArrayList<>();
    long offset = 0;
    for (Tensor tensor : tensors) {
      String shape = java.util.Arrays.toString(tensor.shape);
      entries.add(
          "\"%s\":{\"dtype\":\"BF16\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(tensor.name, shape, offset, offset + tensor.bytes()));
      offset += tensor.bytes();
    }
    String header = "{" + String.join(",", entries) + "}";
    header += " ".repeat((64 - (8 + header.length()) % 64) % 64);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      put(channel, length.putLong(header.length()).flip());
      put(channel, ByteBuffer.wrap(header.getBytes(StandardCharsets.US_ASCII)));
      for (Tensor tensor : tensors) {
        if (tensor.shape.length == 1) {
          put(channel, ones(tensor.shape[0]));
          continue;
        }
        int from = Math.floorMod(tensor.name.hashCode() * 64, 2 * POOL);
        for (long left = tensor.bytes(); left > 0; from = 0) {
          int count = (int) Math.min(left, 2 * POOL - from);
          put(channel, numbers.slice(from, count));
          left -= count;
        }
      }
    }
  }

  private static ByteBuffer ones(long count) {
    ByteBuffer ones = ByteBuffer.allocate((int) (2 * count)).order(ByteOrder.LITTLE_ENDIAN);
    while (ones.hasRemaining()) ones.putShort(bf16(1f));
    return ones.flip();
  }

  private static void put(FileChannel channel, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) channel.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

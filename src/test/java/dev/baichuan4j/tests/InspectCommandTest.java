package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.internal.checkpoint.PackedFile;
import dev.baichuan4j.internal.checkpoint.PackedTensorEntry;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands {@code inspect} and {@code convert}, and every command with one file. */
class InspectCommandTest {
  private static final Path CHAT = Fixtures.model("tiny-baichuan2-13b-chat");

  @TempDir Path folder;

  private Program.Run run(String... arguments) throws Exception {
    return new Program(folder).run("", arguments);
  }

  private Path packed() throws Exception {
    Path file = folder.resolve("chat.bc4j");
    run("quantize", "--model", CHAT.toString(), "--weights", "int4", "--out", file.toString())
        .requireCode(0);
    return file;
  }

  @Test
  void everyFormIsDescribed() throws Exception {
    Path file = packed();
    Path gguf = folder.resolve("chat.gguf");
    Program.Run conversion =
        run(
            "convert",
            "--model",
            CHAT.toString(),
            "--to",
            "gguf",
            "--weights",
            "q8_0",
            "--out",
            gguf.toString());
    conversion.requireCode(0);
    assertEquals("", conversion.out());
    assertTrue(conversion.err().contains("tensors were rounded: by 0."), conversion.err());
    JsonNode plain = run("inspect", "--json", "--model", CHAT.toString()).requireCode(0).json();
    for (Path path : new Path[] {file, gguf}) {
      JsonNode other = run("inspect", "--json", "--model", path.toString()).requireCode(0).json();
      for (String key :
          new String[] {"vocab_size", "hidden_size", "position_embedding", "rms_norm_eps"}) {
        assertEquals(plain.get("config").get(key), other.get("config").get(key), key);
      }
      assertEquals(plain.get("tokenizer"), other.get("tokenizer"));
      assertEquals(plain.get("generation_config"), other.get("generation_config"));
    }
    JsonNode tensors =
        run("inspect", "--json", "--model", file.toString()).requireCode(0).json().get("tensors");
    Set<String> kinds = new TreeSet<>();
    tensors.forEach(tensor -> kinds.add(tensor.get("kind").asText()));
    assertEquals(Set.of("BF16", "int4"), kinds);
    Program.Run table = run("inspect", "--model", file.toString()).requireCode(0);
    assertTrue(table.out().contains("form                   .bc4j file\n"), table.out());
    assertTrue(table.out().contains("lm_head.weight"), table.out());
    assertTrue(table.out().contains("# weights  = cache  - workspace"), table.out());
  }

  @Test
  void whatIsWrongIsFoundAndSaid() throws Exception {
    Path file = packed();
    Program.Run good = run("inspect", "--verify", "--model", file.toString()).requireCode(0);
    assertTrue(good.out().endsWith("Nothing is wrong with it.\n"), good.out());
    PackedTensorEntry entry = PackedFile.open(file).entries().get(3);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), entry.offset() + 5);
    }
    Program.Run bad = run("inspect", "--verify", "--json", "--model", file.toString());
    bad.requireCode(1);
    assertEquals(1, bad.json().get("problems").size());
    String problem = bad.json().get("problems").get(0).asText();
    assertTrue(problem.startsWith(file + ": " + entry.name() + " has CRC32C "), problem);
    Path copy = Files.createDirectory(folder.resolve("copy"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Fixtures.fixture("micro-baichuan2-13b").resolve(name), copy.resolve(name));
    }
    try (FileChannel channel =
        FileChannel.open(copy.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {-1, 127, -1, 127}), channel.size() - 4);
    }
    Program.Run infinite = run("inspect", "--verify", "--model", copy.toString()).requireCode(1);
    assertTrue(infinite.out().contains("NaN at ["), infinite.out());
    assertTrue(infinite.out().contains("expected finite numbers"), infinite.out());
  }

  @Test
  void aPictureIsDrawnOfTheMemory() throws Exception {
    Path picture = folder.resolve("memory.svg");
    run("inspect", "--model", CHAT.toString(), "--picture", picture.toString()).requireCode(0);
    String svg = Files.readString(picture);
    assertTrue(svg.contains("<svg") && svg.length() > 5000, svg);
    run("inspect", "--model", CHAT.toString(), "--picture", "memory.txt").requireCode(2);
  }

  @Test
  void oneFileIsAModelForEveryCommand() throws Exception {
    String file = packed().toString();
    String folderOfIt = folder.resolve("int4").toString();
    run("quantize", "--model", CHAT.toString(), "--weights", "int4", "--out", folderOfIt)
        .requireCode(0);
    for (String[] command :
        new String[][] {
          {"tokenize", "床前明月光"},
          {"chat", "--message", "你好", "--greedy", "--max-new-tokens", "8"},
          {"generate", "--prompt", "床前", "--greedy", "--max-new-tokens", "8"},
          {"logits", "--ids", "1,2,3"}
        }) {
      String[] ofFile = with(command, file);
      assertEquals(
          run(with(command, folderOfIt)).requireCode(0).out(),
          run(ofFile).requireCode(0).out(),
          String.join(" ", command));
    }
  }

  private static String[] with(String[] command, String model) {
    String[] all = Arrays.copyOf(command, command.length + 2);
    all[command.length] = "--model";
    all[command.length + 1] = model;
    return all;
  }

  @Test
  void wrongUseOfConvertIsSaid() throws Exception {
    String model = CHAT.toString();
    run("convert", "--model", model, "--to", "onnx", "--out", "x").requireCode(2);
    run("convert", "--model", model, "--to", "gguf", "--out", "x").requireCode(2);
    run("convert", "--model", model, "--to", "safetensors", "--weights", "int4", "--out", "x")
        .requireCode(2);
    run("convert", "--model", model, "--to", "safetensors", "--weights", "two", "--out", "x")
        .requireCode(2);
  }
}

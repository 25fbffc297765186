package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {
  private static final Path MODEL =
      Path.of(System.getProperty("baichuan4j.root", "..")).resolve("models/tiny-baichuan-7b");

  @TempDir private Path folder;

  @Test
  void theSameWeightsElsewhereHaveTheSameAndTrainedOnesAnother() throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(MODEL.resolve(name), folder.resolve(name));
    }
    String before = Fingerprint.of(Checkpoint.open(MODEL));
    assertEquals(64, before.length());
    Checkpoint copy = Checkpoint.open(folder);
    assertEquals(before, Fingerprint.of(copy));
    // Of each tensor in turn a hundredth of the numbers is changed, as the least training does.
    SplittableRandom random = new SplittableRandom(1);
    for (String name : copy.names()) {
      TensorEntry tensor = copy.tensor(name);
      byte[] bytes = new byte[(int) tensor.bytes()];
      try (FileChannel file =
          FileChannel.open(tensor.file(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        file.read(ByteBuffer.wrap(bytes), tensor.offset());
        byte[] trained = bytes.clone();
        for (int i = 0; i < bytes.length / 200 + 1; i++) {
          trained[random.nextInt(bytes.length)] ^= 1;
        }
        file.write(ByteBuffer.wrap(trained), tensor.offset());
        assertNotEquals(before, Fingerprint.of(copy), name);
        file.write(ByteBuffer.wrap(bytes), tensor.offset());
      }
    }
    assertEquals(before, Fingerprint.of(copy));
  }
}

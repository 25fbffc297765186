package dev.baichuan4j.tests;

import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Published ways to hold weights in four bits, to compare ours with. A yardstick rewrites a copy of
 * a checkpoint with the numbers that its codes stand for, so that it runs as a bf16 model.
 */
enum Yardstick {
  /** Round to nearest with one scale a row: Baichuan-13B's own int4. */
  PER_ROW {
    @Override
    void quantize(float[] row) {
      float scale = largest(row, 0, row.length) / 7;
      for (int i = 0; i < row.length && scale > 0; i++) {
        row[i] = scale * Math.max(-8, Math.min(7, Math.round(row[i] / scale)));
      }
    }
  },

  /**
   * NF4 in blocks of 64 with f32 scales, as bitsandbytes holds Baichuan 2 (Dettmers et al. 2023,
   * arXiv:2305.14314, appendix E).
   */
  NF4_64 {
    @Override
    void quantize(float[] row) {
      for (int from = 0; from < row.length; from += 64) {
        int to = Math.min(from + 64, row.length);
        float scale = largest(row, from, to);
        for (int i = from; i < to && scale > 0; i++) {
          row[i] = scale * nearestLevel(row[i] / scale);
        }
      }
    }
  };

  private static final float[] NF4 = {
    -1f, -0.6961928f, -0.52507305f, -0.3949175f, -0.28444138f, -0.18477343f, -0.09105004f, 0f,
    0.0795803f, 0.1609302f, 0.2461123f, 0.33791524f, 0.44070983f, 0.562617f, 0.72295684f, 1f
  };

  abstract void quantize(float[] row);

  private static float largest(float[] row, int from, int to) {
    float largest = 0;
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(row[i]));
    }
    return largest;
  }

  private static float nearestLevel(float x) {
    float nearest = NF4[0];
    for (float level : NF4) {
      nearest = Math.abs(x - level) < Math.abs(x - nearest) ? level : nearest;
    }
    return nearest;
  }

  /**
   * Copies a checkpoint of bf16 weights to a folder and rewrites the matrices of its layers and its
   * head.
   *
   * @return relative root mean square error of each matrix
   */
  Map<String, Double> rewrite(Path checkpoint, Path folder) throws IOException {
    try (var files = Files.list(checkpoint)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    Map<String, Double> errors = new LinkedHashMap<>();
    Path weights = folder.resolve("model.safetensors");
    try (FileChannel channel =
        FileChannel.open(weights, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      for (TensorEntry entry : SafetensorsFile.open(weights).tensors().values()) {
        if (entry.shape().length == 2 && !entry.name().contains("embed_tokens")) {
          errors.put(entry.name(), rewrite(channel, entry));
        }
      }
    }
    return errors;
  }

  private double rewrite(FileChannel channel, TensorEntry entry) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    channel.read(bytes, entry.offset());
    float[] row = new float[(int) entry.shape()[1]];
    double error = 0;
    double power = 0;
    for (int at = 0; at < bytes.capacity(); at += 2 * row.length) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Float.intBitsToFloat(bytes.getShort(at + 2 * i) << 16);
      }
      float[] stored = row.clone();
      quantize(row);
      for (int i = 0; i < row.length; i++) {
        error += Math.pow(row[i] - stored[i], 2);
        power += Math.pow(stored[i], 2);
        // To the nearest bf16: a hundredth of what is measured here.
        bytes.putShort(at + 2 * i, (short) ((Float.floatToIntBits(row[i]) + 0x8000) >>> 16));
      }
    }
    bytes.rewind();
    channel.write(bytes, entry.offset());
    return Math.sqrt(error / power);
  }
}

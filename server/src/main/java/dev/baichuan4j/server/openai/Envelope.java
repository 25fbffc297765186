package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.server.Models;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;

/**
 * What every object of a response has.
 *
 * @param id of the response; unique
 * @param created in seconds since 1970
 * @param model the name that the model is served as
 * @param fingerprint the same as long as the same options give the same text: it changes with the
 *     model, the kind of its weights and the version of this program
 */
record Envelope(String id, long created, String model, String fingerprint) {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String VERSION =
      String.valueOf(Models.class.getPackage().getImplementationVersion());

  /** Begins a response whose id has a prefix, as {@code chatcmpl-}. */
  static Envelope of(String prefix, Models.Use use) {
    ModelInfo info = use.model().info();
    String what =
        use.name() + info.shape() + info.weights() + info.cacheType() + info.device() + VERSION;
    String print = HexFormat.of().formatHex(sha256(what), 0, 6);
    return new Envelope(id(prefix), Instant.now().getEpochSecond(), use.name(), "fp_" + print);
  }

  /** Returns an id that no other thing has. */
  static String id(String prefix) {
    byte[] bytes = new byte[16];
    RANDOM.nextBytes(bytes);
    return prefix + HexFormat.of().formatHex(bytes);
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Returns an object of the response. */
  ObjectNode object(String type) {
    return Json.object()
        .put("id", id)
        .put("object", type)
        .put("created", created)
        .put("model", model)
        .put("system_fingerprint", fingerprint);
  }
}

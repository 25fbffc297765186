package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.internal.json.JsonText;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** Tells tasks apart by all that is asked and shown. */
final class TaskDigest {
  private TaskDigest() {}

  /** Returns a SHA-256 in hexadecimal digits. */
  static String of(List<Subject> subjects) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
    for (Subject subject : subjects) {
      String text = subject.questions().isEmpty() ? TextFile.read(subject.file()) : "";
      add(digest, List.of(subject.name(), subject.title(), text));
      subject.examples().forEach(example -> add(digest, parts("example", example)));
      subject.questions().forEach(question -> add(digest, parts("question", question)));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static List<?> parts(String role, Question question) {
    return List.of(
        role, question.text(), question.choices(), question.answer(), question.expected());
  }

  private static void add(MessageDigest digest, List<?> parts) {
    digest.update(JsonText.of(parts).getBytes(StandardCharsets.UTF_8));
  }
}

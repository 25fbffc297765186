package dev.baichuan4j.internal.api;

import dev.baichuan4j.Calibration;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.nn.CalibrationTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;

/** The tokens of a calibration. */
final class CalibrationText {
  private CalibrationText() {}

  /**
   * Reads a text as a model reads it.
   *
   * @throws InvalidRequestException if there is no tokenizer, the file cannot be read, or it has
   *     fewer than two tokens
   */
  static CalibrationTokens tokens(
      Calibration calibration, Checkpoint checkpoint, Optional<Tokenizer> tokenizer) {
    Tokenizer pieces =
        tokenizer.orElseThrow(
            () ->
                new InvalidRequestException(
                    "calibration",
                    "calibration has a text and "
                        + checkpoint.folder()
                        + " no tokenizer, expected tokenizer.model or tokenizer.json there"));
    int[] ids;
    try {
      ids = pieces.asWholeText(pieces.encode(Files.readString(calibration.text())));
    } catch (IOException e) {
      throw new InvalidRequestException(
          "calibration",
          "calibration has text "
              + calibration.text()
              + ", expected a file in UTF-8 that can be read: "
              + e);
    }
    int window = Math.min(calibration.window(), checkpoint.architecture().maxPositions());
    return CalibrationTokens.of(ids, window, calibration.tokens());
  }
}

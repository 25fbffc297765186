package dev.baichuan4j.internal.api;

import dev.baichuan4j.Calibration;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.chat.ConversationFile;
import dev.baichuan4j.internal.chat.PromptBuilder;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.nn.CalibrationTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** The tokens of a calibration: of a text, or of conversations as the model is asked by them. */
final class CalibrationText {
  private CalibrationText() {}

  /**
   * Reads a text as a model reads it, or conversations, one behind the other.
   *
   * @param format how conversations are put to the model; null for what the checkpoint asks for
   * @throws InvalidRequestException if there is no tokenizer, the file cannot be read, it has fewer
   *     than two tokens, or conversations are given of a model that is none for chats
   * @throws ModelFormatException if a line is no conversation, or none that the model can be asked
   */
  static CalibrationTokens tokens(
      Calibration calibration, Checkpoint checkpoint, PromptFormat format) {
    Tokenizer tokenizer =
        TokenizerLoader.find(checkpoint)
            .orElseThrow(
                () ->
                    new InvalidRequestException(
                        "calibration",
                        "calibration has a text and "
                            + checkpoint.folder()
                            + " no tokenizer, expected tokenizer.model or tokenizer.json there"));
    Path text = calibration.text();
    int[] ids;
    try {
      ids =
          String.valueOf(text.getFileName()).endsWith(ConversationFile.EXTENSION)
              ? conversations(text, checkpoint, tokenizer, format)
              : tokenizer.asWholeText(tokenizer.encode(Files.readString(text)));
    } catch (IOException e) {
      throw new InvalidRequestException(
          "calibration",
          "calibration has text " + text + ", expected a file in UTF-8 that can be read: " + e);
    }
    int window = Math.min(calibration.window(), checkpoint.architecture().maxPositions());
    return CalibrationTokens.of(ids, window, calibration.tokens())
        .withAverageBits(calibration.averageBits());
  }

  private static int[] conversations(
      Path file, Checkpoint checkpoint, Tokenizer tokenizer, PromptFormat format)
      throws IOException {
    var advice = checkpoint.generationConfig();
    int end = AdvisedOptions.endIds(advice, checkpoint.architecture()).get(0);
    PromptBuilder builder =
        Prompts.of(Optional.of(checkpoint), format)
            .builder(
                AdvisedOptions.roles(advice),
                end,
                checkpoint.architecture().maxPositions(),
                () -> tokenizer,
                TemplateVariables.NONE);
    return ConversationFile.read(file).stream()
        .flatMapToInt(line -> ids(line, file, builder, end))
        .toArray();
  }

  /** A conversation, with the end of the text behind an answer. */
  private static IntStream ids(
      ConversationFile.Line line, Path file, PromptBuilder builder, int end) {
    List<ChatMessage> messages = line.messages();
    boolean isAnswered = messages.get(messages.size() - 1).role() == ChatMessage.Role.ASSISTANT;
    try {
      IntStream ids = IntStream.of(builder.whole(messages, 1).ids());
      return isAnswered ? IntStream.concat(ids, IntStream.of(end)) : ids;
    } catch (InvalidRequestException | ContextOverflowException e) {
      throw new ModelFormatException(
          file,
          "line " + line.number(),
          "a conversation that the model can be asked",
          "one that it cannot: " + e.getMessage(),
          e);
    }
  }
}

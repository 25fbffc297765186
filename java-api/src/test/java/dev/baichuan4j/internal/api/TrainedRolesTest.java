package dev.baichuan4j.internal.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelInfo.ChatRoles;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.internal.arch.Architecture;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainedRolesTest {
  private static final Optional<ChatRoles> NONE = Optional.empty();

  private static Architecture model(int vocabularySize) {
    return Architecture.of(
        new ModelShape(
            128, 1, 1, 64, vocabularySize, 64, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
  }

  @Test
  void baseModelsHaveTheMarksOfTheirChatModels() {
    Optional<ChatRoles> ofChatModels = Optional.of(new ChatRoles(195, 196));
    assertEquals(ofChatModels, TrainedRoles.of(model(64_000), NONE, NONE));
    assertEquals(ofChatModels, TrainedRoles.of(model(125_696), NONE, NONE));
    assertEquals(NONE, TrainedRoles.of(model(6144), NONE, NONE));
  }

  @Test
  void whatIsAskedForComesFirst() {
    Optional<ChatRoles> named = Optional.of(new ChatRoles(3, 4));
    Optional<ChatRoles> asked = Optional.of(new ChatRoles(5, 6));
    assertEquals(named, TrainedRoles.of(model(64_000), named, NONE));
    assertEquals(asked, TrainedRoles.of(model(64_000), named, asked));
    assertThrows(
        InvalidRequestException.class,
        () -> TrainedRoles.of(model(64_000), NONE, Optional.of(new ChatRoles(5, 64_000))));
  }
}

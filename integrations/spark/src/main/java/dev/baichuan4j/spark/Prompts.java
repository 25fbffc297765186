package dev.baichuan4j.spark;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** How a value of the input column is put to the model. */
enum Prompts {
  /** A text to go on with. */
  TEXT {
    @Override
    Generation submit(Baichuan model, Object value, GenerationOptions options) {
      return model.complete((String) value, options);
    }
  },
  /** A message to answer. */
  MESSAGE {
    @Override
    Generation submit(Baichuan model, Object value, GenerationOptions options) {
      return model.chat(List.of(ChatMessage.user((String) value)), options);
    }
  },
  /** A conversation to go on with: an array of structs with the fields role and content. */
  CONVERSATION {
    @Override
    Generation submit(Baichuan model, Object value, GenerationOptions options) {
      List<ChatMessage> messages = new ArrayList<>();
      for (Row message : Rows.list(value)) {
        messages.add(
            new ChatMessage(role(message.getAs("role")), content(message.getAs("content"))));
      }
      return model.chat(messages, options);
    }
  };

  abstract Generation submit(Baichuan model, Object value, GenerationOptions options);

  /**
   * Returns how values of a type are put to the model.
   *
   * @param chat as messages, else as texts
   * @throws InvalidRequestException if the type holds neither
   */
  static Prompts of(String column, DataType type, boolean chat) {
    if (type.equals(DataTypes.StringType)) {
      return chat ? MESSAGE : TEXT;
    }
    if (chat && type instanceof ArrayType array && isMessage(array.elementType())) {
      return CONVERSATION;
    }
    throw new InvalidRequestException(
        column,
        type.simpleString(),
        chat ? "string or array<struct<role:string,content:string>>" : "string");
  }

  private static boolean isMessage(DataType type) {
    return type instanceof StructType fields && isText(fields, "role") && isText(fields, "content");
  }

  private static boolean isText(StructType fields, String name) {
    return List.of(fields.fieldNames()).contains(name)
        && fields.apply(name).dataType().equals(DataTypes.StringType);
  }

  private static ChatMessage.Role role(String name) {
    for (ChatMessage.Role role : ChatMessage.Role.values()) {
      if (role.name().toLowerCase(Locale.ROOT).equals(name)) {
        return role;
      }
    }
    throw new InvalidRequestException("role", name, "system, user or assistant");
  }

  private static String content(String text) {
    if (text == null) {
      throw new InvalidRequestException("content", "null", "a text");
    }
    return text;
  }
}

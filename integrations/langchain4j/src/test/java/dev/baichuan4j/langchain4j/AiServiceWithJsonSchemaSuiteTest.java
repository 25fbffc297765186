package dev.baichuan4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithJsonSchemaIT;
import java.util.List;

/** LangChain4j's own tests of AI services with structured answers, with dictated ones. */
class AiServiceWithJsonSchemaSuiteTest extends AbstractAiServiceWithJsonSchemaIT {
  private static final String KLAUS =
      "{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, \"married\": false}";
  private static final String FRANNY =
      "{\"name\": \"Franny\", \"age\": 35, \"height\": 1.65, \"married\": true}";

  private static final Script SCRIPT =
      new Script()
          .say(
              "Franny is 35 years old, 1.65m height and married.",
              "{\"value\": 2}",
              "{\"values\": [" + KLAUS + ", " + FRANNY + "]}",
              "{\"values\": [\"Klaus\", \"Franny\"]}",
              "{\"values\": [\"SINGLE\", \"MARRIED\", \"MARRIED\"]}")
          .say("Klaus is 37 years old", KLAUS, "{\"value\": \"SINGLE\"}")
          .say("Text: 'Klaus'", "{\"name\": \"Klaus\"}")
          .say(
              "Langley Falls",
              "{\"name\": \"Klaus\", \"shippingAddress\": {\"city\": \"Langley Falls\"},"
                  + " \"billingAddress\": {\"city\": \"New York\"}}")
          .say("Klaus is single", "{\"name\": \"Klaus\", \"maritalStatus\": \"SINGLE\"}")
          .say(
              "Klaus likes orange and green",
              "{\"name\": \"Klaus\", \"favouriteColors\": [\"orange\", \"green\"]}")
          .say(
              "Klaus has 2 pets",
              "{\"name\": \"Klaus\", \"pets\": [{\"name\": \"Peanut\"}, {\"name\": \"Muffin\"}]}")
          .say("groups A and C", "{\"name\": \"Klaus\", \"groups\": [\"A\", \"C\"]}")
          .say(
              "12th of August 1976",
              "{\"name\": \"Klaus\", \"birthDate\": {\"year\": 1976, \"month\": 8, \"day\": 12},"
                  + " \"birthTime\": {\"hour\": 14, \"minute\": 43, \"second\": 0, \"nano\": 0},"
                  + " \"birthDateTime\": {\"date\": {\"year\": 1976, \"month\": 8, \"day\": 12},"
                  + " \"time\": {\"hour\": 14, \"minute\": 43, \"second\": 0, \"nano\": 0}}}")
          .say(
              "567b229a-6b0a-4f1e-9006-448cd9dfbfda",
              "{\"name\": \"Klaus\", \"id\": \"567b229a-6b0a-4f1e-9006-448cd9dfbfda\"}")
          .say(
              "text: Klaus and Francine",
              "{\"values\": [{\"name\": \"Klaus\"}, {\"name\": \"Francine\"}]}")
          .say(
              "Francine has 2 children",
              "{\"name\": \"Francine\", \"children\": [{\"name\": \"Steve\", \"children\": []},"
                  + " {\"name\": \"Hayley\", \"children\": []}]}")
          .say("text: Klaus", "{\"name\": \"Klaus\"}")
          .say("Klaus is a 37-year-old man", "{\"value\": true}")
          .say("-0.5 °C", "{\"value\": -0.5}")
          .say("Staniel is 33 years old", "{\"values\": [\"SINGLE\", \"MARRIED\", \"MARRIED\"]}")
          .say(
              "The weather in Berlin",
              "{\"values\": [\"SUNNY\", \"WINDY\", \"RAINY\", \"CLOUDY\"]}")
          .say(
              "Rex is a Labrador dog",
              "{\"value\": {\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}}")
          .say(
              "Whiskers is an indoor cat",
              "{\"values\": [{\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"},"
                  + " {\"type\": \"Cat\", \"name\": \"Whiskers\", \"indoor\": true}]}")
          .say(
              "Alice owns a Labrador",
              "{\"name\": \"Alice\", \"pet\":"
                  + " {\"type\": \"Dog\", \"name\": \"Rex\", \"breed\": \"Labrador\"}}")
          .say(
              "1+2+3",
              "{\"value\": {\"type\": \"Addition\", \"left\": {\"type\": \"Addition\", \"left\":"
                  + " {\"type\": \"Constant\", \"value\": 1}, \"right\": {\"type\": \"Constant\","
                  + " \"value\": 2}}, \"right\": {\"type\": \"Constant\", \"value\": 3}}}");

  @Override
  protected List<ChatModel> models() {
    return List.of(BaichuanChatModel.builder().model(SCRIPT.read()).build());
  }

  @Override
  protected boolean supportsRecursion() {
    return true;
  }
}

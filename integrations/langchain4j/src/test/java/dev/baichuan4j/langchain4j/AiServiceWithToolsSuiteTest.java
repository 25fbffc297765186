package dev.baichuan4j.langchain4j;

import static dev.baichuan4j.langchain4j.Script.call;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceWithToolsIT;
import java.util.List;

/** LangChain4j's own tests of AI services with tools, with dictated answers. */
class AiServiceWithToolsSuiteTest extends AbstractAiServiceWithToolsIT {
  private static final String ADD = call("add", "{\"arg0\": 37, \"arg1\": 87}");
  private static final String USER_ID = "62dbcc27-aaf3-449a-b12d-5a904271a57f";

  private static final Script SCRIPT =
      new Script()
          .afterResult("151", "37 + 87 = 124, and 73 + 78 = 151.")
          .afterResult("124", "37 + 87 = 124")
          .afterResult("5", call("multiply", "{\"arg0\": 5, \"arg1\": 4}"))
          .afterResult("20", "The result is 20.")
          .say("17:11:45", "It is 17:11:45.")
          .afterResult("19", "It is 19 degrees.")
          .afterResult("Alice", "It is Alice.")
          .say("<tool_response>", "That is done.")
          .say("How much is 73 plus 78?", ADD + "\n" + call("add", "{\"arg0\": 73, \"arg1\": 78}"))
          .say("How much is 37 plus 87?", ADD)
          .say("Now add 47", call("add", "{\"arg0\": 124, \"arg1\": 47}"))
          .say("First add 2 and 3", call("add", "{\"arg0\": 2, \"arg1\": 3}"))
          .say(
              "Klaus is 37 years old",
              process("{\"name\": \"Klaus\", \"age\": 37, \"height\": 1.78, \"married\": false}"))
          .say(
              "Klaus lives in Langley Falls",
              process("{\"name\": \"Klaus\", \"address\": {\"city\": \"Langley Falls\"}}"))
          .say(
              "Francine has 2 children",
              process(
                  "{\"name\": \"Francine\", \"children\": [{\"name\": \"Steve\", \"children\": []},"
                      + " {\"name\": \"Hayley\", \"children\": []}]}"))
          .say("What is the time now?", call("currentTime", "{}"))
          .say(
              "current temperature in Munich",
              call("currentTemperature", "{\"arg0\": \"Munich\", \"arg1\": \"CELSIUS\"}"))
          .say("Klaus is 42 years old", process("{\"Klaus\": 42, \"Francine\": 47}"))
          .say(
              "names: Klaus and Franny",
              call("processNames", "{\"arg0\": [\"Klaus\", \"Franny\"]}"))
          .say("colors: RED and GREEN", process("[\"RED\", \"GREEN\"]"))
          .say("integers: 37, 73", call("processNumbers", "{\"arg0\": [37, 73]}"))
          .say(
              "people: Klaus and Franny",
              process("[{\"name\": \"Klaus\"}, {\"name\": \"Franny\"}]"))
          .say("username with ID", call("getUsernameFromId", "{\"arg0\": \"" + USER_ID + "\"}"))
          .say("Call tool 'modify'", call("modify", "{\"arg0\": 7}"))
          .say("Take a photo", call("takePhoto", "{}"));

  private static String process(String argument) {
    return call("process", "{\"arg0\": " + argument + "}");
  }

  @Override
  protected List<ChatModel> models() {
    return List.of(BaichuanChatModel.builder().model(SCRIPT.read()).build());
  }

  @Override
  protected boolean supportsRecursion() {
    return true;
  }

  /** Not from the network; nobody looks at it. */
  @Override
  protected Image catImage() {
    return Image.builder().base64Data("iVBORw0KGgo=").mimeType("image/png").build();
  }
}
